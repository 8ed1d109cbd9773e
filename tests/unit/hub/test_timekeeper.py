"""Timers as they run out, with satellites that come and go and commands that take their time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.event import Event

from wyoming_rosie_hub.messages import Answer, IntentAsked, Later, Speaker
from wyoming_rosie_hub.timers.model import HubTimer, LaterCommand
from wyoming_rosie_hub.timers.service import Surroundings, Timekeeper

KITCHEN, OFFICE = Speaker("kitchen", "Kitchen"), Speaker("office", "Office")


class House:
    """Satellites, of which some are there, and an intent daemon that may be slow."""

    def __init__(self, path: Path) -> None:
        self.present = {"kitchen", "office"}
        self.told: list[tuple[str, str]] = []
        self.announced: list[str] = []
        self.done: list[str] = []
        self.answer = Answer("Done.")
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.news = asyncio.Event()
        self.passed = 0.0
        around = Surroundings(self._tell, lambda: self.present, self._carry_out, self._announce)
        self.keeper = Timekeeper(path, around, lambda: time.time() + self.passed)

    def _tell(self, satellite_id: str, event: Event) -> bool:
        self.news.set()
        if satellite_id in self.present:
            self.told.append((satellite_id, event.type))
        return satellite_id in self.present

    async def _carry_out(self, timer: HubTimer, command: LaterCommand) -> Answer:
        await self.may_answer.wait()
        self.done.append(command.text)
        self.news.set()
        return self.answer

    def _announce(self, speaker: Speaker, answer: Answer, conversation: str) -> None:
        self.announced.append(answer.text)
        self.news.set()

    async def ask(self, intent: str, speaker: Speaker = KITCHEN, later: Later | None = None, **slots: object) -> str:
        answer = await self.keeper.do(IntentAsked(f"Hass{intent}", slots, speaker, later))
        assert answer is not None
        return answer.text

    async def until(self, happened: object) -> None:
        """Wait for an event to be told to somebody."""
        async with asyncio.timeout(60):
            while happened not in [*self.told, *self.done, *self.announced]:
                self.news.clear()
                await self.news.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "timers.json")


async def test_timers_of_absent_satellites_hold_up_nobody(house: House) -> None:
    for _ in range(9):
        await house.ask("StartTimer", seconds=0.01)
    await house.ask("StartTimer", OFFICE, seconds=0.01)
    house.present = {"office"}
    async with house.running():
        await house.until(("office", "timer-finished"))
        house.present.add("kitchen")
        house.keeper.joined("kitchen")
        await house.until(("kitchen", "timer-finished"))


async def test_what_is_changed_in_another_room_is_told_to_the_timers_satellite_alone(house: House) -> None:
    await house.ask("StartTimer", minutes=5)
    await house.ask("PauseTimer", OFFICE)
    await house.ask("UnpauseTimer", OFFICE)
    await house.ask("IncreaseTimer", OFFICE, minutes=1)
    await house.ask("CancelTimer", OFFICE)
    assert house.told == [
        ("kitchen", f"timer-{what}") for what in ("started", "updated", "updated", "updated", "cancelled")
    ]


async def test_a_satellite_learns_of_a_cancelled_timer_even_after_a_restart_of_the_hub(
    house: House, tmp_path: Path
) -> None:
    await house.ask("StartTimer", minutes=5)
    house.present = {"office"}
    assert "cannot be reached" in await house.ask("CancelTimer", OFFICE)
    after = House(tmp_path / "timers.json")
    async with after.running():
        await after.until(("kitchen", "timer-cancelled"))


async def test_a_satellite_that_is_back_learns_how_its_timers_are(house: House) -> None:
    await house.ask("StartTimer", minutes=5)
    house.present = {"office"}
    await house.ask("PauseTimer", OFFICE)
    house.present.add("kitchen")
    house.keeper.joined("kitchen")
    assert house.told == [("kitchen", "timer-started"), ("kitchen", "timer-updated")]


async def test_a_timer_that_is_due_rings_only_once(house: House) -> None:
    await house.ask("StartTimer", seconds=0.01)
    async with house.running():
        await house.until(("kitchen", "timer-finished"))
        house.keeper.joined("kitchen")
        await house.ask("StartTimer", OFFICE, seconds=0.01)
        await house.until(("office", "timer-finished"))
    assert house.told.count(("kitchen", "timer-finished")) == 1


LATER = Later("turn off the TV")


async def test_a_command_is_done_without_a_word_and_spoken_about_when_it_fails(house: House) -> None:
    async with house.running():
        await house.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="off")
        await house.until("off")
        assert house.announced == []
        house.answer = Answer("It is broken.", done=False)
        await house.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="again")
        await house.until("It was time for this: turn off the TV. It is broken.")
    assert await house.ask("TimerStatus") == "There are no timers."


async def test_a_slow_command_holds_up_no_timer_and_can_be_cancelled(house: House) -> None:
    house.may_answer.clear()
    async with house.running():
        await house.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="off")
        await house.ask("StartTimer", OFFICE, seconds=0.05)
        await house.until(("office", "timer-finished"))
        assert await house.ask("CancelTimer") == "Cancelled: turn off the TV."
        house.may_answer.set()
        await house.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="on")
        await house.until("on")
    assert house.done == ["on"]


@pytest.mark.parametrize(
    ("late", "confirmed", "done"), [(200, (), True), (400, (), False), (200, ("lock.front",), False)]
)
async def test_a_command_that_is_overdue_is_done_only_soon_after(
    house: House, late: float, confirmed: tuple[str, ...], done: bool
) -> None:
    later = Later("turn off the TV", confirmed)
    await house.ask("StartTimer", later=later, seconds=1, conversation_command="off")
    house.passed = 1 + late
    async with house.running():
        missed = "I was off when it was time for this, and have not done it: turn off the TV."
        await house.until("off" if done else missed)
    assert house.done == (["off"] if done else [])


async def test_a_command_that_nobody_acts_on_is_refused(house: House) -> None:
    said = await house.ask("StartTimer", seconds=10, conversation_command="off")
    assert said == "Sorry, nothing here can do that."
    assert await house.ask("TimerStatus") == "There are no timers."


async def test_the_answer_to_which_one_is_about_what_was_asked(house: House) -> None:
    await house.ask("StartTimer", minutes=5)
    await house.ask("StartTimer", minutes=9, name="pasta")
    await house.ask("StartTimer", minutes=5, name="eggs")
    assert await house.ask("PauseTimer", start_minutes=5) == "Which one: the 5 minute timer or the eggs timer?"
    assert house.keeper.is_asking("kitchen")
    answer = await house.keeper.reply("the last one", KITCHEN)
    assert answer == Answer("The eggs timer is paused.")
    assert not house.keeper.is_asking("kitchen")
    assert await house.keeper.reply("the first one", KITCHEN) is None


async def test_a_choice_that_leaves_several_is_asked_again_and_both_means_both(house: House) -> None:
    for minutes, speaker in ((5, KITCHEN), (6, KITCHEN), (7, OFFICE)):
        await house.ask("StartTimer", speaker, minutes=minutes)
    await house.ask("CancelTimer", Speaker("den"))
    again = await house.keeper.reply("the one in the kitchen", Speaker("den"))
    assert again == Answer("Which one: the 5 minute timer or the 6 minute timer?", expects_reply=True)
    answer = await house.keeper.reply("both", Speaker("den"))
    assert answer == Answer("The 5 minute timer is cancelled. The 6 minute timer is cancelled.")
    assert "7 minute timer" in await house.ask("TimerStatus")


async def test_never_mind_changes_nothing(house: House) -> None:
    for minutes in (5, 6):
        await house.ask("StartTimer", minutes=minutes)
    await house.ask("CancelTimer")
    assert await house.keeper.reply("never mind", KITCHEN) == Answer("All right.")
    assert (await house.ask("TimerStatus")).count("left") == 2
