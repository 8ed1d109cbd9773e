"""Music mixer: a speaker that plays music under everything else, turned down while the satellite listens or speaks."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from wyoming_rosie.audio.formats import AudioFormat, Converter
from wyoming_rosie.errors import RosieError
from wyoming_rosie_satellite.audio.devices.speakers import NowaitSpeaker, Speaker
from wyoming_rosie_satellite.audio.ducking import Ducking
from wyoming_rosie_satellite.audio.volume import MAX_PERCENT, Volume

_LOG = structlog.get_logger()
BLOCK_SECONDS = 0.05
MAX_BUFFERED_SECONDS = 2.0
DUCKED_PERCENT = 30.0
"""Volume of ducked music, 21 dB less: as a voice in the same room, it does not keep anybody from being understood."""


class MusicMixer:
    """Another speaker, to which `queue_music` adds music. It is ducked as a `Ducking`."""

    def __init__(self, speaker: Speaker) -> None:
        self.format = speaker.format
        self._speaker = speaker
        self._play_nowait = speaker.play_nowait if isinstance(speaker, NowaitSpeaker) else None
        self._volume = Volume(speaker.format)
        self._music: deque[bytes] = deque()
        self._music_bytes = 0
        self._is_paused = False
        self._is_speaking = False  # something else than music is played
        self._lock = asyncio.Lock()  # of the speaker
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    # Music

    async def queue_music(self, pcm: bytes) -> None:
        """Add whole frames; wait while enough is buffered."""
        while self.format.seconds(self._music_bytes) > MAX_BUFFERED_SECONDS:
            self._taken.clear()
            await self._taken.wait()
        self._music.append(pcm)
        self._music_bytes += len(pcm)
        self._changed.set()

    async def drain_music(self) -> None:
        """Wait until all music has been played."""
        while self._music:
            self._taken.clear()
            await self._taken.wait()
        async with self._lock:
            if not self._is_speaking:
                await self._speaker.drain()

    def clear_music(self) -> None:
        self._music.clear()
        self._music_bytes = 0
        self._taken.set()

    def pause_music(self, *, paused: bool) -> None:
        self._is_paused = paused
        self._changed.set()

    def set_active(self, *, active: bool) -> None:
        self._volume.set_percent(DUCKED_PERCENT if active else MAX_PERCENT)

    async def run(self) -> None:
        """Play music while nothing else is played, until cancelled."""
        while True:
            if not self._music or self._is_paused or self._is_speaking:
                self._changed.clear()
                await self._changed.wait()
                continue
            async with self._lock:
                await self._play_music()

    async def _play_music(self) -> None:
        block = self._take_music(self.format.bytes_in(BLOCK_SECONDS))
        try:
            await self._speaker.play(block)
        except (RosieError, OSError) as err:
            _LOG.warning("speaker failed", reason=str(err))
            self.clear_music()

    def _take_music(self, size: int) -> bytes:
        """Take up to so many bytes of music off the buffer, at the present volume."""
        taken = bytearray()
        while self._music and len(taken) < size and not self._is_paused:
            first = self._music.popleft()
            room = size - len(taken)
            taken += first[:room]
            if len(first) > room:
                self._music.appendleft(first[room:])
        self._music_bytes -= len(taken)
        self._taken.set()
        return self._volume.apply(bytes(taken)) if taken else b""

    # Speaker

    def play_nowait(self, pcm: bytes) -> bool:
        if self._music or self._lock.locked() or self._play_nowait is None or not self._play_nowait(pcm):
            return False
        self._is_speaking = True
        return True

    async def play(self, pcm: bytes) -> None:
        self._is_speaking = True
        async with self._lock:
            await self._speaker.play(mix(pcm, self._take_music(len(pcm)), self.format))

    async def drain(self) -> None:
        async with self._lock:
            await self._speaker.drain()
        self._end_speaking()

    async def stop(self) -> None:
        async with self._lock:
            await self._speaker.stop()
        self._end_speaking()

    async def close(self) -> None:
        async with self._lock:
            await self._speaker.close()

    def _end_speaking(self) -> None:
        self._is_speaking = False
        self._changed.set()


class DuckingGroup:
    """Several duckings as one."""

    def __init__(self, duckings: Sequence[Ducking]) -> None:
        self._duckings = duckings

    def set_active(self, *, active: bool) -> None:
        for ducking in self._duckings:
            ducking.set_active(active=active)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for ducking in self._duckings:
                tasks.create_task(ducking.run())


def mix(first: bytes, second: bytes, audio: AudioFormat) -> bytes:
    """Return the sum of two pieces of PCM, clipped; it is as long as the first, the second may be shorter."""
    if not second:
        return first
    import numpy as np

    whole = AudioFormat(audio.rate, 4 if audio.width == 3 else audio.width, audio.channels)
    widen, narrow = Converter(audio, whole), Converter(whole, audio)
    kind = np.dtype(f"<i{whole.width}")
    limits = np.iinfo(kind)
    total = np.frombuffer(widen.convert(first), kind).astype(np.int64)
    added = np.frombuffer(widen.convert(second), kind)
    total[: len(added)] += added
    return narrow.convert(np.clip(total, limits.min, limits.max).astype(kind).tobytes())
