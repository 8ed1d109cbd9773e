"""Timers: what people say, what happens, what is kept on disk."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_hub import timer_store
from wyoming_rosie_hub.timer_intents import Outcome, Request, Slots, carry_out
from wyoming_rosie_hub.timers import Timer, Timers, spoken

NOW = 1_000_000.0


def do(timers: Timers, intent: str, now: float = NOW, satellite: str = "kitchen", **slots: object) -> Outcome:
    return ask(timers, intent, now, satellite, slots)


def ask(timers: Timers, intent: str, now: float, satellite: str, slots: Slots) -> Outcome:
    number = f"t{len(timers.all)}{now:.0f}"
    outcome = carry_out(f"Hass{intent}", timers, Request(slots, satellite, number, now))
    assert outcome is not None
    return outcome


def after(*steps: tuple[str, Slots]) -> Timers:
    timers = Timers()
    for intent, slots in steps:
        timers = ask(timers, intent, NOW, "kitchen", slots).timers
    return timers


FIVE: tuple[str, Slots] = ("StartTimer", {"minutes": 5})
PIZZA: tuple[str, Slots] = ("StartTimer", {"minutes": 12, "name": "pizza"})


def test_a_timer_starts_and_is_due_at_its_time() -> None:
    outcome = do(Timers(), "StartTimer", hours=1, minutes=5, name="pizza")
    assert outcome.answer == "Pizza timer started for 1 hour and 5 minutes."
    assert (outcome.events[0].type, outcome.events[0].data["total_seconds"]) == ("timer-started", 3900)
    assert outcome.timers.due(NOW + 3899) == ()
    assert outcome.timers.due(NOW + 3900) == outcome.timers.all


def test_a_timer_without_a_length_is_asked_for() -> None:
    assert do(Timers(), "StartTimer") == Outcome(Timers(), (), "For how long should the timer run?")


def test_the_only_timer_is_cancelled() -> None:
    outcome = do(after(FIVE), "CancelTimer")
    assert (outcome.timers, outcome.answer) == (Timers(), "The 5 minute timer is cancelled.")
    assert [event.type for event in outcome.events] == ["timer-cancelled"]


def test_one_of_several_is_named_or_asked_for() -> None:
    timers = after(FIVE, PIZZA)
    assert do(timers, "CancelTimer").answer == "Which one? There are 2 timers: 5 minute timer, pizza timer."
    assert [timer.name for timer in do(timers, "CancelTimer", name="Pizza").timers.all] == [None]
    assert [timer.name for timer in do(timers, "CancelTimer", start_minutes=5).timers.all] == ["pizza"]
    assert do(timers, "CancelTimer", name="eggs").answer == "There is no such timer."


def test_the_timer_of_this_room_is_meant_when_there_is_one() -> None:
    timers = do(after(FIVE), "StartTimer", satellite="office", minutes=7).timers
    assert do(timers, "CancelTimer", satellite="office").answer == "The 7 minute timer is cancelled."


def test_all_are_cancelled() -> None:
    assert do(after(FIVE, PIZZA), "CancelAllTimers").timers == Timers()
    assert do(Timers(), "CancelAllTimers").answer == "There are no timers."


def test_a_paused_timer_keeps_what_is_left_and_goes_on_with_it() -> None:
    paused = do(after(FIVE), "PauseTimer", now=NOW + 60)
    assert paused.timers.next_due() is None
    assert (
        do(paused.timers, "TimerStatus", now=NOW + 9999).answer == "The 5 minute timer is paused with 4 minutes left."
    )
    resumed = do(paused.timers, "UnpauseTimer", now=NOW + 9999)
    assert resumed.timers.next_due() == NOW + 9999 + 240
    assert resumed.events[0].data == {"id": resumed.timers.all[0].id, "is_active": True, "total_seconds": 240}


def test_time_is_added_and_taken_away_but_never_below_nothing() -> None:
    longer = do(after(FIVE), "IncreaseTimer", minutes=2).timers
    assert longer.next_due() == NOW + 420
    assert do(longer, "DecreaseTimer", hours=3).timers.next_due() == NOW


def test_status_speaks_of_each_timer() -> None:
    said = do(after(FIVE, PIZZA), "TimerStatus", now=NOW + 30).answer
    assert (
        said
        == "4 minutes and 30 seconds left on the 5 minute timer. 11 minutes and 30 seconds left on the pizza timer."
    )


def test_what_is_not_about_timers_is_left_to_others() -> None:
    assert carry_out("HassTurnOn", Timers(), Request({}, "kitchen", "t", NOW)) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (61, "1 minute and 1 second"), (7325, "2 hours, 2 minutes and 5 seconds")],
)
def test_durations_are_spoken(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


timers = st.builds(
    Timer,
    st.text(min_size=1),
    st.text(),
    st.floats(0, 1e6),
    st.none() | st.text(),
    st.none() | st.floats(0, 1e10),
    st.floats(0, 1e6),
)


@given(st.lists(timers, max_size=5))
def test_timers_come_back_from_disk(tmp_path_factory: pytest.TempPathFactory, some: list[Timer]) -> None:
    path = tmp_path_factory.mktemp("timers") / "new" / "timers.json"
    timer_store.save(path, Timers(tuple(some)))
    assert timer_store.load(path) == Timers(tuple(some))


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"timers": [{}]}', '{"timers": 5}', '{"timers": [5]}', "\x00"])
def test_a_broken_file_is_set_aside(tmp_path: Path, written: str) -> None:
    path = tmp_path / "timers.json"
    path.write_text(written)
    assert timer_store.load(path) == Timers()
    assert (tmp_path / "timers.broken").read_text() == written


actions = st.tuples(
    st.sampled_from(
        [
            "StartTimer",
            "CancelTimer",
            "CancelAllTimers",
            "PauseTimer",
            "UnpauseTimer",
            "IncreaseTimer",
            "DecreaseTimer",
            "TimerStatus",
        ]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "minutes": st.integers(0, 90),
            "name": st.sampled_from(["eggs", "tea"]),
            "start_minutes": st.integers(0, 9),
        },
    ),
    st.floats(0, 500),
)


@given(st.lists(actions, max_size=20))
def test_any_requests_leave_timers_that_can_end(requests: list[tuple[str, dict[str, object], float]]) -> None:
    timers, now = Timers(), NOW
    for intent, slots, wait in requests:
        now += wait
        outcome = ask(timers, intent, now, "kitchen", slots)
        timers = outcome.timers
        assert outcome.answer
        assert all(timer.seconds_left(now) >= 0 for timer in timers.all)
        assert len({timer.id for timer in timers.all}) == len(timers.all)
