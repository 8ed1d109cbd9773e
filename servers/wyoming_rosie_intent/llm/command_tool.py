"""Command tool: executes the commands that a model without tool support writes as sentences, by the rules.

Unless the person gave a command, the person is asked before any action.
"""

import re
from collections.abc import Sequence

from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_intent.engine import Command, IntentRecognizer, Match, UnknownLanguageError
from wyoming_rosie_intent.execution.executor import ActionExecutor, ActionPlan, PendingCommand
from wyoming_rosie_intent.execution.policy import is_conductor_intent, is_query
from wyoming_rosie_intent.llm.filler import is_command
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.output.textual_commands import COMMAND, SENTENCE
from wyoming_rosie_intent.llm.toolset import NeedsConductor, NeedsConfirmation, ToolContext, ToolOutcome, ToolResult
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import multi_command

_TOOL = Tool(COMMAND, "Does what a sentence says", {"type": "object", "properties": {SENTENCE: {"type": "string"}}})
_NOT = re.compile(
    r"\b(?:not|don't|never|no|without|nicht|kein\w*|nie|ohne|ne|n'\w+|pas|jamais|sans|nunca|sin|non|mai|senza|niet|geen|nooit)\b",
    re.IGNORECASE,
)


class CommandToolset:
    """A toolset of one tool, which no model is offered."""

    def __init__(self, executor: ActionExecutor, recognizer: IntentRecognizer) -> None:
        self._executor = executor
        self._recognizer = recognizer
        self._worker = ThreadWorker("commands")

    def list_tools(self) -> Sequence[Tool]:
        return (_TOOL,)

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        """Execute the sentence, ask first, or say why not; the result is final."""
        sentence = str((call.arguments or {}).get(SENTENCE, ""))
        matches = await self._worker.run(self._recognize, sentence, context)
        if not matches:
            return _create_refusal(responses.render("not_understood", context.language))
        if not self._executor.has_actor or any(map(is_conductor_intent, matches)):
            is_one = len(matches) == 1 and is_action_request(context.text)
            return (
                NeedsConductor(matches[0]) if is_one else _create_refusal(responses.render("cannot", context.language))
            )
        return await self._execute_plan(self._executor.plan(matches, _get_area_id(context), context.speaker), context)

    def close(self) -> None:
        self._worker.close()

    def _recognize(self, sentence: str, context: ToolContext) -> Sequence[Match]:
        """Recognize the sentence in the person's language or in English, which models tend to fall back to."""
        for language in dict.fromkeys((context.language, "en")):

            def recognize(text: str, language: str = language) -> Match | None:
                return self._recognizer.recognize(text, language, _get_area_id(context))

            try:
                if matches := multi_command.parse_commands(sentence, recognize):
                    return matches
            except UnknownLanguageError:
                continue
        return ()

    async def _execute_plan(self, plan: ActionPlan, context: ToolContext) -> ToolOutcome:
        immediate, to_confirm = self._split_plan(plan, context)
        answer = await self._executor.execute(immediate, context.moment) if immediate else None
        text = answer.text if answer else ""
        if to_confirm:
            return NeedsConfirmation(to_confirm, text)
        reason = " ".join(plan.error_messages)
        if answer is None or not answer.done:
            return _create_refusal(
                " ".join(filter(None, (text, reason))) or responses.render("cannot", context.language)
            )
        changed = not all(map(is_query, immediate))
        matches = tuple(command.match for command in immediate)
        return ToolResult(f"{text} {reason}".strip(), changed, text, reason, matches, is_final=True)

    def _split_plan(self, plan: ActionPlan, context: ToolContext) -> tuple[Sequence[Command], tuple[Command, ...]]:
        """Return the commands to execute at once and those that need a confirmation."""
        if is_action_request(context.text):
            return plan.commands, plan.needs_confirmation
        questions = [command for command in plan.commands if is_query(command)]
        actions = (command for command in plan.commands if not is_query(command))
        to_confirm = (
            PendingCommand(action.match, action.targets, _get_area_id(context), context.speaker) for action in actions
        )
        return questions, (*to_confirm, *plan.needs_confirmation)


def is_action_request(sentence: str) -> bool:
    """Return whether a person's sentence is clearly a command."""
    return is_command(sentence) and not _NOT.search(sentence.replace("\u2019", "'"))


def _create_refusal(reason: str) -> ToolResult:
    return ToolResult(f"Not done: {reason}", refusal=reason, is_final=True)


def _get_area_id(context: ToolContext) -> str | None:
    return context.area.id if context.area else None
