"""The buttons of a USB speakerphone or headset: mute, volume and the one to talk, through evdev."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.audio.errors import DeviceError
from wyoming_rosie_satellite.integrations.buttons import Buttons, Key, Move
from wyoming_rosie_satellite.integrations.buttons.readable import moves_of

UP, DOWN, HELD = 0, 1, 2


def load(where: str) -> Buttons:
    """Return the buttons of the first device with such keys whose name contains `where`. Raises ConfigError."""
    try:
        import evdev
    except ImportError as err:
        raise ConfigError(f"--button usb needs: {install_command(['buttons'])}") from err
    return UsbButtons(evdev, where)


class UsbButtons:
    """A key that is held makes it louder or softer step by step."""

    def __init__(self, evdev: Any, name: str) -> None:
        self._evdev = evdev
        self._name = name
        codes = evdev.ecodes
        self._keys = {
            codes.KEY_MUTE: Key.MUTE,
            codes.KEY_MICMUTE: Key.MUTE,
            codes.KEY_VOLUMEUP: Key.LOUDER,
            codes.KEY_VOLUMEDOWN: Key.SOFTER,
            codes.KEY_PLAYPAUSE: Key.TALK,
            codes.KEY_PHONE: Key.TALK,
        }

    async def moves(self) -> AsyncGenerator[Move, None]:
        device = await asyncio.to_thread(self._found)
        try:
            async with aclosing(moves_of(device.fd, lambda: self._read(device))) as moves:
                async for move in moves:
                    yield move
        finally:
            device.close()

    def _read(self, device: Any) -> Iterator[Move]:
        for event in device.read():
            key = self._keys.get(event.code) if event.type == self._evdev.ecodes.EV_KEY else None
            if key is not None and (event.value in (UP, DOWN) or key in (Key.LOUDER, Key.SOFTER)):
                yield Move(key, event.value != UP)

    def _found(self) -> Any:
        for path in self._evdev.list_devices():
            device = self._evdev.InputDevice(path)
            keys = device.capabilities().get(self._evdev.ecodes.EV_KEY, [])
            if self._name.casefold() in device.name.casefold() and not self._keys.keys().isdisjoint(keys):
                return device
            device.close()
        named = f" named '{self._name}'" if self._name else ""
        raise DeviceError(f"no USB buttons{named} are there; may this user read /dev/input (group input)?")
