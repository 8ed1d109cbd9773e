"""Alarms of satellites that Home Assistant conducts: kept by the intent daemon, and rung by announcements."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path

import pytest

from tests.unit.intent.outcomes import get_outcome
from tests.waiting import wait_until
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.timers import store
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, DelegateToConductor
from wyoming_rosie_intent.context.last_turn import LIFETIME_SECONDS
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.execution.satellite_alarms import SatelliteAlarms
from wyoming_rosie_intent.rules import hassil

KITCHEN = "assist_satellite.kitchen"
REMINDER = "Reminder: eat."
HOME = Home(entities=(Entity("light.lamp", "Lamp", "light"), Entity("person.ada", "Ada", "person", place="home")))


class FakeAnnouncer:
    """Satellites that note what they say."""

    def __init__(self) -> None:
        self.idle = {KITCHEN: True}
        self.said: list[str] = []

    def satellites(self) -> Mapping[str, bool]:
        return self.idle

    async def announce(self, satellite: str, text: str) -> None:
        self.said.append(text)


class House:
    """A dialogue, and the alarms of the kitchen's satellite."""

    def __init__(self, recognizer: IntentRecognizer, path: Path, ring_seconds: float = 60.0) -> None:
        self.announcer = FakeAnnouncer()
        executor = ActionExecutor(HOME, DemoActor(HOME))
        self.alarms = SatelliteAlarms(path, self.announcer, executor.states, 0.01, ring_seconds)
        self.dialogue = Dialogue(recognizer, executor, Confirmations(("yes",), ("no",)), satellite_alarms=self.alarms)
        self._now = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["House"]:
        task = asyncio.create_task(self.alarms.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.dialogue.close()

    async def say(self, text: str, satellite: str | None = KITCHEN) -> str:
        """Return the answer, or the names of the intents that are left to the conductor."""
        self._now += LIFETIME_SECONDS / 2
        said = ConversationInput(text, "one", "en", "kitchen", satellite=satellite)
        outcome = await get_outcome(self.dialogue, said, self._now, datetime.now().astimezone())
        if isinstance(outcome, DelegateToConductor):
            return " ".join(match.intent for match in outcome.matches)
        return outcome.text


@pytest.fixture(scope="module")
def recognizer() -> IntentRecognizer:
    return hassil.load(hassil.Settings(("en",)), HOME)


@pytest.fixture
async def house(recognizer: IntentRecognizer, tmp_path: Path) -> AsyncIterator[House]:
    async with House(recognizer, tmp_path / "alarms.json").running() as house:
        yield house


async def test_a_reminder_is_repeated_until_somebody_speaks(house: House) -> None:
    assert (await house.say("remind me in one second to eat")).endswith(": eat.")
    await wait_until(lambda: house.announcer.said.count(REMINDER) > 2)
    assert await house.say("stop") == "HassNevermind"
    said = len(house.announcer.said)
    await asyncio.sleep(0.1)
    assert len(house.announcer.said) == said
    assert await house.say("what are my reminders") == "There are no reminders."


async def test_what_rings_is_snoozed(house: House) -> None:
    await house.say("remind me in one second to eat")
    await wait_until(lambda: house.announcer.said)
    assert await house.say("snooze for one second") == "I will ring again in 1 second."
    said = len(house.announcer.said)
    await wait_until(lambda: len(house.announcer.said) > said)


async def test_more_minutes_snooze_what_rang_and_otherwise_prolong_home_assistants_timer(house: House) -> None:
    assert await house.say("five more minutes") == "HassIncreaseTimer"
    await house.say("remind me in one second to eat")
    await wait_until(lambda: house.announcer.said)
    assert await house.say("five more minutes") == "I will ring again in 5 minutes."


async def test_nothing_is_said_while_the_satellite_is_busy(house: House) -> None:
    house.announcer.idle[KITCHEN] = False
    await house.say("remind me in one second to eat")
    await asyncio.sleep(1.5)
    assert house.announcer.said == []
    house.announcer.idle[KITCHEN] = True
    await wait_until(lambda: REMINDER in house.announcer.said)


async def test_a_repeated_alarm_is_listed_and_cancelled_by_its_time(house: House) -> None:
    assert await house.say("wake me at seven every weekday") == "Alarm set for 7:00 AM, on weekdays."
    await house.say("set an alarm for eight in the morning every day")
    assert (await house.say("what are my alarms")).count("AM") == 2
    assert (await house.say("cancel my alarm")).startswith("Which one: ")
    assert (await house.say("the first one")).startswith("Cancelled: ")
    assert (await house.say("cancel all my alarms")).startswith("Cancelled: ")
    assert await house.say("what are my alarms") == "There are no alarms."


async def test_undoing_an_alarm_cancels_it_and_no_timer(house: House) -> None:
    await house.say("wake me at seven every weekday")
    assert await house.say("undo that") == "Cancelled: 7:00 AM, on weekdays."


async def test_a_reminder_for_a_departure_is_kept(house: House) -> None:
    assert await house.say("remind me to eat when I leave") == "I will remind you when you leave: eat."
    assert await house.say("what are my reminders") == "Reminders: eat, when you leave."


@pytest.mark.parametrize("satellite", [None, "assist_satellite.attic", "kitchen"])
async def test_the_alarms_of_other_satellites_are_their_conductors(house: House, satellite: str | None) -> None:
    assert await house.say("wake me at seven every weekday", satellite) == "HassStartTimer"
    assert await house.say("what are my alarms", satellite) == "HassTimerStatus"


async def test_timers_stay_with_the_conductor(house: House) -> None:
    assert await house.say("set a timer for 5 minutes") == "HassStartTimer"
    assert await house.say("cancel all timers") == "HassCancelAllTimers"


async def test_an_alarm_rings_after_a_restart_when_its_satellite_is_reachable(
    recognizer: IntentRecognizer, tmp_path: Path
) -> None:
    path = tmp_path / "alarms.json"
    async with House(recognizer, path).running() as house:
        await house.say("remind me in one second to eat")
        async with asyncio.timeout(60):
            while not (await asyncio.to_thread(store.load, path)).all:
                await asyncio.sleep(0.01)
    again = House(recognizer, path)
    again.announcer.idle = {}
    async with again.running():
        await asyncio.sleep(1.5)
        assert again.announcer.said == []
        again.announcer.idle = {KITCHEN: True}
        await wait_until(lambda: REMINDER in again.announcer.said)


async def test_an_alarm_that_nobody_stops_ends(recognizer: IntentRecognizer, tmp_path: Path) -> None:
    async with House(recognizer, tmp_path / "alarms.json", ring_seconds=1.0).running() as house:
        await house.say("remind me in one second to eat")
        await wait_until(lambda: REMINDER in house.announcer.said)
        await wait_until(lambda: all(task.done() for task in house.alarms._ringing.values()))
