"""Keeps the timers: on disk, and rings the satellite of each when it has run out, or carries out its command."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import structlog
from wyoming.event import Event

from wyoming_rosie_hub.messages import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.sentences import format_sentence
from wyoming_rosie_hub.timers import selection, store
from wyoming_rosie_hub.timers.delayed_commands import is_too_late
from wyoming_rosie_hub.timers.intents import (
    Slots,
    TimerIntentRequest,
    TimerIntentResult,
    TimerQuestion,
    execute_intent,
    finished_event,
    sync_events,
)
from wyoming_rosie_hub.timers.model import EXPIRY_SECONDS, DelayedCommand, HubTimer, TimerSet
from wyoming_rosie_hub.timers.selection import SelectionCancelled, TimerSelection

_LOG = structlog.get_logger()
MAX_SLEEP_SECONDS = 60.0  # the wall clock may be set meanwhile
QUESTION_TIMEOUT_SECONDS = 60.0
COMMAND_SLOT = "conversation_command"


@dataclass(frozen=True)
class TimerCallbacks:
    """What timers are about: satellites that can be told something, and who carries out commands."""

    send: Callable[[str, Event], bool]  # returns False when that satellite is not there
    connected: Callable[[], Collection[str]]  # satellites
    run_command: Callable[[HubTimer, DelayedCommand], Awaitable[SpokenAnswer]]
    announce: Callable[[SatelliteIdentity, SpokenAnswer, str], None]  # with the conversation that a reply belongs to


@dataclass(frozen=True)
class _PendingQuestion:
    """A question that somebody was asked."""

    question: TimerQuestion
    deadline: float


class TimerService:
    def __init__(self, path: Path, callbacks: TimerCallbacks, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now  # seconds since the epoch
        self._callbacks = callbacks
        self._timers = TimerSet()
        self._changed = asyncio.Event()
        self._questions: dict[str, _PendingQuestion] = {}  # by satellite
        self._command_tasks: dict[str, asyncio.Task[None]] = {}  # commands whose time has come, by timer
        self._save_lock = asyncio.Lock()

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out an intent about timers; return what to say, None when it is about something else."""
        text = request.slots.get(COMMAND_SLOT)
        command = None
        if isinstance(text, str):
            if request.delayed is None:  # nobody here would carry it out
                return SpokenAnswer(format_sentence("answers.cannot", request.satellite.language), succeeded=False)
            command = DelayedCommand(text, request.delayed.label, request.satellite.language, request.delayed.confirmed)
        timer_request = self._create_request(request.slots, request.satellite, command)
        outcome = execute_intent(request.intent, self._timers, timer_request)
        return None if outcome is None else await self._apply_result(outcome, request.satellite)

    def is_waiting(self, satellite_id: str) -> bool:
        """Tell whether somebody there was asked which timer is meant."""
        waiting = self._questions.get(satellite_id)
        return waiting is not None and self._now() < waiting.deadline

    async def answer_question(self, text: str, satellite: SatelliteIdentity) -> SpokenAnswer | None:
        """Take the answer to a question; return what to say, None when it is none. No question is answered twice."""
        waiting = self._questions.pop(satellite.satellite_id, None)
        if waiting is None or self._now() >= waiting.deadline:
            return None
        question = waiting.question
        among = [timer for one in question.timer_ids for timer in self._timers.with_ids([one]).all]
        match selection.parse_selection(text, among, satellite.language, self._now()):
            case None:
                return None
            case SelectionCancelled():
                return SpokenAnswer(format_sentence("answers.left_alone", satellite.language))
            case chosen:
                return await self._apply_selection(question, chosen, satellite)

    async def _apply_selection(
        self, question: TimerQuestion, selection: TimerSelection, satellite: SatelliteIdentity
    ) -> SpokenAnswer | None:
        """Do what was asked with what was chosen; ask again when that is still more than one."""
        timers = selection.timers
        if not timers:
            return SpokenAnswer(format_sentence("timers.no_such", satellite.language), succeeded=False)
        words = self._create_request(question.slots, satellite).responses
        if len(timers) > 1 and not selection.is_all and not words.are_duplicates(timers):
            again = TimerQuestion(question.intent, question.slots, tuple(timer.id for timer in timers))
            return await self._apply_result(
                TimerIntentResult(self._timers, (), words.ask_which(timers), again), satellite
            )
        meant = tuple(timer.id for timer in (timers if selection.is_all else timers[:1]))
        outcome = execute_intent(
            question.intent, self._timers, self._create_request(question.slots, satellite, selected=meant)
        )
        return None if outcome is None else await self._apply_result(outcome, satellite)

    def on_connected(self, satellite_id: str) -> None:
        """Tell a satellite that is back what it may have missed, and let those of its timers ring that are due."""
        now = self._now()
        self._timers = self._timers.prune(now)
        for event in sync_events(self._timers, satellite_id, now):
            self._callbacks.send(satellite_id, event)
        self._changed.set()

    async def run(self) -> None:
        """Ring as timers run out, those of the last run first, until cancelled."""
        kept = await asyncio.to_thread(store.load, self._path)
        self._timers = TimerSet((*kept.all, *self._timers.all), (*kept.cancelled, *self._timers.cancelled))
        for satellite_id in self._callbacks.connected():  # which came before the timers were read
            self.on_connected(satellite_id)
        try:
            while True:
                self._changed.clear()
                for timer in self._timers.find_expired(self._now()):
                    await self._finish_timer(timer)
                await self._wait_for_deadline()
        finally:
            await self._cancel_all_commands()

    async def _finish_timer(self, timer: HubTimer) -> None:
        """Ring for one that has run out, unless its satellite is away: then it rings as soon as that is back."""
        if timer not in self._timers.all:
            return  # it was changed meanwhile
        if timer.command is not None:
            self._start_command(timer, timer.command)
        elif self._callbacks.send(timer.satellite_id, finished_event(timer)):
            _LOG.info("timer finished", timer=timer.id, satellite=timer.satellite_id)
            await self._save(self._timers.remove(timer))
        elif timer.ends_at is not None and self._now() - timer.ends_at > EXPIRY_SECONDS:
            _LOG.warning("timer is forgotten; its satellite stays away", timer=timer.id, satellite=timer.satellite_id)
            await self._save(self._timers.remove(timer))

    def _start_command(self, timer: HubTimer, command: DelayedCommand) -> None:
        if timer.id not in self._command_tasks:
            task = asyncio.get_running_loop().create_task(self._run_command(timer, command))
            self._command_tasks[timer.id] = task
            task.add_done_callback(lambda _: self._command_tasks.pop(timer.id, None))

    async def _run_command(self, timer: HubTimer, command: DelayedCommand) -> None:
        """Carry out a command; say so only when it was not done, or when something is asked."""
        speaker = SatelliteIdentity(timer.satellite_id, timer.area, command.language)
        if is_too_late(timer, self._now()):
            _LOG.warning("a command for later is too late and not carried out", timer=timer.id)
            answer = SpokenAnswer(
                format_sentence("later.missed", command.language, label=command.label), succeeded=False
            )
        else:
            answer = await self._callbacks.run_command(timer, command)
            _LOG.info("command for later", timer=timer.id, satellite=timer.satellite_id, done=answer.succeeded)
            if not answer.succeeded:
                failed = format_sentence("later.failed", command.language, label=command.label, reason=answer.text)
                answer = SpokenAnswer(failed, succeeded=False)
        await self._save(self._timers.remove(timer))
        if answer.expects_reply or not answer.succeeded:
            self._callbacks.announce(speaker, answer, timer.id)

    def _cancel_stale_commands(self, timer_ids: Iterable[str]) -> None:
        """Stop what is cancelled while the intent daemon is still waited for."""
        for timer_id in self._command_tasks.keys() - set(timer_ids):
            self._command_tasks[timer_id].cancel()

    async def _cancel_all_commands(self) -> None:
        tasks = list(self._command_tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait_for_deadline(self) -> None:
        now = self._now()
        due = self._timers.next_deadline(now)
        seconds = MAX_SLEEP_SECONDS if due is None else min(due - now, MAX_SLEEP_SECONDS)
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
        present = frozenset(self._callbacks.connected())
        new_id, now = uuid4().hex[:8], self._now()
        return TimerIntentRequest(
            slots, satellite.satellite_id, new_id, now, satellite.area, satellite.language, command, present, selected
        )

    async def _apply_result(self, result: TimerIntentResult, satellite: SatelliteIdentity) -> SpokenAnswer:
        """Keep the timers, tell their satellites, and wait for an answer if something is asked."""
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
            _LOG.error("timers are not on disk", file=str(self._path), reason=err.strerror)
