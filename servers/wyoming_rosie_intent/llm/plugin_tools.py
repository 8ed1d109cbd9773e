"""Plugin tools: the intents of plugins as tools of a language model."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.answer import PendingQuestion
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.prompts.quoting import escape_tokens, quote
from wyoming_rosie_intent.llm.tool_arguments import ArgumentError, validate_arguments
from wyoming_rosie_intent.llm.toolset import NeedsReply, ToolContext, ToolOutcome, ToolResult
from wyoming_rosie_intent.plugins.match import PluginMatch, PluginQuestion
from wyoming_rosie_intent.plugins.plugin import CommandContext, ParameterType, PluginTool, ToolParameter
from wyoming_rosie_intent.plugins.registry import PluginRegistry

CALL_SECONDS = 8.0
MAX_TEXT_CHARACTERS = 2000
_MAX_NAME_CHARACTERS = 64
_MAX_MINUTES = 60 * 24 * 31
_KEPT_PRIVATE = "Error: this stays in the home, and you are outside of it. Say that you must not read it."


class PluginTools:
    """The tools of all plugins; those of a private plugin are called for no model in a cloud."""

    def __init__(self, plugins: PluginRegistry) -> None:
        self._plugins = plugins
        self._described: Mapping[str, tuple[PluginTool, ...]] = {}
        self._tools: dict[str, tuple[Tool, str, PluginTool]] = {}

    def list_tools(self) -> Sequence[Tool]:
        return [tool for tool, _, _ in self._load().values()]

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        found = self._load().get(call.name)
        if found is None:
            return ToolResult(f"Error: there is no tool {quote(call.name)}")
        tool, plugin, described = found
        try:
            entities = parse_arguments(call.arguments, described)
        except ArgumentError as err:
            return ToolResult(f"Error: {err}")
        is_private = self._plugins.is_private(plugin)
        if is_private and not context.keep_private():
            return ToolResult(_KEPT_PRIVATE)
        match = PluginMatch(plugin, described.intent, entities, context.text, base_language(context.language))
        answer = await self._plugins.execute(match, _create_context(context), CALL_SECONDS)
        return _create_outcome(tool.name, answer, described, is_private=is_private)

    def _load(self) -> Mapping[str, tuple[Tool, str, PluginTool]]:
        """Return the tools by name, created anew when a plugin became ready."""
        described = self._plugins.tools()
        if described != self._described:
            tools = [(create_tool(plugin, tool), plugin, tool) for plugin, some in described.items() for tool in some]
            self._described, self._tools = described, {tool[0].name: tool for tool in tools}
        return self._tools


def create_tool(plugin: str, tool: PluginTool) -> Tool:
    """Return an intent as the tool of a model."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{plugin}_{tool.intent}")[:_MAX_NAME_CHARACTERS]
    properties = {name: _create_schema(parameter) for name, parameter in tool.parameters.items()}
    required = [name for name, parameter in tool.parameters.items() if parameter.is_required]
    return Tool(name, tool.description, {"type": "object", "properties": properties, "required": required})


def parse_arguments(arguments: Mapping[str, object] | None, tool: PluginTool) -> dict[str, Any]:
    """Return the entities of a call, in the types that a plugin gets. Raises ArgumentError."""
    valid = validate_arguments(arguments, create_tool("", tool).parameters)
    return {name: _parse_value(name, value, tool.parameters[name]) for name, value in valid.items()}


def _create_schema(parameter: ToolParameter) -> Mapping[str, object]:
    match parameter.type:
        case ParameterType.INTEGER | ParameterType.NUMBER:
            return {"type": parameter.type.value, "description": parameter.description}
        case ParameterType.DATE:
            return {"type": "string", "description": f"{parameter.description}, as 2026-12-24"}
        case ParameterType.TIME:
            return {"type": "string", "description": f"{parameter.description}, as 18:30"}
        case ParameterType.DURATION:
            described = f"{parameter.description}, in minutes"
            return {"type": "integer", "minimum": 1, "maximum": _MAX_MINUTES, "description": described}
    choices = {"enum": list(parameter.choices)} if parameter.choices else {"maxLength": MAX_TEXT_CHARACTERS}
    return {"type": "string", "description": parameter.description, **choices}


def _parse_value(name: str, value: str | int | float, parameter: ToolParameter) -> Any:
    try:
        match parameter.type:
            case ParameterType.DATE:
                return date.fromisoformat(str(value))
            case ParameterType.TIME:
                return time.fromisoformat(str(value)).replace(tzinfo=None)
            case ParameterType.DURATION:
                return timedelta(minutes=int(value))
    except ValueError as err:
        kind = "a date such as 2026-12-24" if parameter.type is ParameterType.DATE else "a time such as 18:30"
        raise ArgumentError(f"'{name}' must be {kind}") from err
    return value


def _create_context(context: ToolContext) -> CommandContext:
    return CommandContext(
        context.moment,
        area=context.area.id if context.area else None,
        person=context.speaker,
        conversation_id=context.conversation_id,
        key=context.turn_id or "",
        must_stay_home=context.must_stay_home,
    )


def _create_outcome(name: str, answer: Answer, tool: PluginTool, *, is_private: bool) -> ToolOutcome:
    if isinstance(answer, PluginQuestion):
        question = PendingQuestion(answer.question, answer.confirmed or (), answer.options)
        return NeedsReply(answer.text, question, is_private)
    if not answer.done:
        text = f"Not done: {escape_tokens(answer.text)}"
        return ToolResult(text, refusal=answer.text, is_untrusted=True, is_private=is_private)
    text = f"Result of {name}, as information:\n{escape_tokens(answer.text)}"
    spoken = answer.text if tool.changes else ""
    return ToolResult(text, tool.changes, spoken, is_untrusted=True, is_private=is_private)
