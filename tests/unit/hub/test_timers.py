"""Timer intents: the answers, the events for satellites, and the timers on disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.timers import store
from wyoming_rosie.timers.intents import Slots, TimerIntentRequest, TimerIntentResult, execute_intent, sync_events
from wyoming_rosie.timers.model import DelayedCommand, HubTimer, TimerSet

NOW = 1_000_000.0


def do(
    timers: TimerSet, intent: str, now: float = NOW, satellite: str = "kitchen", **slots: object
) -> TimerIntentResult:
    return ask(timers, intent, now, satellite, slots)


def ask(timers: TimerSet, intent: str, now: float, satellite: str, slots: Slots) -> TimerIntentResult:
    number = f"t{len(timers.all)}{now:.0f}"
    outcome = execute_intent(f"Hass{intent}", timers, TimerIntentRequest(slots, satellite, number, now))
    assert outcome is not None
    return outcome


def after(*steps: tuple[str, Slots]) -> TimerSet:
    timers = TimerSet()
    for intent, slots in steps:
        timers = ask(timers, intent, NOW, "kitchen", slots).timers
    return timers


FIVE: tuple[str, Slots] = ("StartTimer", {"minutes": 5})
PIZZA: tuple[str, Slots] = ("StartTimer", {"minutes": 12, "name": "pizza"})


def test_a_timer_starts_and_is_due_at_its_time() -> None:
    outcome = do(TimerSet(), "StartTimer", hours=1, minutes=5, name="pizza")
    assert outcome.answer == "Pizza timer started for 1 hour and 5 minutes."
    assert (outcome.events[0][1].type, outcome.events[0][1].data["total_seconds"]) == ("timer-started", 3900)
    assert outcome.timers.find_expired(NOW + 3899) == ()
    assert outcome.timers.find_expired(NOW + 3900) == outcome.timers.all


def test_a_timer_without_a_length_is_answered_with_a_question() -> None:
    assert do(TimerSet(), "StartTimer") == TimerIntentResult(TimerSet(), (), "For how long should the timer run?")


def test_the_only_timer_is_cancelled() -> None:
    outcome = do(after(FIVE), "CancelTimer")
    assert (outcome.timers.all, outcome.answer) == ((), "The 5 minute timer is cancelled.")
    assert [(who, event.type) for who, event in outcome.events] == [("kitchen", "timer-cancelled")]


def test_one_of_several_is_named_or_asked_for() -> None:
    timers = after(FIVE, PIZZA)
    assert do(timers, "CancelTimer").answer == "Which one: the 5 minute timer or the pizza timer?"
    assert [timer.name for timer in do(timers, "CancelTimer", name="Pizza").timers.all] == [None]
    assert [timer.name for timer in do(timers, "CancelTimer", start_minutes=5).timers.all] == ["pizza"]
    assert do(timers, "CancelTimer", name="eggs").answer == "There is no such timer."


@pytest.mark.parametrize(
    ("called", "said", "is_meant"),
    [
        ("eggs", "egg", True),
        ("Nudeln", "nudel", True),
        ("Tea", "tea", True),
        ("egg", "eggplant", False),
        ("tea", "teas", True),
        ("a", "ab", False),
    ],
)
def test_a_name_may_have_another_ending(called: str, said: str, is_meant: bool) -> None:
    timers = after(("StartTimer", {"minutes": 5, "name": called}))
    assert (do(timers, "CancelTimer", name=said).timers.all == ()) is is_meant


def test_the_timer_of_this_room_is_meant_when_there_is_one() -> None:
    timers = do(after(FIVE), "StartTimer", satellite="office", minutes=7).timers
    assert do(timers, "CancelTimer", satellite="office").answer == "The 7 minute timer is cancelled."


def test_all_are_cancelled() -> None:
    outcome = do(after(FIVE, PIZZA), "CancelAllTimers")
    assert (outcome.timers.all, outcome.answer) == ((), "All 2 timers are cancelled.")
    assert do(TimerSet(), "CancelAllTimers").answer == "There are no timers."


def elsewhere(intent: str, present: frozenset[str], **slots: object) -> TimerIntentResult:
    """Send an intent from the office about the kitchen's 5 minute timer."""
    outcome = execute_intent(
        f"Hass{intent}", after(FIVE), TimerIntentRequest(slots, "office", "t9", NOW, connected=present)
    )
    assert outcome is not None
    return outcome


CHANGES = [("CancelTimer", {}), ("PauseTimer", {}), ("IncreaseTimer", {"minutes": 5}), ("CancelAllTimers", {})]


@pytest.mark.parametrize(("intent", "slots"), CHANGES, ids=[intent for intent, _ in CHANGES])
def test_events_go_to_the_timers_own_satellite(intent: str, slots: Slots) -> None:
    outcome = elsewhere(intent, frozenset({"kitchen", "office"}), **slots)
    assert [who for who, _ in outcome.events] == ["kitchen"]
    assert "kitchen" not in outcome.answer


@pytest.mark.parametrize(
    ("intent", "slots", "truth"),
    [
        ("CancelTimer", {}, "The satellite kitchen cannot be reached, so it may still ring there until it is back."),
        (
            "CancelAllTimers",
            {},
            "The satellite kitchen cannot be reached, so it may still ring there until it is back.",
        ),
        ("PauseTimer", {}, "The satellite kitchen cannot be reached. It learns of this when it is back."),
    ],
)
def test_the_answer_says_that_the_timers_satellite_is_unreachable(intent: str, slots: Slots, truth: str) -> None:
    assert elsewhere(intent, frozenset({"office"}), **slots).answer.endswith(truth)


def test_a_reconnected_satellite_is_sent_what_it_missed() -> None:
    timers = elsewhere("CancelTimer", frozenset()).timers
    timers = do(timers, "StartTimer", minutes=7).timers
    told = [(event.type, event.data["id"]) for event in sync_events(timers, "kitchen", NOW + 60)]
    assert told == [("timer-cancelled", timers.cancelled[0].id), ("timer-updated", timers.all[0].id)]
    assert sync_events(timers, "office", NOW) == ()
    assert timers.prune(NOW + 300 + 3601).cancelled == ()


def test_the_timer_of_a_room_is_meant_by_the_room() -> None:
    timers = after(FIVE)
    kitchen, office = TimerIntentRequest({"area": "Kitchen"}, "den", "t", NOW), {"minutes": 5}
    timers = TimerSet((replace(timers.all[0], area="Kitchen"),))
    timers = do(timers, "StartTimer", satellite="office", **office).timers
    outcome = execute_intent("HassCancelTimer", timers, kitchen)
    assert outcome is not None
    assert [timer.satellite_id for timer in outcome.timers.all] == ["office"]


def test_similar_timers_are_distinguished_by_room_and_time_left() -> None:
    timers = TimerSet()
    for at, satellite, area in ((0, "k1", "Kitchen"), (60, "k1", "Kitchen"), (90, "o1", "Office")):
        request = TimerIntentRequest({"minutes": 5}, satellite, f"t{at}", NOW + at, area)
        outcome = execute_intent("HassStartTimer", timers, request)
        assert outcome is not None
        timers = outcome.timers
    asked = execute_intent("HassCancelTimer", timers, TimerIntentRequest({}, "den", "t", NOW + 90))
    assert asked is not None
    assert asked.answer == (
        "Which one: the 5 minute timer in the Kitchen with 3 minutes and 30 seconds left, "
        "the 5 minute timer in the Kitchen with 4 minutes and 30 seconds left or the 5 minute timer in the Office?"
    )
    assert asked.question is not None
    assert asked.question.timer_ids == ("t0", "t60", "t90")


def test_the_first_of_identical_timers_is_taken_without_a_question() -> None:
    outcome = do(after(FIVE, FIVE), "CancelTimer")
    assert (len(outcome.timers.all), outcome.question) == (1, None)


def test_all_timers_are_paused_and_resumed() -> None:
    paused = do(after(FIVE, PIZZA), "PauseTimer", which="all")
    assert paused.answer == "The 5 minute timer is paused. The pizza timer is paused."
    assert paused.timers.next_deadline() is None
    assert len(do(paused.timers, "UnpauseTimer", which="all").timers.find_expired(NOW + 720)) == 2


COMMAND = DelayedCommand("turn off the tv", "turn off the TV", "en")


def test_a_delayed_command_is_listed_and_cancelled_like_a_timer() -> None:
    request = TimerIntentRequest({"minutes": 10}, "kitchen", "c1", NOW, command=COMMAND)
    started = execute_intent("HassStartTimer", TimerSet(), request)
    assert started is not None
    assert (started.answer, started.events) == ("In 10 minutes: turn off the TV.", ())
    assert do(started.timers, "TimerStatus", now=NOW + 60).answer == "In 9 minutes: turn off the TV."
    assert do(started.timers, "IncreaseTimer", minutes=5).timers.next_deadline() == NOW + 900
    cancelled = do(started.timers, "CancelTimer", name="tv")
    assert (cancelled.answer, cancelled.timers, cancelled.events) == ("Cancelled: turn off the TV.", TimerSet(), ())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ["Timer über 5 Minuten gestartet.", "Noch 5 Minuten auf dem Timer über 5 Minuten."]),
        ("fr", ["Minuteur de 5 minutes démarré.", "Il reste 5 minutes sur le minuteur de 5 minutes."]),
        ("es", ["Temporizador de 5 minutos iniciado.", "Quedan 5 minutos en el temporizador de 5 minutos."]),
        ("it", ["Timer di 5 minuti avviato.", "Restano 5 minuti sul timer di 5 minuti."]),
        ("nl-BE", ["Timer van 5 minuten gestart.", "Nog 5 minuten op de timer van 5 minuten."]),
        ("sv", ["5 minute timer started.", "5 minutes left on the 5 minute timer."]),
    ],
)
def test_answers_are_in_the_language_of_the_turn(language: str, said: list[str]) -> None:
    request = TimerIntentRequest({"minutes": 5}, "kitchen", "t1", NOW, language=language)
    started = execute_intent("HassStartTimer", TimerSet(), request)
    assert started is not None
    status = execute_intent("HassTimerStatus", started.timers, request)
    assert status is not None
    assert [started.answer, status.answer] == said


def test_a_paused_timer_resumes_with_the_time_left() -> None:
    paused = do(after(FIVE), "PauseTimer", now=NOW + 60)
    assert paused.timers.next_deadline() is None
    assert (
        do(paused.timers, "TimerStatus", now=NOW + 9999).answer == "The 5 minute timer is paused with 4 minutes left."
    )
    resumed = do(paused.timers, "UnpauseTimer", now=NOW + 9999)
    assert resumed.timers.next_deadline() == NOW + 9999 + 240
    assert resumed.events[0][1].data == {"id": resumed.timers.all[0].id, "is_active": True, "total_seconds": 240}


def test_time_is_added_and_taken_away_but_never_below_nothing() -> None:
    longer = do(after(FIVE), "IncreaseTimer", minutes=2).timers
    assert longer.next_deadline() == NOW + 420
    assert do(longer, "DecreaseTimer", hours=3).timers.next_deadline() == NOW


def test_status_speaks_of_each_timer() -> None:
    said = do(after(FIVE, PIZZA), "TimerStatus", now=NOW + 30).answer
    assert (
        said
        == "4 minutes and 30 seconds left on the 5 minute timer. 11 minutes and 30 seconds left on the pizza timer."
    )


def test_other_intents_are_left_to_other_executors() -> None:
    assert execute_intent("HassTurnOn", TimerSet(), TimerIntentRequest({}, "kitchen", "t", NOW)) is None


timers = st.builds(
    HubTimer,
    id=st.text(min_size=1),
    satellite_id=st.text(),
    total_seconds=st.floats(0, 1e6),
    name=st.none() | st.text(),
    ends_at=st.none() | st.floats(0, 1e10),
    left_when_paused=st.floats(0, 1e6),
    area=st.none() | st.text(),
    command=st.none() | st.builds(DelayedCommand, st.text(), st.text(), st.text(), st.lists(st.text()).map(tuple)),
)


@given(st.lists(timers, max_size=5))
def test_timers_come_back_from_disk(tmp_path_factory: pytest.TempPathFactory, some: list[HubTimer]) -> None:
    path = tmp_path_factory.mktemp("timers") / "new" / "timers.json"
    timers = TimerSet(tuple(some), tuple(reversed(some)))
    store.save(path, timers)
    assert store.load(path) == timers


def test_timers_of_the_last_version_are_still_read(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    old = {"id": "t1", "satellite_id": "kitchen", "seconds": 300.0, "name": None, "ends_at": NOW, "left_when_paused": 0}
    path.write_text(json.dumps({"timers": [old]}))
    assert [timer.id for timer in store.load(path).all] == ["t1"]


def test_a_file_with_commands_is_read_and_written_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    common = {"satellite_id": "kitchen", "seconds": 300.0, "area": "Kitchen"}
    running = {"id": "t1", **common, "name": "pasta", "ends_at": NOW, "left_when_paused": 0.0, "command": None}
    command = {"text": "turn off the tv", "label": "turn off the TV", "language": "en", "confirmed": ["lock.front"]}
    command |= {"speaker": "Ada"}
    paused = {"id": "t2", **common, "name": None, "ends_at": None, "left_when_paused": 60.0, "command": command}
    document = {"timers": [running, paused], "gone": [running]}
    path.write_text(json.dumps(document))
    timers = store.load(path)
    assert [timer.seconds_left(NOW - 10) for timer in timers.all] == [10, 60]
    store.save(path, timers)
    assert json.loads(path.read_text()) == document


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"timers": [{}]}', '{"timers": 5}', '{"timers": [5]}', "\x00"])
def test_a_broken_file_is_set_aside(tmp_path: Path, written: str) -> None:
    path = tmp_path / "timers.json"
    path.write_text(written)
    assert store.load(path) == TimerSet()
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
    timers, now = TimerSet(), NOW
    for intent, slots, wait in requests:
        now += wait
        outcome = ask(timers, intent, now, "kitchen", slots)
        timers = outcome.timers
        assert outcome.answer
        assert all(timer.seconds_left(now) >= 0 for timer in timers.all)
        assert len({timer.id for timer in timers.all}) == len(timers.all)
