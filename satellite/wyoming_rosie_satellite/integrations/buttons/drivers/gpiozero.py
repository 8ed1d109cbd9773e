"""Button between a pin of the Raspberry Pi and ground, by gpiozero."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.integrations.buttons import MAX_QUEUED_EVENTS, ButtonDriver, ButtonKey, KeyEvent

BOUNCE_SECONDS = 0.02


def load(address: str) -> ButtonDriver:
    """Create the driver for a pin's number. Raises ConfigError."""
    if not address.isdecimal():
        raise ConfigError(f"--button gpiozero:{address}: write the pin's number, such as gpiozero:17")
    try:
        import gpiozero
    except ImportError as err:
        raise ConfigError(f"--button gpiozero needs: {install_command(['respeaker'])}") from err
    return GpiozeroButton(gpiozero, int(address))


class GpiozeroButton:
    """Is pressed while its pin is connected to ground."""

    def __init__(self, gpiozero: Any, pin: int) -> None:
        self._gpiozero = gpiozero
        self._pin = pin

    async def events(self) -> AsyncGenerator[KeyEvent, None]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[KeyEvent] = asyncio.Queue(MAX_QUEUED_EVENTS)

        def put(event: KeyEvent) -> None:
            if not queue.full():
                queue.put_nowait(event)

        button = await asyncio.to_thread(self._open)
        try:
            # gpiozero calls these on its own thread.
            button.when_pressed = lambda: loop.call_soon_threadsafe(put, KeyEvent(ButtonKey.TALK, is_down=True))
            button.when_released = lambda: loop.call_soon_threadsafe(put, KeyEvent(ButtonKey.TALK, is_down=False))
            while True:
                yield await queue.get()
        finally:
            button.close()

    def _open(self) -> Any:
        try:
            return self._gpiozero.Button(self._pin, bounce_time=BOUNCE_SECONDS)
        except self._gpiozero.GPIOZeroError as err:
            raise DeviceError(f"cannot use GPIO {self._pin}: {err}") from err
