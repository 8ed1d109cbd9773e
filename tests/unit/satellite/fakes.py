"""Fake devices."""

import asyncio

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_satellite.audio.devices.speakers import Speaker


class RecordingSpeaker(Speaker):
    """Records what it plays; each clip is over at once, or never if `slow`."""

    format = SPEECH

    def __init__(self, *, slow: bool = False) -> None:
        self.played = b""
        self.stopped = 0
        self.closed = False
        self._slow = slow

    async def play(self, pcm: bytes) -> None:
        self.played += pcm
        await asyncio.sleep(3600 if self._slow else 0)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def stop(self) -> None:
        self.stopped += 1

    async def close(self) -> None:
        self.closed = True


class NowaitRecordingSpeaker(RecordingSpeaker):
    """Takes everything without waiting."""

    def play_nowait(self, pcm: bytes) -> bool:
        self.played += pcm
        return True


class BrokenSpeaker(RecordingSpeaker):
    """Fails while `broken`."""

    broken = True

    async def play(self, pcm: bytes) -> None:
        if self.broken:
            raise DeviceError("the speaker is unplugged")
        await super().play(pcm)
