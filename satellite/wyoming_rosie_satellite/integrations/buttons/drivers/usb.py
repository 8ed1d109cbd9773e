"""Buttons of a USB speakerphone or headset, by evdev: mute, volume and talk."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.integrations.buttons import ButtonDriver, ButtonKey, KeyEvent
from wyoming_rosie_satellite.integrations.buttons.descriptor_events import read_events

UP, DOWN, HELD = 0, 1, 2


def load(address: str) -> ButtonDriver:
    """Create the driver for the first device with such keys whose name contains `address`. Raises ConfigError."""
    try:
        import evdev
    except ImportError as err:
        raise ConfigError(f"--button usb needs: {install_command(['buttons'])}") from err
    return UsbButtons(evdev, address)


class UsbButtons:
    """The keys of one device; a volume key that is held repeats."""

    def __init__(self, evdev: Any, name: str) -> None:
        self._evdev = evdev
        self._name = name
        codes = evdev.ecodes
        self._keys = {
            codes.KEY_MUTE: ButtonKey.MUTE,
            codes.KEY_MICMUTE: ButtonKey.MUTE,
            codes.KEY_VOLUMEUP: ButtonKey.LOUDER,
            codes.KEY_VOLUMEDOWN: ButtonKey.SOFTER,
            codes.KEY_PLAYPAUSE: ButtonKey.TALK,
            codes.KEY_PHONE: ButtonKey.TALK,
        }

    async def events(self) -> AsyncGenerator[KeyEvent, None]:
        device = await asyncio.to_thread(self._find_device)
        try:
            async with aclosing(read_events(device.fd, lambda: self._read(device))) as events:
                async for event in events:
                    yield event
        finally:
            device.close()

    def _read(self, device: Any) -> Iterator[KeyEvent]:
        for event in device.read():
            key = self._keys.get(event.code) if event.type == self._evdev.ecodes.EV_KEY else None
            if key is not None and (event.value in (UP, DOWN) or key in (ButtonKey.LOUDER, ButtonKey.SOFTER)):
                yield KeyEvent(key, event.value != UP)

    def _find_device(self) -> Any:
        for path in self._evdev.list_devices():
            device = self._evdev.InputDevice(path)
            keys = device.capabilities().get(self._evdev.ecodes.EV_KEY, [])
            if self._name.casefold() in device.name.casefold() and not self._keys.keys().isdisjoint(keys):
                return device
            device.close()
        named = f" named '{self._name}'" if self._name else ""
        raise DeviceError(f"no USB buttons{named} are there; may this user read /dev/input (group input)?")
