"""Streams whose audio comes at about the same time are heard together: a thread's turn costs more than a frame."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_vad.engine import VadEngine
from wyoming_rosie_vad.findings import Finding
from wyoming_rosie_vad.segmenter import Rules
from wyoming_rosie_vad.stream import VadStream, hear

GATHER_SECONDS = 0.016
"""How long the first to come waits for the others: half a frame."""
ENOUGH_FRAMES = 16
"""So many are worth a turn at once."""
Heard: TypeAlias = asyncio.Future[list[Finding]]
Found: TypeAlias = list[list[Finding]] | Exception
Pieces: TypeAlias = tuple[tuple[VadStream, bytes], ...]


class Together:
    """The streams of all peers, the engine that hears them, and the thread in which it does."""

    def __init__(self, engine: VadEngine[Any], worker: ThreadWorker, rules: Rules) -> None:
        self.frame_bytes = engine.frame_bytes
        self._engine = engine
        self._worker = worker
        self._rules = rules
        self._open = 0
        self._pieces: list[tuple[VadStream, bytes]] = []
        self._heard: list[Heard] = []
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> VadStream:
        """Begin a stream, which must be ended."""
        stream = VadStream(self._engine, self._rules)
        self._open += 1
        return stream

    async def end(self, stream: VadStream) -> None:
        """Let go of the stream."""
        self._open -= 1
        await self._worker.run(stream.close)

    async def hear(self, stream: VadStream, pcm: bytes) -> list[Finding]:
        """Return what is found in the stream's next whole frames; only then it may bring more."""
        loop = asyncio.get_running_loop()
        heard: Heard = loop.create_future()
        self._pieces.append((stream, pcm))
        self._heard.append(heard)
        self._bytes += len(pcm)
        if len(self._pieces) >= self._open or self._bytes >= ENOUGH_FRAMES * self.frame_bytes:
            self._take_turn()
        elif self._timer is None:
            self._timer = loop.call_later(GATHER_SECONDS, self._take_turn)
        return await heard

    def _take_turn(self) -> None:
        """Have the engine hear what has come, except from peers that have left meanwhile."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wanted = [(piece, heard) for piece, heard in zip(self._pieces, self._heard, strict=True) if not heard.done()]
        self._pieces, self._heard, self._bytes = [], [], 0
        if wanted:
            pieces, heard = zip(*wanted, strict=True)
            self._worker.begin(partial(self._hear, asyncio.get_running_loop(), pieces, heard))

    def _hear(self, loop: asyncio.AbstractEventLoop, pieces: Pieces, heard: tuple[Heard, ...]) -> None:
        """Run in the engine's thread."""
        found: Found
        try:
            found = hear(self._engine, pieces)
        except Exception as err:  # noqa: BLE001 - whatever went wrong, every peer that waits must learn of it
            found = err
        with suppress(RuntimeError):  # the daemon has ended meanwhile
            loop.call_soon_threadsafe(lambda: _tell(heard, found))


def _tell(heard: tuple[Heard, ...], found: Found) -> None:
    for number, one in enumerate(heard):
        if one.done():  # its peer has left
            continue
        if isinstance(found, Exception):
            one.set_exception(found)
        else:
            one.set_result(found[number])
