"""Toolsets: tools that a language model can call, wherever they come from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from wyoming_rosie.home.model import Area, Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.prompts.prompt import quote


@dataclass(frozen=True)
class ToolContext:
    """Who a tool is used for: where, when (the wall clock) and in which language they spoke."""

    area: Area | None
    moment: datetime
    speaker: str | None = None
    language: str = "en"
    text: str = field(default="", repr=False)  # what they said


@dataclass(frozen=True)
class ToolResult:
    """What came of a call, as the model is told; `acted` when something was done in the home or elsewhere."""

    text: str
    has_acted: bool = False
    spoken: str = ""  # what was done, as a person is told
    refusal: str = ""  # what may not or cannot be done, as a person is told
    matches: tuple[Match, ...] = ()
    is_final: bool = False  # the person is told as much, and the model is not asked again
    targets: tuple[Entity, ...] = ()  # the things that were acted on


@dataclass(frozen=True)
class NeedsConfirmation:
    """The person is asked first."""

    commands: tuple[Command, ...]
    spoken: str = ""  # what was done without asking
    targets: tuple[Entity, ...] = ()  # of that


@dataclass(frozen=True)
class NeedsConductor:
    """Only the conductor can do it."""

    match: Match


ToolOutcome: TypeAlias = ToolResult | NeedsConfirmation | NeedsConductor


class Toolset(Protocol):
    def list_tools(self) -> Sequence[Tool]:
        """Return the tools there are now, always in the same order."""
        ...

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolOutcome:
        """Do what a model asked for. Never raises: what went wrong is a result, in words for the model."""
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
