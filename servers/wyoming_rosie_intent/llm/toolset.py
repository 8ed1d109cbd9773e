"""Toolsets: tools that a language model can call, wherever they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from wyoming_rosie.home.model import Area, Entity
from wyoming_rosie_intent.answer import PendingQuestion
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.prompts.quoting import quote


@dataclass(frozen=True)
class ToolContext:
    """The turn that a tool is called for; `moment` is the wall clock."""

    area: Area | None
    moment: datetime
    speaker: str | None = None
    language: str = "en"
    text: str = field(default="", repr=False)  # of the person's sentence
    conversation_id: str = ""
    turn_id: str | None = None
    has_untrusted_text: bool = False
    """Whether the model has read what strangers may have written: then the person is asked before anything changes."""
    keep_private: Callable[[], bool] = lambda: True
    """Keeps the rest of the turn at home; returns False if a cloud has part in it already."""
    must_stay_home: bool = False  # what was said is sent to no service outside the home


@dataclass(frozen=True)
class ToolResult:
    """The result of a tool call as text for the model; `has_acted` if something changed in the home or elsewhere."""

    text: str
    has_acted: bool = False
    spoken: str = ""  # the action in words for the person
    refusal: str = ""  # the reason for the person why something was not done
    matches: tuple[Match, ...] = ()
    is_final: bool = False  # the person gets this result; the model is not asked again
    targets: tuple[Entity, ...] = ()  # entities that the action changed
    is_untrusted: bool = False  # a stranger may have written the text
    is_private: bool = False  # the text must not reach a cloud


@dataclass(frozen=True)
class NeedsConfirmation:
    """Outcome: the person has to confirm the commands first."""

    commands: tuple[Command, ...]
    spoken: str = ""  # the actions that needed no confirmation, in words
    targets: tuple[Entity, ...] = ()  # of those actions


@dataclass(frozen=True)
class NeedsReply:
    """Outcome: the person has to answer a question first."""

    text: str = field(repr=False)  # what is said, the question at its end
    question: PendingQuestion
    is_private: bool = False


@dataclass(frozen=True)
class NeedsConductor:
    """Outcome: only the conductor can execute the intent."""

    match: Match


ToolOutcome: TypeAlias = ToolResult | NeedsConfirmation | NeedsReply | NeedsConductor


class Toolset(Protocol):
    def list_tools(self) -> Sequence[Tool]:
        """Return the tools, always in the same order."""
        ...

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        """Execute a tool call. Raises nothing: a failure is a result, in words for the model."""
        ...


class CombinedToolset:
    """Several toolsets as one; the first that has a tool of the name is called. Tools of `hidden` are not listed."""

    def __init__(self, toolsets: Sequence[Toolset], hidden: Toolset | None = None) -> None:
        self._toolsets = toolsets
        self._all = (*toolsets, *([hidden] if hidden else []))

    def list_tools(self) -> Sequence[Tool]:
        return [tool for toolset in self._toolsets for tool in toolset.list_tools()]

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        for toolset in self._all:
            if any(tool.name == call.name for tool in toolset.list_tools()):
                return await toolset.call_tool(call, context)
        names = ", ".join(tool.name for tool in self.list_tools())
        return ToolResult(f"Error: there is no tool {quote(call.name)}; there are: {names}")
