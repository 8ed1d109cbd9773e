"""Player: a queue of audio in front of the speaker, with a callback when each clip has been played."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie_satellite.audio.devices.speakers import NowaitSpeaker, Speaker

_LOG = structlog.get_logger()
P = ParamSpec("P")
BLOCK_SECONDS = 0.05
"""Audio handed to the speaker at a time: playback goes on this long after a stop. Conductors send about as much at a time."""
MAX_QUEUED_SECONDS = 120.0
"""A conductor that sends faster than the speaker plays has to wait beyond this."""


@dataclass(frozen=True)
class _DeferredAudio:
    read: Callable[[], bytes]


@dataclass(frozen=True)
class _EndMarker:
    played: Callable[[], None] | None


class Player:
    """Plays audio in the speaker's format, one clip after the other."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._play_nowait = speaker.play_nowait if isinstance(speaker, NowaitSpeaker) else _refuse_nowait
        self._block = speaker.format.bytes_in(BLOCK_SECONDS)
        self._is_idle = False  # the queue is empty, and `run` waits for more
        self._queue: deque[bytes | _DeferredAudio | _EndMarker] = deque()
        self._queued_bytes = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None
        self._is_failing = False

    @property
    def queue_size(self) -> int:
        """Number of chunks and end markers in the queue."""
        return len(self._queue)

    def play(self, pcm: bytes) -> None:
        """Play whole frames after the queued ones."""
        if self._is_idle and len(pcm) <= self._block and self._play_nowait(pcm):
            return
        self._queued_bytes += len(pcm)
        self._enqueue(pcm)

    def play_deferred(self, read: Callable[[], bytes]) -> None:
        """Play the audio that `read` returns; it is called on a thread when its turn has come."""
        self._enqueue(_DeferredAudio(read))

    def mark_end(self, played: Callable[[], None] | None = None) -> None:
        """Call `played` when everything up to here has been played."""
        self._enqueue(_EndMarker(played))

    def stop(self) -> None:
        """Stop at once and drop the queue."""
        self._is_idle = False  # the speaker has to stop before it plays anything else
        self._queue.clear()
        self._queued_bytes = 0
        self._room.set()
        if self._playing is not None:
            self._playing.cancel()

    @property
    def has_room(self) -> bool:
        """Whether the queue is below its limit."""
        return self._speaker.format.seconds(self._queued_bytes) <= MAX_QUEUED_SECONDS

    async def wait_for_room(self) -> None:
        """Wait while the queue is above its limit."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Play until cancelled."""
        try:
            while True:
                self._playing = asyncio.create_task(self._play_all())
                await asyncio.wait({self._playing})
                if not self._playing.cancelled():
                    self._playing.result()
                await self._call_speaker(self._speaker.stop)
        finally:
            if self._playing is not None:
                self._playing.cancel()
                await asyncio.wait({self._playing})
            await self._speaker.close()

    def _enqueue(self, job: bytes | _DeferredAudio | _EndMarker) -> None:
        self._is_idle = False
        self._queue.append(job)
        self._more.set()

    async def _play_all(self) -> None:
        while True:
            while not self._queue:
                await self._wait()
            match self._queue.popleft():
                case _EndMarker(played):
                    await self._call_speaker(self._speaker.drain)
                    if played is not None:
                        played()
                case _DeferredAudio(read):
                    stored = await asyncio.to_thread(read)
                    self._queued_bytes += len(stored)
                    await self._play(stored)
                case pcm:
                    await self._play(pcm)

    async def _wait(self) -> None:
        self._more.clear()
        self._is_idle = True
        try:
            await self._more.wait()
        finally:
            self._is_idle = False

    async def _play(self, pcm: bytes) -> None:
        for block in _blocks(pcm, self._block):
            await self._call_speaker(self._speaker.play, block)
            self._queued_bytes -= len(block)
        self._room.set()

    async def _call_speaker(self, order: Callable[P, Awaitable[None]], /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await order(*args, **kwargs)
        except (RosieError, OSError) as err:
            if not self._is_failing:  # the audio is lost, the dialogue goes on
                _LOG.warning("speaker failed", reason=str(err))
            self._is_failing = True
        else:
            self._is_failing = self._is_failing and not args


def _refuse_nowait(_: bytes) -> bool:
    return False


def _blocks(pcm: bytes, size: int) -> Iterator[bytes]:
    return (pcm[start : start + size] for start in range(0, len(pcm), size))
