"""Reminders that are due when somebody comes home or leaves."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from tests.fakes import FakeDaemon
from tests.unit.hub.test_alarms import NOW, do
from tests.unit.hub.test_timer_service import TimerHarness
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.timers import intents, presence, store
from wyoming_rosie.timers.model import TimerSet
from wyoming_rosie.timers.presence import PlaceReader

ADA: dict[str, Any] = {
    "alarm": "reminder", "name": "water the plants", "person": "person.ada", "person_name": "Ada", "event": "arrive", "at_home": 0,
}  # fmt: skip
PLACES = ["home", "not_home", "Work", "unknown", "unavailable"]


def waiting(**slots: object) -> TimerSet:
    return do(TimerSet(), "StartTimer", **{**ADA, **slots}).timers


def is_due(timers: TimerSet, places: Sequence[str]) -> bool:
    for place in places:
        timers = presence.observe(timers, {"person.ada": place}, NOW)
    return timers.all[0].ends_at is not None


@pytest.mark.parametrize(
    ("slots", "language", "answer"),
    [
        ({}, "en", "I will remind you when Ada comes home: water the plants."),
        ({"person_name": None}, "en", "I will remind you when you come home: water the plants."),
        ({"event": "leave", "at_home": 1}, "en", "I will remind you when Ada leaves: water the plants."),
        ({}, "de", "Ich erinnere dich, wenn Ada nach Hause kommt: water the plants."),
        (
            {"event": "leave", "person_name": None},
            "fr",
            "Je vous le rappellerai quand vous partirez : water the plants.",
        ),
        ({"event": "fly"}, "en", "I did not understand the time."),
        ({"person": None}, "en", "I did not understand the time."),
    ],
)
def test_a_reminder_is_confirmed_with_its_event(slots: dict[str, object], language: str, answer: str) -> None:
    result = do(TimerSet(), "StartTimer", language, **{**ADA, **slots})
    assert (result.answer, result.events) == (answer, ())


@pytest.mark.parametrize(
    ("slots", "places", "due"),
    [
        ({"at_home": 0}, ["home"], True),
        ({"at_home": 0}, ["not_home", "Work"], False),
        ({"at_home": 1}, ["home"], False),
        ({"at_home": 1}, ["home", "Work", "home"], True),
        ({"at_home": 1}, ["home", "unknown", "home"], False),
        ({"event": "leave", "at_home": 1}, ["home"], False),
        ({"event": "leave", "at_home": 1}, ["unavailable", "Work"], True),
        ({"event": "leave", "at_home": 0}, ["not_home"], False),
        ({"event": "leave", "at_home": 0}, ["not_home", "home", "not_home"], True),
    ],
)
def test_a_reminder_is_due_at_the_change(slots: dict[str, object], places: list[str], due: bool) -> None:
    assert is_due(waiting(**slots), places) is due


@given(st.booleans(), st.sampled_from(["arrive", "leave"]), st.lists(st.sampled_from(PLACES)))
def test_a_reminder_is_never_due_without_a_change(at_home: bool, event: str, places: list[str]) -> None:
    known = ["home" if at_home else "not_home", *(place for place in places if place not in {"unknown", "unavailable"})]
    sides = [place == "home" for place in known]
    changed = any(before is not after and after is (event == "arrive") for before, after in pairwise(sides))
    assert is_due(waiting(event=event, at_home=int(at_home)), places) is changed


def test_others_are_not_meant() -> None:
    timers = presence.observe(waiting(), {"person.bob": "home"}, NOW)
    assert presence.find_persons(timers) == {"person.ada"}


def test_it_is_listed_after_those_with_a_time_and_cancelled_by_its_text() -> None:
    timers = do(waiting(), "StartTimer", alarm="reminder", at="2026-11-21T18:00", name="call mum").timers
    listed = do(timers, "TimerStatus", kind="reminder").answer
    assert listed == "Reminders: call mum, 6:00 PM; water the plants, when Ada comes home."
    result = do(timers, "CancelTimer", kind="reminder", name="plants")
    assert result.answer == "Cancelled: water the plants, when Ada comes home."
    assert (len(result.timers.all), result.events) == (1, ())
    assert do(waiting(), "CancelTimer", kind="reminder", clock="01:00").answer == "There is none such."


def test_the_satellite_is_told_nothing_of_what_has_no_time() -> None:
    assert intents.sync_events(waiting(), "kitchen", NOW) == ()


def test_it_survives_a_restart(tmp_path: Path) -> None:
    timers = presence.observe(waiting(at_home=1), {"person.ada": "not_home"}, NOW)
    store.save(tmp_path / "timers.json", timers)
    assert store.load(tmp_path / "timers.json") == timers


async def test_it_rings_and_is_spoken_once_and_is_stored_no_longer(tmp_path: Path) -> None:
    place = "not_home"

    async def read_places(persons: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(persons, place)

    harness = TimerHarness(tmp_path / "timers.json")
    harness.timers._callbacks = replace(harness.timers._callbacks, read_places=read_places)
    async with harness.running():
        watching = asyncio.create_task(harness.timers.watch_presence(0.01))
        await harness.ask("StartTimer", **ADA)
        await asyncio.sleep(0.05)
        assert harness.announced == []
        place = "home"
        await harness.until("Reminder: water the plants.")
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(store.load, tmp_path / "timers.json")).all:
                await asyncio.sleep(0.01)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    assert harness.announced == ["Reminder: water the plants."]
    assert harness.told.count(("kitchen", "timer-finished")) == 1


async def test_places_are_those_that_the_intent_daemon_reports() -> None:
    async def answer(event: Event, send: Send) -> None:
        entities = {entity: {"state": "home"} for entity in event.data["data"]["entities"]}
        await send(Event("user-event", {"name": "home-state", "data": {"entities": {**entities, "person.odd": "?"}}}))

    async with FakeDaemon(answer).serving() as daemon:
        assert await PlaceReader(lambda: daemon.uri).read({"person.ada"}) == {"person.ada": "home"}
    assert await PlaceReader(lambda: daemon.uri).read({"person.ada"}) == {}
