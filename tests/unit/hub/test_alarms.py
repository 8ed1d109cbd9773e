"""Alarms and reminders: the answers, the events for satellites, the alarms on disk, and what happens at their time."""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hub.test_timer_service import KITCHEN, OFFICE, TimerHarness
from wyoming_rosie.timers import alarms, intents, store
from wyoming_rosie.timers.intents import TimerIntentRequest, TimerIntentResult
from wyoming_rosie.timers.model import HubTimer, TimerSet, after_ring, local_time, rings_of
from wyoming_rosie_satellite.storage.timers import Timers as SatelliteTimers

NOW = datetime.fromisoformat("2026-11-21T15:05").timestamp()  # a Saturday
WAKE: dict[str, Any] = {"alarm": "wake", "at": "2026-11-22T07:00", "hours": 15, "minutes": 55}
WORKDAYS: dict[str, Any] = {"alarm": "wake", "at": "2026-11-23T06:30", "hours": 39, "minutes": 25, "days": "01234"}
MUM: dict[str, Any] = {"alarm": "reminder", "at": "2026-11-21T18:00", "name": "call mum"}


def do(timers: TimerSet, intent: str, language: str = "en", **slots: object) -> TimerIntentResult:
    request = TimerIntentRequest(slots, "kitchen", f"t{len(timers.all)}", NOW, language=language)
    result = alarms.execute_intent(f"Hass{intent}", timers, request)
    assert result is not None
    return result


def after(*slots: dict[str, Any]) -> TimerSet:
    timers = TimerSet()
    for one in slots:
        timers = do(timers, "StartTimer", **one).timers
    return timers


@pytest.mark.parametrize(
    ("slots", "language", "answer"),
    [
        (WAKE, "en", "Alarm set for 7:00 AM tomorrow."),
        (WORKDAYS, "en", "Alarm set for 6:30 AM, on weekdays."),
        ({**WORKDAYS, "days": "2"}, "en", "Alarm set for 6:30 AM, every Wednesday."),
        (MUM, "en", "I will remind you at 6:00 PM: call mum."),
        ({**WAKE, "at": "2026-11-25T07:00"}, "en", "Alarm set for 7:00 AM on Wednesday."),
        ({**WAKE, "at": "2026-12-05T12:05"}, "en", "Alarm set for 12:05 PM on Saturday, December 5."),
        ({**WAKE, "at": "2027-11-25T07:00"}, "en", "I can keep an alarm for 31 days at most."),
        ({**WAKE, "at": "seven"}, "en", "I did not understand the time."),
        (WAKE, "de", "Wecker gestellt: morgen um 7 Uhr 00."),
        (WORKDAYS, "fr", "Réveil réglé : 6 h 30, en semaine."),
        (MUM, "es", "Te lo recordaré: 18:00, call mum."),
        (WAKE, "it", "Sveglia impostata: domani alle 7:00."),
        (WAKE, "nl", "Wekker gezet: morgen om 7:00 uur."),
    ],
)
def test_an_alarm_is_confirmed_with_its_time(slots: dict[str, Any], language: str, answer: str) -> None:
    assert do(TimerSet(), "StartTimer", language, **slots).answer == answer


def test_the_satellite_knows_the_next_week_of_a_repeated_alarm() -> None:
    result = do(TimerSet(), "StartTimer", **WORKDAYS)
    ends = [NOW + event.data["total_seconds"] for _, event in result.events]
    assert [f"{local_time(end):%a %d %H:%M}" for end in ends] == [
        "Mon 23 06:30", "Tue 24 06:30", "Wed 25 06:30", "Thu 26 06:30", "Fri 27 06:30", "Mon 30 06:30", "Tue 01 06:30",
    ]  # fmt: skip
    assert len({event.data["id"] for _, event in result.events}) == len(ends)


def test_a_repeated_alarm_is_cancelled_at_all_its_times() -> None:
    timers = after(WORKDAYS)
    started = {event.data["id"] for _, event in do(TimerSet(), "StartTimer", **WORKDAYS).events}
    result = do(timers, "CancelTimer", kind="alarm")
    assert (result.timers.all, result.answer) == ((), "Cancelled: 6:30 AM, on weekdays.")
    assert {event.data["id"] for _, event in result.events} == started
    assert {event.data["id"] for event in intents.sync_events(result.timers, "kitchen", NOW)} == started


@pytest.mark.parametrize(
    ("slots", "answer"),
    [
        ({"kind": "alarm"}, "Alarms: 7:00 AM tomorrow; 6:30 AM, on weekdays."),
        ({"kind": "reminder"}, "Reminders: call mum, 6:00 PM."),
    ],
)
def test_alarms_and_reminders_are_listed_apart(slots: dict[str, Any], answer: str) -> None:
    assert do(after(WORKDAYS, WAKE, MUM), "TimerStatus", **slots).answer == answer


@pytest.mark.parametrize(
    ("slots", "left"),
    [
        ({"kind": "alarm", "clock": "07:00"}, {"t0", "t2"}),
        ({"kind": "alarm", "clock": "19:00"}, {"t0", "t2"}),  # the same on a clock face
        ({"kind": "alarm", "day": "2026-11-24"}, {"t1", "t2"}),
        ({"kind": "alarm", "clock": "08:00"}, {"t0", "t1", "t2"}),
        ({"kind": "alarm"}, {"t0", "t1", "t2"}),  # which one?
        ({"kind": "alarm", "which": "all"}, {"t2"}),
        ({"kind": "reminder"}, {"t0", "t1"}),
        ({"kind": "reminder", "name": "mum"}, {"t0", "t1"}),
        ({"kind": "reminder", "name": "dad"}, {"t0", "t1", "t2"}),
    ],
)
def test_only_the_alarm_that_is_meant_is_cancelled(slots: dict[str, Any], left: set[str]) -> None:
    assert {timer.id for timer in do(after(WORKDAYS, WAKE, MUM), "CancelTimer", **slots).timers.all} == left


def test_a_timer_intent_never_touches_an_alarm() -> None:
    timers = after(WAKE)
    request = TimerIntentRequest({}, "kitchen", "x", NOW)
    for intent in ("HassCancelTimer", "HassCancelAllTimers", "HassPauseTimer", "HassDecreaseTimer"):
        result = intents.execute_intent(intent, timers, request)
        assert result is not None
        assert (result.timers.all, result.answer) == (timers.all, "There are no timers.")


def test_alarms_survive_a_restart(tmp_path: Path) -> None:
    timers = after(WORKDAYS, WAKE, MUM)
    store.save(tmp_path / "timers.json", timers)
    assert store.load(tmp_path / "timers.json") == timers


def test_an_alarm_that_would_never_ring_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    store.save(path, after(WORKDAYS))
    path.write_text(path.read_text("utf-8").replace('"06:30"', '"soon"'), "utf-8")
    assert store.load(path) == TimerSet()
    assert not path.exists()


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 23), st.integers(0, 59), st.floats(0, 40 * 86400))
def test_the_next_time_of_a_repeated_alarm_is_later_and_on_its_days(
    days: set[int], hour: int, minute: int, late: float
) -> None:
    slots = {"alarm": "wake", "at": f"2026-11-22T{hour:02}:{minute:02}", "days": "".join(map(str, days))}
    [timer] = do(TimerSet(), "StartTimer", **slots).timers.all
    assert timer.ends_at is not None
    later = after_ring(timer, timer.ends_at + late)
    assert later is not None
    assert later.ends_at is not None
    assert later.ends_at > timer.ends_at + late
    assert {local_time(ring.ends_at or 0).weekday() for ring in rings_of(later)} <= days


def soon(**slots: object) -> dict[str, Any]:
    return {"at": datetime.fromtimestamp(time.time() + 0.2).isoformat("T", "milliseconds"), **slots}  # noqa: DTZ006


async def test_a_reminder_rings_and_is_spoken(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    async with harness.running():
        await harness.ask("StartTimer", **soon(alarm="reminder", name="call mum"))
        await harness.until("Reminder: call mum.")
    assert ("kitchen", "timer-finished") in harness.told


async def test_a_repeated_alarm_waits_for_its_next_time_after_it_rang(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    async with harness.running():
        await harness.ask("StartTimer", **soon(alarm="wake", days="0123456"))
        started = harness.told.count(("kitchen", "timer-started"))
        harness.passed = 86400.0
        harness.timers.on_connected("kitchen")
        await harness.until(("kitchen", "timer-finished"))
        assert (await harness.ask("TimerStatus", kind="alarm")).endswith(", every day.")
        assert harness.told.count(("kitchen", "timer-started")) == 2 * started


async def test_snooze_rings_again_with_the_text_of_what_rang(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    async with harness.running():
        assert await harness.ask("StartTimer", alarm="snooze", minutes=10) == "Nothing has rung here."
        await harness.ask("StartTimer", **soon(alarm="reminder", name="call mum"))
        await harness.until("Reminder: call mum.")
        assert await harness.ask("StartTimer", OFFICE, alarm="snooze", minutes=10) == "Nothing has rung here."
        assert await harness.ask("StartTimer", alarm="snooze", minutes=10) == "I will ring again in 10 minutes."
        assert "call mum" in await harness.ask("TimerStatus", kind="reminder")


async def test_what_rang_before_a_restart_can_be_snoozed(tmp_path: Path) -> None:
    path = tmp_path / "timers.json"
    harness = TimerHarness(path)
    async with harness.running():
        await harness.ask("StartTimer", **soon(alarm="reminder", name="call mum"))
        await harness.until("Reminder: call mum.")
        async with asyncio.timeout(60):
            while not (await asyncio.to_thread(store.load, path)).rung:
                await asyncio.sleep(0.01)
    again = TimerHarness(path)
    async with again.running(), asyncio.timeout(60):
        while (answer := await again.ask("StartTimer", alarm="snooze", minutes=10)) == "Nothing has rung here.":
            await asyncio.sleep(0.01)  # the file is read beside
        assert answer == "I will ring again in 10 minutes."


def test_what_rang_more_than_an_hour_ago_is_forgotten() -> None:
    first, second = (HubTimer(name, 60.0, None, NOW, satellite_id="kitchen") for name in ("first", "second"))
    timers = TimerSet().add_rung(first).add_rung(second)
    assert timers.find_rung("kitchen", NOW + 3599) == second
    assert timers.find_rung("office", NOW) is None
    assert timers.find_rung("kitchen", NOW + 3601) is None
    assert timers.prune(NOW + 3601) == TimerSet()


async def test_more_minutes_snooze_what_rang_and_otherwise_prolong_a_timer(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    more: dict[str, Any] = {"alarm": "snooze", "more": 1, "minutes": 5}
    async with harness.running():
        assert await harness.ask("StartTimer", **more) == "Nothing has rung here."
        await harness.ask("StartTimer", minutes=10)
        assert await harness.ask("StartTimer", **more) == "15 minutes left now."
        assert await harness.ask("StartTimer", alarm="snooze", minutes=10) == "Nothing has rung here."
        await harness.ask("StartTimer", **soon(alarm="wake"))
        await harness.until(("kitchen", "timer-finished"))
        assert await harness.ask("StartTimer", **more) == "I will ring again in 5 minutes."


async def test_an_alarm_from_long_ago_does_not_ring_after_a_restart(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    await harness.ask("StartTimer", **soon(alarm="reminder", name="call mum"))
    await harness.ask("StartTimer", minutes=1)
    again = TimerHarness(tmp_path / "timers.json")
    again.passed = 10 * 3600.0
    async with again.running():
        await again.until(("kitchen", "timer-finished"))  # of the timer
        async with asyncio.timeout(60):
            while await again.ask("TimerStatus", kind="reminder") != "There are no reminders.":
                await asyncio.sleep(0.01)
    assert (again.announced, again.told.count(("kitchen", "timer-finished"))) == ([], 1)


async def test_the_answer_to_which_one_cancels_that_alarm(tmp_path: Path) -> None:
    harness = TimerHarness(tmp_path / "timers.json")
    for slots in (WORKDAYS, WAKE):
        await harness.ask("StartTimer", **{**slots, "at": _in_days(2, str(slots["at"])[-5:])})
    question = await harness.ask("CancelTimer", kind="alarm")
    assert question.startswith("Which one: ")
    answer = await harness.timers.answer_question("the first one", KITCHEN)
    assert answer is not None
    assert answer.text.startswith("Cancelled: ")
    assert await harness.ask("TimerStatus", kind="alarm") != "There are no alarms."


def _in_days(days: int, clock: str) -> str:
    return f"{local_time(time.time() + days * 86400):%Y-%m-%d}T{clock}"


def _timer(slots: dict[str, Any]) -> HubTimer:
    return after(slots).all[0]


def test_a_daily_alarm_keeps_its_time_of_day() -> None:
    times = {
        local_time(ring.ends_at or 0).strftime("%H:%M") for ring in rings_of(_timer({**WORKDAYS, "days": "0123456"}))
    }
    assert times == {"06:30"}


def test_the_satellite_rings_at_all_times_of_a_repeated_alarm_while_the_hub_is_away() -> None:
    satellite = SatelliteTimers()
    for _, event in do(TimerSet(), "StartTimer", **WORKDAYS).events:
        satellite.apply(event, 0.0)
    rung = []
    while (deadline := satellite.next_deadline) is not None:
        rung += [f"{local_time(NOW + deadline):%a %H:%M}" for _ in satellite.finish_expired(deadline)]
    assert rung == [f"{day} 06:30" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Mon", "Tue")]


@pytest.mark.parametrize(("slots", "text"), [(WAKE, "Alarm. It is 3:05 PM."), (MUM, "Reminder: call mum.")])
def test_a_satellite_that_rings_by_speaking_says_the_time_or_the_reminder(slots: dict[str, Any], text: str) -> None:
    assert alarms.ringing_text(_timer(slots), NOW) == text
