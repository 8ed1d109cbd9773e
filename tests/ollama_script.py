"""What the scripted server says, and how it fails: rules, which may be written in a TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Fault(StrEnum):
    BUSY = "busy"  # refused with 503
    SLOW = "slow"  # never comes to its first word
    STALL = "stall"  # falls silent in the middle
    CUT = "cut"  # the connection breaks in the middle
    GARBLED = "garbled"  # half a line in the middle
    ERROR = "error"  # says so itself, in the middle
    UNPARSED = "unparsed"  # the model's call is none, says the server in the middle
    NOT_DONE = "not-done"  # ends cleanly, without saying that it is done


@dataclass(frozen=True)
class Call:
    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)  # a text: what is no JSON, for OpenAI's API


@dataclass(frozen=True)
class Rule:
    """What is said to a request; the first rule that fits counts. `after_tool` fits one that ends with a tool's result."""

    when: str = ""  # in the last thing a user said, whatever its case
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
    """Read `[[rules]]` with a Rule's fields, and `calls` as tables of name and arguments, from a TOML file."""
    return tuple(_parse_rule(entry) for entry in tomllib.loads(path.read_text("utf-8"))["rules"])


def _parse_rule(entry: Mapping[str, Any]) -> Rule:
    calls = tuple(Call(**call) for call in entry.get("calls", ()))
    fault = Fault(entry["fault"]) if "fault" in entry else None
    return Rule(**{**entry, "calls": calls, "fault": fault})
