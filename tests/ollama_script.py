"""Rules for the answers and faults of the scripted server, also from a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Fault(StrEnum):
    BUSY = "busy"  # refused with 503
    SLOW = "slow"  # never sends its first token
    STALL = "stall"  # stops sending within the answer
    CUT = "cut"  # the connection breaks within the answer
    GARBLED = "garbled"  # half a line within the answer
    ERROR = "error"  # an error event within the answer
    UNPARSED = "unparsed"  # an error event: the model's tool call cannot be parsed
    NOT_DONE = "not-done"  # ends cleanly, without the final event


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)  # a string for invalid JSON, in OpenAI's API


@dataclass(frozen=True)
class Rule:
    """The answer to a request; the first rule that matches counts. `after_tool` matches one that ends with a tool result."""

    when: str = ""  # part of the last user message, in any case
    say: str = ""
    calls: tuple[Call, ...] = ()
    words_before_calls: int = 0
    after_tool: bool = False
    wait_seconds: float = 0.0
    fault: Fault | None = None

    def matches(self, said: str, ends_with_tool: bool) -> bool:
        return self.after_tool == ends_with_tool and self.when.casefold() in said.casefold()


RULES = (
    Rule(say="That is done.", after_tool=True),
    Rule("kitchen light", "I will do that.", (Call("HassTurnOn", {"name": "Kitchen Light"}),)),
    Rule(say="Paris is the capital of France. It lies on the Seine."),
)


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Load `[[rules]]` from a TOML file: the fields of a Rule, with `calls` as tables of name and arguments."""
    return tuple(_parse_rule(entry) for entry in tomllib.loads(path.read_text("utf-8"))["rules"])


def _parse_rule(entry: Mapping[str, Any]) -> Rule:
    calls = tuple(Call(**call) for call in entry.get("calls", ()))
    fault = Fault(entry["fault"]) if "fault" in entry else None
    return Rule(**{**entry, "calls": calls, "fault": fault})
