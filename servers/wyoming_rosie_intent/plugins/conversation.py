"""Commands of plugins in a conversation: their answers, also those that come after the turn, and their questions."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.answer import (
    ConversationInput,
    DelegateToConductor,
    Handled,
    NotHandled,
    Outcome,
    PendingQuestion,
)
from wyoming_rosie_intent.engine import Answer, Match, SatelliteAnnouncer
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.plugin_tools import parse_arguments
from wyoming_rosie_intent.llm.tool_arguments import ArgumentError
from wyoming_rosie_intent.plugins.match import DeclinedAnswer, LateAnswer, PluginMatch, PluginQuestion, ReminderAnswer
from wyoming_rosie_intent.plugins.plugin import CommandContext
from wyoming_rosie_intent.plugins.registry import PluginRegistry
from wyoming_rosie_intent.rules import alarms

MAX_LATE = 16
"""Answers that are awaited after their turn; more of them drop the oldest."""


@dataclass(frozen=True)
class PluginCall:
    """A call of a plugin's intent by a program, which gives arguments as a language model does."""

    plugin: str
    intent: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)


class PluginConversations:
    """Executes the commands of a conversation. `announcer` speaks late answers where no conductor asks for them."""

    def __init__(
        self, plugins: PluginRegistry, executor: ActionExecutor, announcer: SatelliteAnnouncer | None = None
    ) -> None:
        self._plugins = plugins
        self._executor = executor
        self._announcer = announcer
        self._late: OrderedDict[str, tuple[ConversationInput, str, asyncio.Future[Answer]]] = OrderedDict()
        self._announcing: set[asyncio.Task[None]] = set()

    def recognize(self, user_input: ConversationInput) -> PluginMatch | None:
        """Recognize the command of a plugin; runs in a worker thread."""
        return self._plugins.recognize(user_input.text, user_input.language)

    async def answer(
        self, user_input: ConversationInput, match: PluginMatch, moment: datetime
    ) -> Handled | NotHandled | Match:
        """Have a plugin execute a command; its question, or a promise of its answer, is an outcome, too.

        Returns the command for the house instead, if the plugin wants it to set a reminder.
        """
        can_be_late = user_input.takes_late_answers or self._can_announce(user_input)
        context = self._create_context(user_input, moment)
        answer = await self._plugins.execute(match, context, can_be_late=can_be_late)
        if isinstance(answer, LateAnswer) and answer.pending is not None:
            return self._promise(user_input, match.plugin, answer, answer.pending)
        if isinstance(answer, ReminderAnswer) and answer.reminder is not None:
            return alarms.create_reminder(answer.reminder, match.language)
        return self._create_outcome(match.plugin, answer)

    async def add_remarks(
        self, user_input: ConversationInput, outcome: Outcome, matches: Sequence[Match], moment: datetime
    ) -> Outcome:
        """Let plugins write down the reminders that commands set, and add what they say of it to the outcome."""
        if not isinstance(outcome, Handled | DelegateToConductor):
            return outcome
        remarks = [await self._follow_reminder(user_input, match, moment) for match in matches]
        remark = " ".join(filter(None, remarks))
        if not remark:
            return outcome
        if isinstance(outcome, DelegateToConductor):
            return replace(outcome, remark=remark)
        return replace(outcome, text=f"{outcome.text} {remark}", is_private=True)

    def parse_call(self, call: PluginCall, language: str | None) -> PluginMatch:
        """Return the command of a call. Raises BadEventError, which says what there is."""
        tools = {tool.intent: tool for tool in self._plugins.tools().get(call.plugin, ())}
        if call.intent not in tools:
            there_are = [f"{name}.{tool.intent}" for name, some in self._plugins.tools().items() for tool in some]
            raise BadEventError(f"no plugin offers this call; there are: {', '.join(sorted(there_are)) or 'none'}")
        try:
            entities = parse_arguments(call.arguments, tools[call.intent])
        except ArgumentError as err:
            raise BadEventError(str(err)) from err
        return PluginMatch(call.plugin, call.intent, entities, language=base_language(language or "en"))

    async def wait(self, answer_id: str) -> tuple[ConversationInput, Handled | NotHandled]:
        """Return a late answer, once, with the sentence that it answers. Raises BadEventError for an unknown one."""
        if answer_id not in self._late:
            raise BadEventError("there is no such late answer; each is sent once")
        user_input, plugin, pending = self._late.pop(answer_id)
        try:
            return user_input, self._create_outcome(plugin, await pending)
        finally:
            pending.cancel()

    def close(self) -> None:
        """Wait for no more answers."""
        for task in self._announcing:
            task.cancel()
        for _, _, pending in self._late.values():
            pending.cancel()

    async def _follow_reminder(self, user_input: ConversationInput, match: Match, moment: datetime) -> str:
        reminder = alarms.read_reminder(match)
        if reminder is None:
            return ""
        context = self._create_context(user_input, moment)
        return " ".join(await self._plugins.follow_reminder(reminder, context, match.language))

    def _create_context(self, user_input: ConversationInput, moment: datetime) -> CommandContext:
        home = self._executor.home
        area = home.get_area(user_input.area) if user_input.area else None
        return CommandContext(
            moment,
            area=area.id if area else None,
            person=user_input.speaker,
            conversation_id=user_input.conversation_id,
            key=user_input.turn_id or "",
            must_stay_home=home.must_stay_home(user_input.area) or not user_input.allow_cloud,
        )

    def _create_outcome(self, plugin: str, answer: Answer) -> Handled | NotHandled:
        is_private = self._plugins.is_private(plugin)
        if isinstance(answer, PluginQuestion):
            question = PendingQuestion(answer.question, answer.confirmed or (), answer.options)
            return Handled(answer.text, expects_reply=True, question=question, is_private=is_private)
        if answer.done:
            return Handled(answer.text, is_private=is_private)
        return NotHandled(answer.text, is_declined=isinstance(answer, DeclinedAnswer))

    def _can_announce(self, user_input: ConversationInput) -> bool:
        return self._announcer is not None and user_input.satellite in self._announcer.satellites()

    def _promise(
        self, user_input: ConversationInput, plugin: str, answer: LateAnswer, pending: asyncio.Future[Answer]
    ) -> Handled:
        if not user_input.takes_late_answers:
            task = asyncio.ensure_future(self._announce(user_input.satellite or "", pending))
            self._announcing.add(task)
            task.add_done_callback(self._announcing.discard)
            return Handled(answer.text)
        answer_id = uuid4().hex
        self._late[answer_id] = (user_input, plugin, pending)
        if len(self._late) > MAX_LATE:
            self._late.popitem(last=False)[1][-1].cancel()
        return Handled(answer.text, late_answer=answer_id)

    async def _announce(self, satellite: str, pending: asyncio.Future[Answer]) -> None:
        """Speak a late answer. Nobody can reply to it there: a question changes nothing."""
        assert self._announcer is not None
        try:
            answer = await pending
            await self._announcer.announce(satellite, answer.text)
        finally:
            pending.cancel()
