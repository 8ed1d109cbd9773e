"""Keeps the timers: on disk, and rings the satellite of each when it has run out, or carries out its command."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import structlog
from wyoming.event import Event

from wyoming_rosie_hub.messages import Answer, IntentAsked, Speaker
from wyoming_rosie_hub.sentences import say
from wyoming_rosie_hub.timers import choices, store
from wyoming_rosie_hub.timers.choices import Chosen, NeverMind
from wyoming_rosie_hub.timers.delayed_commands import is_too_late
from wyoming_rosie_hub.timers.intents import Outcome, Question, Request, Slots, carry_out, finished, known
from wyoming_rosie_hub.timers.model import KEPT_SECONDS, HubTimer, LaterCommand, Timers

_LOG = structlog.get_logger()
LONGEST_SLEEP_SECONDS = 60.0  # the wall clock may be set meanwhile
QUESTION_SECONDS = 60.0
COMMAND = "conversation_command"


@dataclass(frozen=True)
class Surroundings:
    """What timers are about: satellites that can be told something, and who carries out commands."""

    tell: Callable[[str, Event], bool]  # returns False when that satellite is not there
    present: Callable[[], Collection[str]]  # satellites
    carry_out: Callable[[HubTimer, LaterCommand], Awaitable[Answer]]
    announce: Callable[[Speaker, Answer, str], None]  # with the conversation that a reply belongs to


@dataclass(frozen=True)
class _Waiting:
    """A question that somebody was asked."""

    question: Question
    until: float


class Timekeeper:
    def __init__(self, path: Path, around: Surroundings, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now  # seconds since the epoch
        self._around = around
        self._timers = Timers()
        self._changed = asyncio.Event()
        self._questions: dict[str, _Waiting] = {}  # by satellite
        self._running: dict[str, asyncio.Task[None]] = {}  # commands whose time has come, by timer
        self._saving = asyncio.Lock()

    async def do(self, asked: IntentAsked) -> Answer | None:
        """Carry out an intent about timers; return what to say, None when it is about something else."""
        text = asked.slots.get(COMMAND)
        command = None
        if isinstance(text, str):
            if asked.later is None:  # nobody here would carry it out
                return Answer(say("answers.cannot", asked.speaker.language), done=False)
            command = LaterCommand(text, asked.later.label, asked.speaker.language, asked.later.confirmed)
        request = self._request(asked.slots, asked.speaker, command)
        outcome = carry_out(asked.intent, self._timers, request)
        return None if outcome is None else await self._answered(outcome, asked.speaker)

    def is_asking(self, satellite_id: str) -> bool:
        """Tell whether somebody there was asked which timer is meant."""
        waiting = self._questions.get(satellite_id)
        return waiting is not None and self._now() < waiting.until

    async def reply(self, text: str, speaker: Speaker) -> Answer | None:
        """Take the answer to a question; return what to say, None when it is none. No question is answered twice."""
        waiting = self._questions.pop(speaker.satellite_id, None)
        if waiting is None or self._now() >= waiting.until:
            return None
        question = waiting.question
        among = [timer for one in question.among for timer in self._timers.only([one]).all]
        match choices.read(text, among, speaker.language, self._now()):
            case None:
                return None
            case NeverMind():
                return Answer(say("answers.left_alone", speaker.language))
            case chosen:
                return await self._choose(question, chosen, speaker)

    async def _choose(self, question: Question, chosen: Chosen, speaker: Speaker) -> Answer | None:
        """Do what was asked with what was chosen; ask again when that is still more than one."""
        timers = chosen.timers
        if not timers:
            return Answer(say("timers.no_such", speaker.language), done=False)
        words = self._request(question.slots, speaker).words
        if len(timers) > 1 and not chosen.every and not words.are_alike(timers):
            again = Question(question.intent, question.slots, tuple(timer.id for timer in timers))
            return await self._answered(Outcome(self._timers, (), words.which(timers), again), speaker)
        meant = tuple(timer.id for timer in (timers if chosen.every else timers[:1]))
        outcome = carry_out(question.intent, self._timers, self._request(question.slots, speaker, chosen=meant))
        return None if outcome is None else await self._answered(outcome, speaker)

    def joined(self, satellite_id: str) -> None:
        """Tell a satellite that is back what it may have missed, and let those of its timers ring that are due."""
        now = self._now()
        self._timers = self._timers.without_old(now)
        for event in known(self._timers, satellite_id, now):
            self._around.tell(satellite_id, event)
        self._changed.set()

    async def run(self) -> None:
        """Ring as timers run out, those of the last run first, until cancelled."""
        kept = await asyncio.to_thread(store.load, self._path)
        self._timers = Timers((*kept.all, *self._timers.all), (*kept.gone, *self._timers.gone))
        for satellite_id in self._around.present():  # which came before the timers were read
            self.joined(satellite_id)
        try:
            while True:
                self._changed.clear()
                for timer in self._timers.due(self._now()):
                    await self._finish(timer)
                await self._wait()
        finally:
            await self._end_commands()

    async def _finish(self, timer: HubTimer) -> None:
        """Ring for one that has run out, unless its satellite is away: then it rings as soon as that is back."""
        if timer not in self._timers.all:
            return  # it was changed meanwhile
        if timer.command is not None:
            self._begin(timer, timer.command)
        elif self._around.tell(timer.satellite_id, finished(timer)):
            _LOG.info("timer finished", timer=timer.id, satellite=timer.satellite_id)
            await self._set(self._timers.without(timer))
        elif timer.ends_at is not None and self._now() - timer.ends_at > KEPT_SECONDS:
            _LOG.warning("timer is forgotten; its satellite stays away", timer=timer.id, satellite=timer.satellite_id)
            await self._set(self._timers.without(timer))

    def _begin(self, timer: HubTimer, command: LaterCommand) -> None:
        if timer.id not in self._running:
            task = asyncio.get_running_loop().create_task(self._do_later(timer, command))
            self._running[timer.id] = task
            task.add_done_callback(lambda _: self._running.pop(timer.id, None))

    async def _do_later(self, timer: HubTimer, command: LaterCommand) -> None:
        """Carry out a command; say so only when it was not done, or when something is asked."""
        speaker = Speaker(timer.satellite_id, timer.area, command.language)
        if is_too_late(timer, self._now()):
            _LOG.warning("a command for later is too late and not carried out", timer=timer.id)
            answer = Answer(say("later.missed", command.language, label=command.label), done=False)
        else:
            answer = await self._around.carry_out(timer, command)
            _LOG.info("command for later", timer=timer.id, satellite=timer.satellite_id, done=answer.done)
            if not answer.done:
                failed = say("later.failed", command.language, label=command.label, reason=answer.text)
                answer = Answer(failed, done=False)
        await self._set(self._timers.without(timer))
        if answer.expects_reply or not answer.done:
            self._around.announce(speaker, answer, timer.id)

    def _end_commands_but(self, kept: Iterable[str]) -> None:
        """Stop what is cancelled while the intent daemon is still waited for."""
        for timer_id in self._running.keys() - set(kept):
            self._running[timer_id].cancel()

    async def _end_commands(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _wait(self) -> None:
        now = self._now()
        due = self._timers.next_due(now)
        seconds = LONGEST_SLEEP_SECONDS if due is None else min(due - now, LONGEST_SLEEP_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _request(
        self, slots: Slots, speaker: Speaker, command: LaterCommand | None = None, chosen: tuple[str, ...] = ()
    ) -> Request:
        present = frozenset(self._around.present())
        new_id, now = uuid4().hex[:8], self._now()
        return Request(
            slots, speaker.satellite_id, new_id, now, speaker.area, speaker.language, command, present, chosen
        )

    async def _answered(self, outcome: Outcome, speaker: Speaker) -> Answer:
        """Keep the timers, tell their satellites, and wait for an answer if something is asked."""
        if outcome.timers != self._timers:
            await self._set(outcome.timers)
        self._end_commands_but(timer.id for timer in outcome.timers.all)
        for satellite_id, event in outcome.events:
            self._around.tell(satellite_id, event)
        self._questions.pop(speaker.satellite_id, None)
        if outcome.question is not None:
            self._questions[speaker.satellite_id] = _Waiting(outcome.question, self._now() + QUESTION_SECONDS)
        return Answer(outcome.answer, expects_reply=outcome.question is not None)

    async def _set(self, timers: Timers) -> None:
        self._timers = timers
        self._changed.set()
        try:
            async with self._saving:
                await asyncio.to_thread(store.save, self._path, self._timers)
        except OSError as err:
            _LOG.error("timers are not on disk", file=str(self._path), reason=err.strerror)
