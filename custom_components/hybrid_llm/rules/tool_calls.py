"""Tool calls of a model: their names, arguments and those that it writes into its text."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_ROUNDS = 5
"""Times that a model is asked for one sentence."""
_WRAPPING = re.compile(r"```(?:json)?|</?tool_call>|<\|python_tag\|>|\[/?TOOL_CALLS\]")


@dataclass(frozen=True)
class ModelCall:
    """A call that a model wants made."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Its identity: the same call is never executed twice for one sentence."""
        return json.dumps([self.name, self.arguments], sort_keys=True, ensure_ascii=False, default=str)


def clean_call(name: object, arguments: object, known: Iterable[str]) -> ModelCall | None:
    """Return a call as Home Assistant takes it: the tool's full name, arguments as an object, without empty ones."""
    if isinstance(arguments, str):
        arguments = _read_json(arguments)
    if not isinstance(name, str) or not isinstance(arguments, Mapping | None):
        return None
    cleaned = {str(key): _clean_value(value) for key, value in (arguments or {}).items() if value not in (None, "", [])}
    return ModelCall(_find_name(name, known), cleaned)


def parse_calls(text: str, known: Iterable[str]) -> list[ModelCall]:
    """Return the calls that a model has written as text; none if it is anything else."""
    names = tuple(known)
    found = _read_json(_WRAPPING.sub("", text).strip())
    calls = []
    for one in found if isinstance(found, list) else [found]:
        if not isinstance(one, Mapping):
            return []
        inner = one.get("function") if isinstance(one.get("function"), Mapping) else one
        assert isinstance(inner, Mapping)
        call = clean_call(inner.get("name"), inner.get("arguments", inner.get("parameters")), names)
        if call is None or call.name not in names:
            return []
        calls.append(call)
    return calls


def is_success(result: object) -> bool:
    """Return whether the result of a tool that acts says that something was done."""
    if not isinstance(result, Mapping) or "error" in result or result.get("success") is False:
        return False
    return result.get("response_type") != "error"


def is_action(name: str) -> bool:
    """Return whether a tool acts on the home, by its name: the others only read."""
    return not re.match(r"(?:\w+__)?(?:get|search|list|find|calendar_get|todo_get|Hass(?:Get|TimerStatus)|Get)", name)


def _find_name(name: str, known: Iterable[str]) -> str:
    """Return the tool that a model means with or without the prefix of its integration."""
    names = tuple(known)
    if name in names:
        return name
    bare = name.rpartition("__")[2].lower()
    same = [one for one in names if one.rpartition("__")[2].lower() == bare]
    return same[0] if len(same) == 1 else name


def _clean_value(value: Any) -> Any:
    """Return a list or an object that a small model wrote as a string."""
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        parsed = _read_json(value)
        return value if parsed is None else parsed
    return value


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
