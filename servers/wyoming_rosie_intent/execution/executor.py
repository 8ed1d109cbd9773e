"""Action executor: plans commands against the policy and has the actor execute them."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import structlog

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.protocol.turn import CALLER
from wyoming_rosie_intent.engine import TARGET_SLOTS, Actor, Answer, Command, Match, TargetChoice
from wyoming_rosie_intent.execution import policy, targets
from wyoming_rosie_intent.execution.audit_log import AuditEntry, AuditOutcome
from wyoming_rosie_intent.execution.policy import Permission, Policy, PolicyDecision
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import todo_lists

GetWeather: TypeAlias = Callable[[Match], Awaitable[Answer]]
WEATHER_INTENT = "HassGetWeather"


@dataclass(frozen=True)
class PendingCommand(Command):
    """A command that needs a confirmation, and who gave it."""

    area: str | None = None
    speaker: str | None = None


@dataclass(frozen=True)
class TargetQuestion:
    """A question which of several targets a command has, and the commands for each reply."""

    question: str
    options: Mapping[str, tuple[Command, ...]]


@dataclass(frozen=True)
class ActionPlan:
    """Commands to execute now or after a confirmation, and the messages about targets not found or refused."""

    commands: tuple[Command, ...] = ()
    needs_confirmation: tuple[PendingCommand, ...] = ()
    not_found: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    choice: TargetQuestion | None = None

    @property
    def error_messages(self) -> tuple[str, ...]:
        return (*self.not_found, *self.refused)

    @property
    def has_targets(self) -> bool:
        """Whether any target was found in this home."""
        return bool(self.commands or self.needs_confirmation or self.refused or self.choice)

    def confirm(self, entities: frozenset[str]) -> "ActionPlan":
        """Return the plan in which the commands whose targets (ids) were all confirmed need no confirmation any more."""
        confirmed = tuple(command for command in self.needs_confirmation if set(get_target_ids([command])) <= entities)
        pending = tuple(command for command in self.needs_confirmation if command not in confirmed)
        return replace(self, commands=(*self.commands, *confirmed), needs_confirmation=pending)


def get_target_ids(commands: Iterable[Command]) -> tuple[str, ...]:
    """Return the ids of the entities that commands target."""
    return tuple(entity.id for command in commands for entity in command.targets)


def discard_entry(_entry: AuditEntry) -> None:
    """Discard an audit entry."""


class ActionExecutor:
    """Plans and executes commands in one home. Without an actor it only plans; `audit` receives the audit entries."""

    def __init__(
        self,
        home: Home,
        actor: Actor | None,
        policy: Policy | frozenset[str] = frozenset(),
        audit: Callable[[AuditEntry], None] = discard_entry,
        get_weather: GetWeather | None = None,
    ) -> None:
        self.home = home
        self._actor = actor
        self._policy = policy if isinstance(policy, Policy) else Policy(confirm=policy, detects_danger=False)
        self._audit = audit
        self.get_weather = get_weather  # for homes without a weather entity

    @property
    def has_actor(self) -> bool:
        return self._actor is not None

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return the attributes of each entity by its id."""
        return self._actor.states() if self._actor else {}

    def resolve(self, matches: Sequence[Match]) -> tuple[Match, ...]:
        """Return the matches with the areas they refer to, without immediate repetitions."""
        resolved = [targets.use_mentioned_area(self.home, match) for match in matches]
        return tuple(
            match for match, last in zip(resolved, (None, *resolved), strict=False) if not _is_same(match, last)
        )

    def plan(self, matches: Sequence[Match], area: str | None, speaker: str | None = None) -> ActionPlan:
        """Find the targets of commands spoken in an area (id or name) and apply the policy."""
        found = [(match, self._find_targets(match, area)) for match in self.resolve(matches)]
        questions = [
            TargetQuestion(entities.text, entities.options)
            for _, entities in found
            if isinstance(entities, TargetChoice)
        ]
        not_found = tuple(
            answer.text for _, answer in found if isinstance(answer, Answer) and not isinstance(answer, TargetChoice)
        )
        commands = _remove_duplicates(
            Command(match, entities) for match, entities in found if not isinstance(entities, Answer)
        )
        plan = self.plan_commands(commands, area, speaker)
        return replace(plan, not_found=not_found, choice=next(iter(questions), None))

    def plan_commands(self, commands: Iterable[Command], area: str | None, speaker: str | None = None) -> ActionPlan:
        """Apply the policy to commands with known targets, spoken in an area (id or name)."""
        decisions = [policy.check_policy(self._policy, self.home, command, area, speaker) for command in commands]
        for decision in decisions:
            self._record_decision(decision, area, speaker)
        refused = tuple(self._format_refusal(decision, area, speaker) for decision in decisions if decision.refused)
        return ActionPlan(
            tuple(decision.command for decision in decisions if decision.permission is Permission.ALLOWED),
            tuple(
                _create_pending(decision.command, area, speaker)
                for decision in decisions
                if decision.permission is Permission.ASK
            ),
            refused=refused,
        )

    def asks_before(self, match: Match) -> bool:
        """Return whether a command that has no targets needs a confirmation."""
        return policy.requires_confirmation(self._policy, Command(match))

    def get_refusals(self, matches: Sequence[Match], area: str | None, speaker: str | None = None) -> tuple[str, ...]:
        """Return refusals of commands that the conductor is to execute; outside a known area, by who gave them alone."""
        found = [(match, targets.find_targets(self.home, match, area)) for match in matches]
        commands = [Command(match, entities) for match, entities in found if not isinstance(entities, Answer)]
        return self.get_command_refusals(commands, area, speaker)

    def get_command_refusals(
        self, commands: Sequence[Command], area: str | None, speaker: str | None = None
    ) -> tuple[str, ...]:
        """Return refusals of commands with known targets; outside a known area, by who gave or confirmed them alone."""
        decisions = [self._check_given(command, area, speaker) for command in commands]
        for decision in decisions:
            self._record_refusal(decision, area, speaker)
        return tuple(self._format_refusal(decision, area, speaker) for decision in decisions if decision.refused)

    def record_refusals(self, matches: Sequence[Match], area: str | None, speaker: str | None) -> None:
        """Note in the audit log that commands are not executed, since who gave them may change nothing."""
        for match in matches:
            found = targets.find_targets(self.home, match, area)
            entities = () if isinstance(found, Answer) else found
            self._record(PendingCommand(match, entities, area, speaker), AuditOutcome.REFUSED)

    def _check_given(self, command: Command, area: str | None, speaker: str | None) -> PolicyDecision:
        if area is None or self.home.get_area(area) is None:
            return policy.check_person(self._policy, self.home, command, speaker)
        return policy.check_policy(self._policy, self.home, command, area, speaker)

    async def execute(self, commands: Sequence[Command], moment: datetime) -> Answer:
        """Carry out commands and return one answer to all of them, done when any was; `moment` is the wall clock."""
        single = [part for command in commands for part in todo_lists.split_items(command)]
        answers = await self.execute_each(single, moment)
        return Answer(" ".join(_format_results(single, answers)), any(answer.done for answer in answers))

    async def execute_each(self, commands: Sequence[Command], moment: datetime) -> list[Answer]:
        """Carry out commands and return the answer to each."""
        if self._actor is None:
            return [Answer(responses.render("cannot"), done=False) for _ in commands]
        return await _execute_all(commands, partial(self._execute_one, self._actor, moment))

    def _find_targets(self, match: Match, area: str | None) -> tuple[Entity, ...] | Answer:
        """Find the targets; the weather may come from a service instead."""
        found = targets.find_targets(self.home, match, area)
        uses_service = match.intent == WEATHER_INTENT and self.get_weather is not None and isinstance(found, Answer)
        return () if uses_service else found

    async def _execute_one(self, actor: Actor, moment: datetime, command: Command) -> Answer:
        """Execute one command; refuse it when it needs a confirmation and none was requested."""
        if command.match.intent == WEATHER_INTENT and not command.targets and self.get_weather is not None:
            return await self.get_weather(command.match)
        if not isinstance(command, PendingCommand):
            if policy.requires_confirmation(self._policy, command):
                self._record(PendingCommand(command.match, command.targets), AuditOutcome.UNASKED)
                return Answer(responses.render("cannot", command.match.language), done=False)
            return await actor.act(command, moment)
        outcome = AuditOutcome.FAILED
        try:
            answer = await actor.act(command, moment)
            outcome = AuditOutcome.DONE if answer.done else AuditOutcome.FAILED
            return answer
        finally:
            self._record(command, outcome)

    def _format_refusal(self, decision: PolicyDecision, area: str | None, speaker: str | None) -> str:
        language = decision.command.match.language
        return policy.format_refusal(self._policy, self.home, decision.refused, area, language, speaker)

    def _record_refusal(self, decision: PolicyDecision, area: str | None, speaker: str | None) -> None:
        if decision.refused:
            self._record(PendingCommand(decision.command.match, decision.refused, area, speaker), AuditOutcome.REFUSED)

    def _record_decision(self, decision: PolicyDecision, area: str | None, speaker: str | None) -> None:
        self._record_refusal(decision, area, speaker)
        if decision.permission is Permission.ASK:
            self._record(_create_pending(decision.command, area, speaker), AuditOutcome.ASKED)

    def _record(self, command: PendingCommand, outcome: AuditOutcome) -> None:
        entities = tuple(entity.id for entity in command.targets)
        bound = structlog.contextvars.get_contextvars()
        turn, caller = bound.get("turn_id"), bound.get(CALLER) or bound.get("peer")
        self._audit(AuditEntry(command.match.intent, entities, outcome, command.area, command.speaker, turn, caller))


def _is_same(match: Match, other: Match | None) -> bool:
    return other is not None and replace(match, text="", mentioned_area=None) == replace(
        other, text="", mentioned_area=None
    )


def _remove_duplicates(commands: Iterable[Command]) -> Iterator[Command]:
    """Yield the commands without the targets of an earlier identical command."""
    last: dict[str, object] = {}
    for command in commands:
        action = (
            command.match.intent,
            {slot: value for slot, value in command.match.slots.items() if slot not in TARGET_SLOTS},
        )
        targets = tuple(entity for entity in command.targets if last.get(entity.id) != action)
        last |= dict.fromkeys((entity.id for entity in command.targets), action)
        if targets or not command.targets:
            yield replace(command, targets=targets)


async def _execute_all(
    commands: Sequence[Command], act: Callable[[Command], Coroutine[Any, Any, Answer]]
) -> list[Answer]:
    """Execute commands concurrently, or in sequence when two of them share a target."""
    entities = [entity.id for command in commands for entity in command.targets]
    if len(set(entities)) < len(entities):
        return [await act(command) for command in commands]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(act(command)) for command in commands]
    return [task.result() for task in tasks]


def _format_results(commands: Sequence[Command], answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the answers; consecutive items of one list are joined into one sentence."""
    finished: list[tuple[Command, str]] = []
    for command, answer in zip(commands, answers, strict=True):
        item = None if policy.is_query(command) else command.match.slot_text("item")
        is_plain = item is not None and answer.text == responses.render_done(command, command.targets)
        if finished and not (is_plain and _has_same_list(command, finished[0][0])):
            yield _format_done(finished)
            finished = []
        if is_plain and item is not None:
            finished.append((command, item))
        else:
            yield answer.text
    if finished:
        yield _format_done(finished)


def _has_same_list(command: Command, other: Command) -> bool:
    return (command.match.intent, command.targets) == (other.match.intent, other.targets)


def _format_done(commands: Sequence[tuple[Command, str]]) -> str:
    command = commands[0][0]
    items = responses.join_words([item for _, item in commands], command.match.language)
    return responses.render_done(replace(command, match=todo_lists.with_item(command.match, items)), command.targets)


def _create_pending(command: Command, area: str | None, speaker: str | None) -> PendingCommand:
    return PendingCommand(command.match, command.targets, area, speaker)
