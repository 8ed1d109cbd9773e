"""Button between a line of a GPIO chip and ground, by libgpiod 1.x (Debian 12) or 2.x."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import Any, Protocol

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.integrations.buttons import ButtonDriver, ButtonKey, KeyEvent
from wyoming_rosie_satellite.integrations.buttons.descriptor_events import read_events

CONSUMER = "wyoming-rosie"
BOUNCE = timedelta(milliseconds=20)
DEFAULT_CHIP = "gpiochip0"


def load(address: str) -> ButtonDriver:
    """Create the driver for CHIP:LINE, or for a line of the default chip. Raises ConfigError."""
    chip, _, line = address.rpartition(":")
    if not line.isdecimal():
        raise ConfigError(f"--button gpiod:{address}: write the chip and the line's number, such as gpiod:gpiochip0:17")
    try:
        import gpiod
    except ImportError as err:
        raise ConfigError(f"--button gpiod needs: {install_command(['buttons'])}") from err
    return GpiodButton(gpiod, chip or DEFAULT_CHIP, int(line))


class GpiodButton:
    """Is pressed while its line is connected to ground."""

    def __init__(self, gpiod: Any, chip: str, line: int) -> None:
        requested: Callable[[Any, str, int], _GpioLine] = GpioLineV2 if hasattr(gpiod, "request_lines") else GpioLineV1
        self._open = lambda: requested(gpiod, chip, line)

    async def events(self) -> AsyncGenerator[KeyEvent, None]:
        line = await asyncio.to_thread(self._open)
        try:
            async with aclosing(read_events(line.descriptor, line.read)) as events:
                async for event in events:
                    yield event
        finally:
            line.close()


class _GpioLine(Protocol):
    descriptor: int

    def read(self) -> Iterable[KeyEvent]: ...

    def close(self) -> None: ...


class GpioLineV1:
    """A line of libgpiod 1.x."""

    def __init__(self, gpiod: Any, chip: str, line: int) -> None:
        self._chip = gpiod.Chip(chip)
        self._falling = gpiod.LineEvent.FALLING_EDGE
        self._line = self._chip.get_line(line)
        self._line.request(consumer=CONSUMER, type=gpiod.LINE_REQ_EV_BOTH_EDGES, flags=gpiod.LINE_REQ_FLAG_BIAS_PULL_UP)
        self.descriptor: int = self._line.event_get_fd()

    def read(self) -> Iterable[KeyEvent]:
        return [KeyEvent(ButtonKey.TALK, event.type == self._falling) for event in self._line.event_read_multiple()]

    def close(self) -> None:
        self._line.release()
        self._chip.close()


class GpioLineV2:
    """A line of libgpiod 2.x."""

    def __init__(self, gpiod: Any, chip: str, line: int) -> None:
        settings = gpiod.LineSettings(
            edge_detection=gpiod.line.Edge.BOTH, bias=gpiod.line.Bias.PULL_UP, debounce_period=BOUNCE
        )
        self._falling = gpiod.EdgeEvent.Type.FALLING_EDGE
        self._lines = gpiod.request_lines(f"/dev/{chip}", {line: settings}, consumer=CONSUMER)
        self.descriptor: int = self._lines.fd

    def read(self) -> Iterable[KeyEvent]:
        return [KeyEvent(ButtonKey.TALK, event.event_type is self._falling) for event in self._lines.read_edge_events()]

    def close(self) -> None:
        self._lines.release()
