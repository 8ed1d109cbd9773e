"""Buttons, one file for each way to reach them; nothing is imported before one is chosen."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from wyoming_rosie.errors import ConfigError

NAMES = ("gpiozero", "gpiod", "usb")
MOVES_WAITING = 32


class Key(StrEnum):
    TALK = "talk"
    MUTE = "mute"
    LOUDER = "louder"
    SOFTER = "softer"


@dataclass(frozen=True)
class Move:
    """A key that went down or came up."""

    key: Key
    is_down: bool


class Buttons(Protocol):
    """One button or several."""

    def moves(self) -> AsyncGenerator[Move, None]:
        """Yield each move as it happens. Raises DeviceError or OSError when the buttons are gone."""


def load(written: str) -> Buttons:
    """Return the buttons of `NAME` or `NAME:WHERE`, such as gpiozero:17. Raises ConfigError for what cannot be had."""
    name, _, where = written.partition(":")
    if name not in NAMES:
        raise ConfigError(f"--button: '{written}' is none; write gpiozero:PIN, gpiod:CHIP:LINE or usb:NAME")
    return cast(Buttons, import_module(f"{__name__}.{name}").load(where))
