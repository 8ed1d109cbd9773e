"""What a person hears of an answer, part by part."""

from dataclasses import dataclass, field
from typing import TypeAlias

from wyoming_rosie_intent.engine import Command, Match


@dataclass(frozen=True)
class Said:
    """The next clause of the answer; the clauses together are the text."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Filler:
    """A few words while nothing is said yet; no part of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Finished:
    """The answer's end: all of it, what was done, and whether it was a question."""

    text: str = field(repr=False)
    matches: tuple[Match, ...] = ()
    expects_reply: bool = False
    offer: str = ""  # the question whether to go on, where there is more to say


@dataclass(frozen=True)
class Asked:
    """The answer's end: a question that waits for a yes; the commands are carried out after it."""

    text: str = field(repr=False)
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class Passed:
    """The answer's end, before anything was said: the conductor is to act."""

    matches: tuple[Match, ...]


@dataclass(frozen=True)
class Failed:
    """The answer's end: a sentence that says what went wrong."""

    text: str = field(repr=False)


Part: TypeAlias = Said | Filler | Finished | Asked | Passed | Failed
