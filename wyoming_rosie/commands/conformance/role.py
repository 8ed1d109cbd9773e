"""What a program is for, as far as checks go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.commands.conformance.outcome import Check
from wyoming_rosie.commands.conformance.target import Target


@dataclass(frozen=True)
class Role:
    """`request` makes the events of one ordinary request, one of `answers` ends it."""

    request: Callable[[Target], Sequence[Event]]
    answers: tuple[str, ...]
    checks: tuple[Check, ...]
