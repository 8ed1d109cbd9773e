"""Timer service: ending timers, satellites that disconnect, and slow delayed commands."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.event import Event

from wyoming_rosie.timers.model import DelayedCommand, HubTimer
from wyoming_rosie.timers.requests import DelayedCommandInfo, IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.service import TimerCallbacks, TimerService

KITCHEN, OFFICE = SatelliteIdentity("kitchen", "Kitchen"), SatelliteIdentity("office", "Office")


class TimerHarness:
    """A timer service with satellites, some of them connected, and an intent daemon that may be slow."""

    def __init__(self, path: Path, now: Callable[[], float] | None = None) -> None:
        self.connected = {"kitchen", "office"}
        self.told: list[tuple[str, str]] = []
        self.announced: list[str] = []
        self.done: list[str] = []
        self.answer = SpokenAnswer("Done.")
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.news = asyncio.Event()
        self.passed = 0.0
        around = TimerCallbacks(self._tell, lambda: self.connected, self._carry_out, self._announce)
        self.timers = TimerService(path, around, now or (lambda: time.time() + self.passed))

    def _tell(self, satellite_id: str, event: Event) -> bool:
        self.news.set()
        if satellite_id in self.connected:
            self.told.append((satellite_id, event.type))
        return satellite_id in self.connected

    async def _carry_out(self, timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
        await self.may_answer.wait()
        self.done.append(command.text)
        self.news.set()
        return self.answer

    def _announce(self, speaker: SatelliteIdentity, answer: SpokenAnswer, conversation: str) -> None:
        self.announced.append(answer.text)
        self.news.set()

    async def ask(
        self,
        intent: str,
        speaker: SatelliteIdentity = KITCHEN,
        later: DelayedCommandInfo | None = None,
        **slots: object,
    ) -> str:
        answer = await self.timers.execute(IntentRequest(f"Hass{intent}", slots, speaker, later))
        assert answer is not None
        return answer.text

    async def until(self, happened: object) -> None:
        """Wait until something was sent, done or announced."""
        async with asyncio.timeout(60):
            while happened not in [*self.told, *self.done, *self.announced]:
                self.news.clear()
                await self.news.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.timers.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


@pytest.fixture
def harness(tmp_path: Path) -> TimerHarness:
    return TimerHarness(tmp_path / "timers.json")


async def test_timers_of_disconnected_satellites_delay_no_others(harness: TimerHarness) -> None:
    for _ in range(9):
        await harness.ask("StartTimer", seconds=0.01)
    await harness.ask("StartTimer", OFFICE, seconds=0.01)
    harness.connected = {"office"}
    async with harness.running():
        await harness.until(("office", "timer-finished"))
        harness.connected.add("kitchen")
        harness.timers.on_connected("kitchen")
        await harness.until(("kitchen", "timer-finished"))


async def test_a_timer_that_ends_between_two_looks_at_the_clock_rings_at_once(tmp_path: Path) -> None:
    clock = itertools.count()  # a second later at each look
    harness = TimerHarness(tmp_path / "timers.json", lambda: float(next(clock)))
    await harness.ask("StartTimer", seconds=3.5)
    async with asyncio.timeout(60), harness.running():
        await harness.until(("kitchen", "timer-finished"))


async def test_a_change_from_another_room_is_sent_to_the_timers_satellite_alone(harness: TimerHarness) -> None:
    await harness.ask("StartTimer", minutes=5)
    await harness.ask("PauseTimer", OFFICE)
    await harness.ask("UnpauseTimer", OFFICE)
    await harness.ask("IncreaseTimer", OFFICE, minutes=1)
    await harness.ask("CancelTimer", OFFICE)
    assert harness.told == [
        ("kitchen", f"timer-{what}") for what in ("started", "updated", "updated", "updated", "cancelled")
    ]


async def test_a_satellite_learns_of_a_cancelled_timer_even_after_a_restart_of_the_hub(
    harness: TimerHarness, tmp_path: Path
) -> None:
    await harness.ask("StartTimer", minutes=5)
    harness.connected = {"office"}
    assert "cannot be reached" in await harness.ask("CancelTimer", OFFICE)
    after = TimerHarness(tmp_path / "timers.json")
    async with after.running():
        await after.until(("kitchen", "timer-cancelled"))


async def test_timers_that_are_restored_replace_those_that_run_and_are_kept_by_later_changes(
    harness: TimerHarness, tmp_path: Path
) -> None:
    await harness.ask("StartTimer", minutes=5, name="pasta")
    backup = (tmp_path / "timers.json").read_bytes()
    await harness.ask("CancelTimer")
    await harness.ask("StartTimer", minutes=9, name="tea")
    harness.told.clear()
    async with harness.timers.replacing_file():
        (tmp_path / "timers.json").unlink()
        (tmp_path / "timers.json").write_bytes(backup)
    assert [timer.name for timer in harness.timers.all] == ["pasta"]
    assert harness.told == [("kitchen", "timer-cancelled"), ("kitchen", "timer-updated")]
    await harness.ask("StartTimer", minutes=1, name="eggs")
    restarted = TimerHarness(tmp_path / "timers.json")
    async with restarted.running():
        await restarted.until(("kitchen", "timer-updated"))
        assert [timer.name for timer in restarted.timers.all] == ["pasta", "eggs"]


async def test_a_file_that_was_not_replaced_leaves_the_timers_alone(harness: TimerHarness, tmp_path: Path) -> None:
    await harness.ask("StartTimer", minutes=5)
    harness.told.clear()
    async with harness.timers.replacing_file():
        pass
    assert len(harness.timers.all) == 1
    assert harness.told == []


async def test_a_reconnected_satellite_is_sent_the_state_of_its_timers(harness: TimerHarness) -> None:
    await harness.ask("StartTimer", minutes=5)
    harness.connected = {"office"}
    await harness.ask("PauseTimer", OFFICE)
    harness.connected.add("kitchen")
    harness.timers.on_connected("kitchen")
    assert harness.told == [("kitchen", "timer-started"), ("kitchen", "timer-updated")]


async def test_a_timer_that_is_due_rings_only_once(harness: TimerHarness) -> None:
    await harness.ask("StartTimer", seconds=0.01)
    async with harness.running():
        await harness.until(("kitchen", "timer-finished"))
        harness.timers.on_connected("kitchen")
        await harness.ask("StartTimer", OFFICE, seconds=0.01)
        await harness.until(("office", "timer-finished"))
    assert harness.told.count(("kitchen", "timer-finished")) == 1


LATER = DelayedCommandInfo("turn off the TV")


async def test_a_delayed_command_is_announced_only_when_it_fails(harness: TimerHarness) -> None:
    async with harness.running():
        await harness.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="off")
        await harness.until("off")
        assert harness.announced == []
        harness.answer = SpokenAnswer("It is broken.", succeeded=False)
        await harness.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="again")
        await harness.until("It was time for this: turn off the TV. It is broken.")
    assert await harness.ask("TimerStatus") == "There are no timers."


async def test_a_slow_command_delays_no_timer_and_can_be_cancelled(harness: TimerHarness) -> None:
    harness.may_answer.clear()
    async with harness.running():
        await harness.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="off")
        await harness.ask("StartTimer", OFFICE, seconds=0.05)
        await harness.until(("office", "timer-finished"))
        assert await harness.ask("CancelTimer") == "Cancelled: turn off the TV."
        harness.may_answer.set()
        await harness.ask("StartTimer", later=LATER, seconds=0.01, conversation_command="on")
        await harness.until("on")
    assert harness.done == ["on"]


@pytest.mark.parametrize(
    ("late", "confirmed", "done"), [(200, (), True), (400, (), False), (200, ("lock.front",), False)]
)
async def test_an_overdue_command_is_run_only_within_its_limit(
    harness: TimerHarness, late: float, confirmed: tuple[str, ...], done: bool
) -> None:
    later = DelayedCommandInfo("turn off the TV", confirmed)
    await harness.ask("StartTimer", later=later, seconds=1, conversation_command="off")
    harness.passed = 1 + late
    async with harness.running():
        missed = "I was off when it was time for this, and have not done it: turn off the TV."
        await harness.until("off" if done else missed)
    assert harness.done == (["off"] if done else [])


async def test_a_delayed_command_without_executor_is_refused(harness: TimerHarness) -> None:
    said = await harness.ask("StartTimer", seconds=10, conversation_command="off")
    assert said == "Sorry, nothing here can do that."
    assert await harness.ask("TimerStatus") == "There are no timers."


async def test_a_selection_is_among_the_timers_that_were_asked_about(harness: TimerHarness) -> None:
    await harness.ask("StartTimer", minutes=5)
    await harness.ask("StartTimer", minutes=9, name="pasta")
    await harness.ask("StartTimer", minutes=5, name="eggs")
    assert await harness.ask("PauseTimer", start_minutes=5) == "Which one: the 5 minute timer or the eggs timer?"
    assert harness.timers.is_waiting("kitchen")
    answer = await harness.timers.answer_question("the last one", KITCHEN)
    assert answer == SpokenAnswer("The eggs timer is paused.")
    assert not harness.timers.is_waiting("kitchen")
    assert await harness.timers.answer_question("the first one", KITCHEN) is None


async def test_an_ambiguous_selection_is_asked_again_and_both_selects_both(harness: TimerHarness) -> None:
    for minutes, speaker in ((5, KITCHEN), (6, KITCHEN), (7, OFFICE)):
        await harness.ask("StartTimer", speaker, minutes=minutes)
    await harness.ask("CancelTimer", SatelliteIdentity("den"))
    again = await harness.timers.answer_question("the one in the kitchen", SatelliteIdentity("den"))
    assert again == SpokenAnswer("Which one: the 5 minute timer or the 6 minute timer?", expects_reply=True)
    answer = await harness.timers.answer_question("both", SatelliteIdentity("den"))
    assert answer == SpokenAnswer("The 5 minute timer is cancelled. The 6 minute timer is cancelled.")
    assert "7 minute timer" in await harness.ask("TimerStatus")


async def test_never_mind_changes_nothing(harness: TimerHarness) -> None:
    for minutes in (5, 6):
        await harness.ask("StartTimer", minutes=minutes)
    await harness.ask("CancelTimer")
    assert await harness.timers.answer_question("never mind", KITCHEN) == SpokenAnswer("All right.")
    assert (await harness.ask("TimerStatus")).count("left") == 2
