"""LEDs: the protocol of a driver, and the boards in `boards/`, which are imported on use only."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.suggestions import describe_unknown_name
from wyoming_rosie_satellite.integrations.leds import boards

MAX_BRIGHTNESS = 31
Color: TypeAlias = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


class LedDriver(Protocol):
    """LEDs in a row or a ring; all calls come from one thread and may take some milliseconds."""

    @property
    def count(self) -> int: ...

    def show(self, pixels: Sequence[Color]) -> None:
        """Show the colours, the first on the first LED. Raises OSError when the LEDs are gone."""

    def close(self) -> None:
        """Release the LEDs."""


def board_names() -> list[str]:
    """Return the names of the boards; none of them is imported."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(boards.__path__))


def load(name: str, brightness: int) -> LedDriver:
    """Create the driver of a board; `brightness` is 1 to MAX_BRIGHTNESS. Raises ConfigError."""
    if name not in board_names():
        raise ConfigError(f"--leds: {describe_unknown_name('board', name, board_names())}")
    if not 1 <= brightness <= MAX_BRIGHTNESS:
        raise ConfigError(f"--led-brightness must be from 1 to {MAX_BRIGHTNESS}")
    module = import_module(f"{boards.__name__}.{name.replace('-', '_')}")
    return cast(LedDriver, module.load(brightness))
