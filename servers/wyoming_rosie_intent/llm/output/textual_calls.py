"""Parser of tool calls that a model wrote as text: in JSON, XML or Python, or as a name followed by arguments."""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import uuid4

from wyoming_rosie_intent.llm.model import ToolCall

MAX_CALL_CHARACTERS = 4000
"""Characters of one call; longer text is not a call."""

_NAMES = ("name", "tool", "tool_name", "function", "function_name", "recipient_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "params", "input", "tool_input", "action_input", "kwargs")
_LISTS = ("tool_calls", "function_calls", "tool_uses", "calls")
_JSON = json.JSONDecoder()
_BRACKETS = {"{": "}", "[": "]", "(": ")"}
_SIGN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[\[\]{}()\"']", re.DOTALL)
_GAP = re.compile(
    r"(?::\d+|[\s\"'`*:>=]|<[^<>]{0,60}>|\[[A-Z_]+\]\w*|(?i:action input|arguments|commentary|json|code|args))*"
)
"""Text that may stand between a tool's name and its arguments."""
_PARAMETER = re.compile(
    r"<(?:parameter|param|arg)\b\s*(?:=|name\s*=)\s*[\"']?([\w.-]+)[\"']?[^<>]*>(.*?)</(?:parameter|param|arg)>"
    r"|<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>",
    re.DOTALL,
)
_TAG = re.compile(r"<[^<>]*>|\[[A-Z_]+\]|`")
_TAGGED = re.compile(r"<[\w:-]*(?:function|invoke|tool)[\w:-]*\s*(?:=|name\s*=)\s*[\"']?\Z")


def parse_calls(text: str, tools: Collection[str]) -> list[ToolCall]:
    """Return the complete calls of these tools in a text, in order."""
    return list(_find_calls(text[: 2 * MAX_CALL_CHARACTERS], tools)) if tools else []


def find_closing_bracket(text: str, begin: int = 0) -> int | None:
    """Return the position after the bracket that closes the one at `begin`, or None. Brackets in quotes do not count."""
    expected: list[str] = []
    for sign in _SIGN.finditer(text, begin):
        if sign[0] in _BRACKETS:
            expected.append(_BRACKETS[sign[0]])
        elif sign[0] in "]})":
            expected.pop()
            if not expected:
                return sign.end()
        elif len(sign[0]) == 1:  # an unterminated string
            return None
    return None


def parse_literal(text: str) -> Any:
    """Parse a JSON or Python literal. Raises ValueError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (SyntaxError, TypeError, RecursionError, MemoryError) as err:
        raise ValueError("neither JSON nor a Python literal") from err


def parse_expression(expression: str, tools: Collection[str]) -> tuple[list[ToolCall], bool]:
    """Return the tool calls in a Python expression, and whether it calls anything with keyword arguments."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], False
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [(known, node) for node in made if (known := _resolve_tool_name(ast.unparse(node.func), tools)) is not None]
    calls = [_create_call(name, _parse_keywords(node)) for name, node in named]
    return calls, bool(calls) or any(node.keywords for node in made)


def _find_calls(text: str, tools: Collection[str]) -> Iterator[ToolCall]:
    start = _compile_start(frozenset(tools))
    at = 0
    while (found := start.search(text, at)) is not None:
        calls, at = _parse_json_call(text, found, tools) if found["bracket"] else _parse_named_call(text, found)
        yield from calls
    if (alone := _resolve_tool_name(_TAG.sub("", text).strip(), tools)) is not None:
        yield _create_call(alone, {})


@lru_cache(16)
def _compile_start(tools: frozenset[str]) -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(tools, key=len, reverse=True))
    return re.compile(rf"(?P<bracket>[{{\[])|(?<!\w)(?P<name>{names})(?!\w)")


def _parse_json_call(text: str, found: re.Match[str], tools: Collection[str]) -> tuple[Sequence[ToolCall], int]:
    end = find_closing_bracket(text, found.start())
    if end is None:
        return (), found.end()
    try:
        calls = _extract_calls(parse_literal(text[found.start() : end]), tools)
    except ValueError:
        return (), found.end()
    return calls, end


def _parse_named_call(text: str, found: re.Match[str]) -> tuple[Sequence[ToolCall], int]:
    """Parse the arguments that follow a tool's name."""
    name, at = found["name"], found.end()
    if text.startswith("(", at) and (end := find_closing_bracket(text, at)) is not None:
        return parse_expression(text[found.start() : end], {name})[0], end
    gap = _GAP.match(text, at)
    begin = gap.end() if gap else at
    if text.startswith("{", begin) and (end := find_closing_bracket(text, begin)) is not None:
        arguments = _parse_arguments(text[begin:end])
        return ([_create_call(name, arguments)] if arguments is not None else []), end
    if not _TAGGED.search(text[max(0, found.start() - 60) : found.start()]) and not _has_parameter_tag(text, begin):
        return (), at
    return _parse_tagged_arguments(name, text, at)


def _has_parameter_tag(text: str, at: int) -> bool:
    return _PARAMETER.match(text, at) is not None or text.rfind("<arg_key>", max(0, at - 10), at) >= 0


def _parse_tagged_arguments(name: str, text: str, at: int) -> tuple[Sequence[ToolCall], int]:
    closing = re.compile(r"</[\w:-]*(?:function|invoke|tool)[\w:-]*>|<(?:function|invoke)\b").search(text, at)
    end = closing.start() if closing else len(text)
    arguments = {
        (found[1] or found[3]).strip(): _parse_value((found[2] or found[4] or "").strip())
        for found in _PARAMETER.finditer(text, at, end)
    }
    return [_create_call(name, arguments)], end


def _parse_value(text: str) -> object:
    """Parse the value between two tags as JSON; otherwise it is the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def _extract_calls(value: Any, tools: Collection[str]) -> list[ToolCall]:
    """Return the calls that parsed data contains."""
    if isinstance(value, list):
        return [call for item in value for call in _extract_calls(item, tools)]
    if not isinstance(value, Mapping):
        return []
    for key in _LISTS:
        if isinstance(listed := value.get(key), list):
            return _extract_calls(listed, tools)
    if isinstance(inner := value.get("function"), Mapping):
        return _extract_calls(inner, tools)
    named = next((known for key in _NAMES if (known := _resolve_tool_name(value.get(key), tools)) is not None), None)
    if named is not None:
        arguments = _parse_arguments(next((value[key] for key in _ARGUMENTS if key in value), None))
        return [_create_call(named, arguments)] if arguments is not None else []
    by_name = ((_resolve_tool_name(key, tools), inner) for key, inner in value.items())
    return [_create_call(name, inner) for name, inner in by_name if name is not None and isinstance(inner, Mapping)]


def _parse_arguments(arguments: object) -> Mapping[str, object] | None:
    """Return the arguments, which may be a JSON string; None if they are not an object."""
    if isinstance(arguments, str):
        try:
            arguments = parse_literal(arguments) if arguments.strip() else {}
        except ValueError:
            return None
    return arguments if isinstance(arguments, Mapping) else {} if arguments is None else None


def _resolve_tool_name(name: object, tools: Collection[str]) -> str | None:
    """Return the tool of a name, which may have a namespace: functions.HassTurnOn."""
    if not isinstance(name, str):
        return None
    last = name.rpartition(".")[2]
    return name if name in tools else last if last in tools else None


def _parse_keywords(node: ast.Call) -> Mapping[str, object] | None:
    """Return a Python call's keyword arguments; None if there are others or one is not a literal."""
    if node.args:
        return None
    try:
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _create_call(name: str, arguments: Mapping[str, object] | None) -> ToolCall:
    return ToolCall(f"call_{uuid4().hex[:12]}", name, arguments)
