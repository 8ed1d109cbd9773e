"""Timer service: stores the timers, and when one ends, rings its satellite or runs its delayed command."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import structlog
from wyoming.event import Event
from wyoming.timer import TimerCancelled

from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers import alarms, intents, presence, selection, store
from wyoming_rosie.timers.intents import (
    Slots,
    TimerIntentRequest,
    TimerIntentResult,
    TimerQuestion,
    finished_event,
    sync_events,
)
from wyoming_rosie.timers.model import (
    EXPIRY_SECONDS,
    DelayedCommand,
    HubTimer,
    TimerSet,
    after_ring,
    is_too_late,
    rings_of,
)
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.selection import SelectionCancelled, TimerSelection

_LOG = structlog.get_logger()
PRESENCE_SECONDS = 5.0
"""Pause between two looks at where persons are, while a reminder waits for one of them."""
MAX_SLEEP_SECONDS = 60.0  # the wall clock may be set while waiting
QUESTION_TIMEOUT_SECONDS = 60.0
COMMAND_SLOT = "conversation_command"


async def no_places(_persons: Collection[str]) -> Mapping[str, str]:
    """Return that nobody's place is known."""
    return {}


@dataclass(frozen=True)
class TimerCallbacks:
    """Callbacks of the timer service into the hub."""

    send: Callable[[str, Event], bool]  # to a satellite; returns False if not connected
    connected: Callable[[], Collection[str]]  # ids of satellites
    run_command: Callable[[HubTimer, DelayedCommand], Awaitable[SpokenAnswer]]
    announce: Callable[[SatelliteIdentity, SpokenAnswer, str], None]  # with the conversation of a reply
    read_places: Callable[[Collection[str]], Awaitable[Mapping[str, str]]] = no_places  # of persons, by entity id
    ring: Callable[[HubTimer], bool] | None = (
        None  # for satellites that do not ring by an event; False if not connected
    )


@dataclass(frozen=True)
class _PendingQuestion:
    question: TimerQuestion
    deadline: float


class TimerService:
    """The home's timers, and the questions about them that wait for an answer. `now` is seconds since the epoch."""

    def __init__(self, path: Path, callbacks: TimerCallbacks, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._callbacks = callbacks
        self._timers = TimerSet()
        self._changed = asyncio.Event()
        self._questions: dict[str, _PendingQuestion] = {}  # by satellite id
        self._command_tasks: dict[str, asyncio.Task[None]] = {}  # by timer id
        self._save_lock = asyncio.Lock()

    @property
    def all(self) -> tuple[HubTimer, ...]:
        """The timers, alarms and reminders."""
        return self._timers.all

    def has_rung(self, satellite_id: str) -> bool:
        """Return whether something rang at a satellite, not too long ago."""
        return self._timers.find_rung(satellite_id, self._now()) is not None

    async def cancel(self, timer_id: str) -> bool:
        """Cancel a timer, alarm or reminder by its id; return whether there was one."""
        found = self._timers.with_ids([timer_id]).all
        for timer in found:
            for ring in rings_of(timer):
                self._callbacks.send(timer.satellite_id, TimerCancelled(id=ring.id).event())
            self._cancel_stale_commands(other.id for other in self._timers.all if other.id != timer_id)
            await self._save(self._timers.cancel(timer))
        return bool(found)

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out an intent about timers and return the answer; None for other intents."""
        text = request.slots.get(COMMAND_SLOT)
        command = None
        if isinstance(text, str):
            if request.delayed is None:  # nothing would carry it out at its time
                return SpokenAnswer(format_sentence("answers.cannot", request.satellite.language), succeeded=False)
            command = DelayedCommand(
                text,
                request.delayed.label,
                request.satellite.language,
                request.delayed.confirmed,
                request.delayed.speaker,
            )
        timer_request = self._create_request(request.slots, request.satellite, command)
        result = _execute_intent(request.intent, self._timers, timer_request)
        return None if result is None else await self._apply_result(result, request.satellite)

    def is_waiting(self, satellite_id: str) -> bool:
        """Return whether a question to this satellite's user waits for an answer."""
        pending = self._questions.get(satellite_id)
        return pending is not None and self._now() < pending.deadline

    async def answer_question(self, text: str, satellite: SatelliteIdentity) -> SpokenAnswer | None:
        """Process the answer to a question, which ends it. Return the next answer; None if the text answers nothing."""
        pending = self._questions.pop(satellite.satellite_id, None)
        if pending is None or self._now() >= pending.deadline:
            return None
        question = pending.question
        candidates = [timer for timer_id in question.timer_ids for timer in self._timers.with_ids([timer_id]).all]
        match selection.parse_selection(text, candidates, satellite.language, self._now()):
            case None:
                return None
            case SelectionCancelled():
                return SpokenAnswer(format_sentence("answers.left_alone", satellite.language))
            case selected:
                return await self._apply_selection(question, selected, satellite)

    async def _apply_selection(
        self, question: TimerQuestion, selection: TimerSelection, satellite: SatelliteIdentity
    ) -> SpokenAnswer | None:
        """Carry out the intent on the selected timers; ask again if the selection is still ambiguous."""
        timers = selection.timers
        if not timers:
            return SpokenAnswer(format_sentence("timers.no_such", satellite.language), succeeded=False)
        responses = self._create_request(question.slots, satellite).responses
        if len(timers) > 1 and not selection.is_all and not responses.are_duplicates(timers):
            again = TimerQuestion(question.intent, question.slots, tuple(timer.id for timer in timers))
            ambiguous = TimerIntentResult(self._timers, (), responses.ask_which(timers), again)
            return await self._apply_result(ambiguous, satellite)
        selected = tuple(timer.id for timer in (timers if selection.is_all else timers[:1]))
        request = self._create_request(question.slots, satellite, selected=selected)
        result = _execute_intent(question.intent, self._timers, request)
        return None if result is None else await self._apply_result(result, satellite)

    def on_connected(self, satellite_id: str) -> None:
        """Bring a connected satellite up to date and ring its timers that are due."""
        now = self._now()
        self._timers = self._timers.prune(now)
        for event in sync_events(self._timers, satellite_id, now):
            self._callbacks.send(satellite_id, event)
        self._changed.set()

    async def run(self) -> None:
        """Load the stored timers and finish each at its end, until cancelled."""
        stored = await asyncio.to_thread(store.load, self._path)
        known = self._timers.remove(*stored.all)
        self._timers = TimerSet(
            (*stored.all, *known.all), (*stored.cancelled, *known.cancelled), (*stored.rung, *known.rung)
        )
        for satellite_id in self._callbacks.connected():  # those that connected before the timers were loaded
            self.on_connected(satellite_id)
        try:
            while True:
                self._changed.clear()
                now = self._now()
                for timer in self._timers.find_expired(now):
                    await self._finish_timer(timer)
                await self._wait_for_deadline(now)
        finally:
            await self._cancel_all_commands()

    @asynccontextmanager
    async def replacing_file(self) -> AsyncIterator[None]:
        """Write nothing during the block; timers that it stores in the file replace those of the home."""
        async with self._save_lock:
            before = await asyncio.to_thread(store.stamp, self._path)
            yield
            if await asyncio.to_thread(store.stamp, self._path) != before:
                self._replace(await asyncio.to_thread(store.load, self._path))

    def _replace(self, timers: TimerSet) -> None:
        """Take over other timers; the satellites forget those that are no more."""
        gone = self._timers.remove(*timers.all).all
        self._timers = timers.cancel(*gone)
        self._cancel_stale_commands(timer.id for timer in timers.all)
        for satellite_id in self._callbacks.connected():
            self.on_connected(satellite_id)
        self._changed.set()

    async def watch_presence(self, pause_seconds: float = PRESENCE_SECONDS) -> None:
        """Notice who comes home or leaves while a reminder waits for it, until cancelled."""
        while True:
            if persons := presence.find_persons(self._timers):
                places = await self._callbacks.read_places(persons)
                seen = presence.observe(self._timers, places, self._now())
                if seen != self._timers:
                    await self._save(seen)
            await asyncio.sleep(pause_seconds)

    async def _finish_timer(self, timer: HubTimer) -> None:
        """Ring a timer that has ended. If its satellite is not connected, that happens when it connects again."""
        if timer not in self._timers.all:
            return  # changed while another timer was finished
        if timer.command is not None:
            self._start_command(timer, timer.command)
        elif timer.alarm is not None and self._is_expired(timer):
            _LOG.warning("alarm dropped; the hub was off at its time", timer=timer.id, satellite=timer.satellite_id)
            await self._end_ring(timer)
        elif self._ring(timer):
            _LOG.info("timer finished", timer=timer.id, satellite=timer.satellite_id)
            self._on_rung(timer)
            await self._end_ring(timer)
        elif self._is_expired(timer):
            _LOG.warning("timer dropped; its satellite stayed away", timer=timer.id, satellite=timer.satellite_id)
            await self._end_ring(timer)

    def _ring(self, timer: HubTimer) -> bool:
        """Have a satellite ring; return False if it is not connected."""
        if self._callbacks.ring is not None:
            return self._callbacks.ring(timer)
        return self._callbacks.send(timer.satellite_id, finished_event(timer))

    def _is_expired(self, timer: HubTimer) -> bool:
        return timer.ends_at is not None and self._now() - timer.ends_at > EXPIRY_SECONDS

    def _on_rung(self, timer: HubTimer) -> None:
        """Remember what rang, for "snooze", and speak a reminder."""
        self._timers = self._timers.add_rung(timer)
        if timer.alarm is not None and (text := alarms.spoken_text(timer)) is not None:
            satellite = SatelliteIdentity(timer.satellite_id, timer.area, timer.alarm.language)
            self._callbacks.announce(satellite, SpokenAnswer(text), timer.id)

    async def _end_ring(self, timer: HubTimer) -> None:
        """Remove a timer that has rung, or set a repeated alarm to its next time."""
        later = after_ring(timer, self._now())
        if later is None:
            await self._save(self._timers.remove(timer))
            return
        for event in alarms.started_events(later, self._now()):
            self._callbacks.send(timer.satellite_id, event)
        await self._save(self._timers.update(later))

    def _start_command(self, timer: HubTimer, command: DelayedCommand) -> None:
        if timer.id not in self._command_tasks:
            task = asyncio.get_running_loop().create_task(self._run_command(timer, command))
            self._command_tasks[timer.id] = task
            task.add_done_callback(lambda _: self._command_tasks.pop(timer.id, None))

    async def _run_command(self, timer: HubTimer, command: DelayedCommand) -> None:
        """Run a command; announce its answer only if that is a failure or a question."""
        satellite = SatelliteIdentity(timer.satellite_id, timer.area, command.language)
        if is_too_late(timer, self._now()):
            _LOG.warning("delayed command skipped; it is too late", timer=timer.id)
            answer = SpokenAnswer(
                format_sentence("later.missed", command.language, label=command.label), succeeded=False
            )
        else:
            answer = await self._callbacks.run_command(timer, command)
            _LOG.info("delayed command run", timer=timer.id, satellite=timer.satellite_id, succeeded=answer.succeeded)
            if not answer.succeeded:
                failed = format_sentence("later.failed", command.language, label=command.label, reason=answer.text)
                answer = SpokenAnswer(failed, succeeded=False)
        await self._save(self._timers.remove(timer))
        if answer.expects_reply or not answer.succeeded:
            self._callbacks.announce(satellite, answer, timer.id)

    def _cancel_stale_commands(self, timer_ids: Iterable[str]) -> None:
        """Cancel the running commands of timers that no longer exist."""
        for timer_id in self._command_tasks.keys() - set(timer_ids):
            self._command_tasks[timer_id].cancel()

    async def _cancel_all_commands(self) -> None:
        tasks = list(self._command_tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait_for_deadline(self, checked_at: float) -> None:
        """Wait until a timer ends that had not ended at `checked_at`, or until the timers change."""
        deadline = self._timers.next_deadline(checked_at)
        seconds = MAX_SLEEP_SECONDS if deadline is None else min(deadline - self._now(), MAX_SLEEP_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _create_request(
        self,
        slots: Slots,
        satellite: SatelliteIdentity,
        command: DelayedCommand | None = None,
        selected: tuple[str, ...] = (),
    ) -> TimerIntentRequest:
        return TimerIntentRequest(
            slots,
            satellite.satellite_id,
            new_id=uuid4().hex[:8],
            now=self._now(),
            area=satellite.area,
            language=satellite.language,
            command=command,
            connected=frozenset(self._callbacks.connected()),
            selected=selected,
            rung=self._timers.find_rung(satellite.satellite_id, self._now()),
        )

    async def _apply_result(self, result: TimerIntentResult, satellite: SatelliteIdentity) -> SpokenAnswer:
        """Store the timers, send the events, and remember the question, if there is one."""
        if result.timers != self._timers:
            await self._save(result.timers)
        self._cancel_stale_commands(timer.id for timer in result.timers.all)
        for satellite_id, event in result.events:
            self._callbacks.send(satellite_id, event)
        self._questions.pop(satellite.satellite_id, None)
        if result.question is not None:
            self._questions[satellite.satellite_id] = _PendingQuestion(
                result.question, self._now() + QUESTION_TIMEOUT_SECONDS
            )
        return SpokenAnswer(result.answer, expects_reply=result.question is not None)

    async def _save(self, timers: TimerSet) -> None:
        self._timers = timers
        self._changed.set()
        try:
            async with self._save_lock:
                await asyncio.to_thread(store.save, self._path, self._timers)
        except OSError as err:
            _LOG.error("timers could not be stored", file=str(self._path), reason=err.strerror)


def _execute_intent(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult | None:
    if alarms.is_about_alarms(request.slots):
        return alarms.execute_intent(intent, timers, request)
    return intents.execute_intent(intent, timers, request)
