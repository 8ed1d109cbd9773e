"""Lights, one file for each kind of board; nothing is imported before one is chosen."""

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from wyoming_rosie.errors import ConfigError

NAMES = ("respeaker-2mic", "respeaker-4mic")
BRIGHTEST = 31
Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


class Leds(Protocol):
    """Some lights in a row or a ring; all calls come from one thread and may take some milliseconds."""

    @property
    def count(self) -> int: ...

    def show(self, pixels: Sequence[Colour]) -> None:
        """Light them, the first colour on the first. Raises OSError when they are gone."""

    def close(self) -> None:
        """Let go of them."""


def load(name: str, brightness: int) -> Leds:
    """Return the lights of a board, 1 to BRIGHTEST bright. Raises ConfigError for what cannot be had."""
    if name not in NAMES:
        raise ConfigError(f"--leds: there are no lights named '{name}'; there are: {', '.join(NAMES)}")
    if not 1 <= brightness <= BRIGHTEST:
        raise ConfigError(f"--led-brightness must be from 1 to {BRIGHTEST}")
    return cast(Leds, import_module(f"{__name__}.{name.replace('-', '_')}").load(brightness))
