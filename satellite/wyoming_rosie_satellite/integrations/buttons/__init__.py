"""Buttons: the protocol of a driver, and the drivers in `drivers/`, which are imported on use only."""

import pkgutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie_satellite.integrations.buttons import drivers

MAX_QUEUED_EVENTS = 32


class ButtonKey(StrEnum):
    TALK = "talk"
    MUTE = "mute"
    LOUDER = "louder"
    SOFTER = "softer"


@dataclass(frozen=True)
class KeyEvent:
    """A key that was pressed or released."""

    key: ButtonKey
    is_down: bool


class ButtonDriver(Protocol):
    """One button or several."""

    def events(self) -> AsyncGenerator[KeyEvent, None]:
        """Yield each key event as it happens. Raises DeviceError or OSError when the buttons are gone."""


def driver_names() -> list[str]:
    """Return the names of the drivers; none of them is imported."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(drivers.__path__))


def load(option: str) -> ButtonDriver:
    """Create the driver of `NAME` or `NAME:ADDRESS`, such as gpiozero:17. Raises ConfigError."""
    name, _, address = option.partition(":")
    if name not in driver_names():
        raise ConfigError(
            f"--button: {describe_unknown_name('driver', name, driver_names())}; write DRIVER:ADDRESS, such as gpiozero:17"
        )
    module = import_module(f"{drivers.__name__}.{name.replace('-', '_')}")
    return cast(ButtonDriver, module.load(address))
