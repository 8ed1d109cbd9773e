"""The home, who acts on it, what is done there only after a yes, and what not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import structlog

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.engine import WHICH, Actor, Answer, Command, Match, Which
from wyoming_rosie_intent.execution import policy, targets
from wyoming_rosie_intent.execution.audit_log import Entry, Outcome
from wyoming_rosie_intent.execution.policy import Judgement, Policy, Verdict
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import todo_lists

AskWeather: TypeAlias = Callable[[Match], Awaitable[Answer]]
WEATHER = "HassGetWeather"


@dataclass(frozen=True)
class Asked(Command):
    """A command that was asked about, and who wanted it; carried out only after a yes."""

    area: str | None = None
    speaker: str | None = None


@dataclass(frozen=True)
class Choice:
    """What is to be done to one of several things, and the question to which of them."""

    question: str
    match: Match
    options: tuple[Entity, ...]


@dataclass(frozen=True)
class Plan:
    """What is to be done at once, what is asked about first, and in words what is not here and what may not be."""

    commands: tuple[Command, ...] = ()
    asked: tuple[Asked, ...] = ()
    unclear: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    choice: Choice | None = None

    @property
    def refusals(self) -> tuple[str, ...]:
        return (*self.unclear, *self.refused)

    @property
    def is_about_anything(self) -> bool:
        """Whether anything that was meant is in this home."""
        return bool(self.commands or self.asked or self.refused or self.choice)


def forget(_entry: Entry) -> None:
    """Keep no record."""


class Household:
    """One home; without an actor nothing can be done in it. `note` gets what must be kept a record of."""

    def __init__(
        self,
        home: Home,
        actor: Actor | None,
        policy: Policy | frozenset[str] = frozenset(),
        note: Callable[[Entry], None] = forget,
        ask_weather: AskWeather | None = None,
    ) -> None:
        self.home = home
        self._actor = actor
        self._policy = policy if isinstance(policy, Policy) else Policy(confirm=policy, knows_danger=False)
        self._note = note
        self.ask_weather = ask_weather  # where the home has no weather of its own

    @property
    def acts(self) -> bool:
        return self._actor is not None

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return what is known of each entity, by its id."""
        return self._actor.states() if self._actor else {}

    def meant(self, matches: Sequence[Match]) -> tuple[Match, ...]:
        """Return what was said, in the rooms that are meant; what was said twice in a row is meant once."""
        placed = [targets.placed(self.home, match) for match in matches]
        return tuple(match for match, last in zip(placed, (None, *placed), strict=False) if not _is_same(match, last))

    def plan(self, matches: Sequence[Match], area: str | None, speaker: str | None = None) -> Plan:
        """Find what was meant and whether it may be done, said in an area (its id or name)."""
        found = [(match, self._find(match, area)) for match in self.meant(matches)]
        choices = [Choice(things.text, match, things.options) for match, things in found if isinstance(things, Which)]
        unclear = tuple(one.text for _, one in found if isinstance(one, Answer) and not isinstance(one, Which))
        commands = _once(Command(match, things) for match, things in found if not isinstance(things, Answer))
        judged = [policy.judge(self._policy, self.home, command, area) for command in commands]
        for one in judged:
            self._record_judgement(one, area, speaker)
        refused = tuple(self._refusal(one, area) for one in judged if one.refused)
        return Plan(
            tuple(one.command for one in judged if one.verdict is Verdict.ALLOWED),
            tuple(_asked(one.command, area, speaker) for one in judged if one.verdict is Verdict.ASK),
            unclear,
            refused,
            next(iter(choices), None),
        )

    def forbidden(self, matches: Sequence[Match], area: str | None, speaker: str | None = None) -> tuple[str, ...]:
        """Return, in words, what must not be passed on to a conductor that acts: what a known room may not do."""
        if area is None or self.home.area(area) is None:
            return ()
        found = [(match, targets.find(self.home, match, area)) for match in matches]
        commands = [Command(match, things) for match, things in found if not isinstance(things, Answer)]
        judged = [policy.judge(self._policy, self.home, command, area) for command in commands]
        for one in judged:
            self._record_refusal(one, area, speaker)
        return tuple(self._refusal(one, area) for one in judged if one.refused)

    async def carry_out(self, commands: Sequence[Command], moment: datetime) -> Answer:
        """Carry out commands and return one answer to all of them, done when any was; `moment` is the wall clock."""
        if self._actor is None:
            return Answer(responses.say("cannot"), done=False)
        single = [one for command in commands for one in todo_lists.one_by_one(command)]
        said = await _together(single, partial(self._act, self._actor, moment))
        return Answer(" ".join(_texts(single, said)), any(answer.done for answer in said))

    def _find(self, match: Match, area: str | None) -> tuple[Entity, ...] | Answer:
        """Find what was meant; the weather may come from elsewhere."""
        found = targets.find(self.home, match, area)
        is_elsewhere = match.intent == WEATHER and self.ask_weather is not None and isinstance(found, Answer)
        return () if is_elsewhere else found

    async def _act(self, actor: Actor, moment: datetime, command: Command) -> Answer:
        """Do one thing; what needs a yes only if somebody was asked."""
        if command.match.intent == WEATHER and not command.targets and self.ask_weather is not None:
            return await self.ask_weather(command.match)
        if not isinstance(command, Asked):
            if policy.needs_yes(self._policy, command):
                self._record(Asked(command.match, command.targets), Outcome.UNASKED)
                return Answer(responses.say("cannot", command.match.language), done=False)
            return await actor.act(command, moment)
        outcome = Outcome.FAILED
        try:
            answer = await actor.act(command, moment)
            outcome = Outcome.DONE if answer.done else Outcome.FAILED
            return answer
        finally:
            self._record(command, outcome)

    def _refusal(self, one: Judgement, area: str | None) -> str:
        return policy.refusal(self.home, one.refused, area, one.command.match.language)

    def _record_refusal(self, one: Judgement, area: str | None, speaker: str | None) -> None:
        if one.refused:
            self._record(Asked(one.command.match, one.refused, area, speaker), Outcome.REFUSED)

    def _record_judgement(self, one: Judgement, area: str | None, speaker: str | None) -> None:
        self._record_refusal(one, area, speaker)
        if one.verdict is Verdict.ASK:
            self._record(_asked(one.command, area, speaker), Outcome.ASKED)

    def _record(self, command: Asked, outcome: Outcome) -> None:
        entities = tuple(entity.id for entity in command.targets)
        turn = structlog.contextvars.get_contextvars().get("turn_id")
        self._note(Entry(command.match.intent, entities, outcome, command.area, command.speaker, turn))


def _is_same(match: Match, other: Match | None) -> bool:
    return other is not None and replace(match, text="", room=None) == replace(other, text="", room=None)


def _once(commands: Iterable[Command]) -> Iterator[Command]:
    """Yield the commands without the things to which an earlier one does the same."""
    last: dict[str, object] = {}
    for command in commands:
        deed = (command.match.intent, {slot: value for slot, value in command.match.slots.items() if slot not in WHICH})
        targets = tuple(entity for entity in command.targets if last.get(entity.id) != deed)
        last |= dict.fromkeys((entity.id for entity in command.targets), deed)
        if targets or not command.targets:
            yield replace(command, targets=targets)


async def _together(commands: Sequence[Command], act: Callable[[Command], Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """Do all at once, as each may have to wait for its thing; one after the other where two are about the same."""
    things = [entity.id for command in commands for entity in command.targets]
    if len(set(things)) < len(things):
        return [await act(command) for command in commands]
    async with asyncio.TaskGroup() as group:
        doing = [group.create_task(act(command)) for command in commands]
    return [one.result() for one in doing]


def _texts(commands: Sequence[Command], said: Sequence[Answer]) -> Iterator[str]:
    """Yield what was said about each command; what was done to items of one list, one after the other, is said at once."""
    done: list[tuple[Command, str]] = []
    for command, answer in zip(commands, said, strict=True):
        item = command.match.said("item")
        is_plain = item is not None and answer.text == responses.done(command, command.targets)
        if done and not (is_plain and _is_same_but_for_item(command, done[0][0])):
            yield _done(done)
            done = []
        if is_plain and item is not None:
            done.append((command, item))
        else:
            yield answer.text
    if done:
        yield _done(done)


def _is_same_but_for_item(command: Command, other: Command) -> bool:
    return (command.match.intent, command.targets) == (other.match.intent, other.targets)


def _done(commands: Sequence[tuple[Command, str]]) -> str:
    command = commands[0][0]
    items = responses.listed([item for _, item in commands], command.match.language)
    return responses.done(replace(command, match=todo_lists.with_item(command.match, items)), command.targets)


def _asked(command: Command, area: str | None, speaker: str | None) -> Asked:
    return Asked(command.match, command.targets, area, speaker)
