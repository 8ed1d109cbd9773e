"""What a model can do, whoever does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from wyoming_rosie.home.model import Area, Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.llm.model import Tool, ToolCall


@dataclass(frozen=True)
class Setting:
    """Who a tool is used for: where, when (the wall clock) and in which language they spoke."""

    area: Area | None
    moment: datetime
    speaker: str | None = None
    language: str = "en"
    text: str = field(default="", repr=False)  # what they said


@dataclass(frozen=True)
class Result:
    """What came of a call, as the model is told; `acted` when something was done in the home or elsewhere."""

    text: str
    acted: bool = False
    said: str = ""  # what was done, as a person is told
    refused: str = ""  # what may not or cannot be done, as a person is told
    matches: tuple[Match, ...] = ()
    ends: bool = False  # the person is told as much, and the model is not asked again
    targets: tuple[Entity, ...] = ()  # the things that were acted on


@dataclass(frozen=True)
class NeedsYes:
    """The person is asked first."""

    commands: tuple[Command, ...]
    said: str = ""  # what was done without asking
    targets: tuple[Entity, ...] = ()  # of that


@dataclass(frozen=True)
class ForConductor:
    """Only the conductor can do it."""

    match: Match


Outcome: TypeAlias = Result | NeedsYes | ForConductor


class Toolbox(Protocol):
    def tools(self) -> Sequence[Tool]:
        """Return the tools there are now, always in the same order."""
        ...

    async def use(self, call: ToolCall, setting: Setting) -> Outcome:
        """Do what a model asked for. Never raises: what went wrong is a result, in words for the model."""
        ...
