"""Pieces of audio on their way from an engine's thread to a peer, as they are made."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_tts.engine import Take

PIECES_WAITING = 768
"""At 100 ms each, more than one sentence has. The thread never waits for room, because all peers wait for the thread."""


async def relay(worker: ThreadWorker, make: Callable[[Take], None], give: Callable[[bytes], Awaitable[None]]) -> None:
    """Run `make` in the worker and await `give` for each piece. When cancelled, `make` is told with its next piece.

    Raises what `make` raises, and BadEventError when too many pieces wait for the peer to read.
    """
    pieces = _Pieces(asyncio.get_running_loop())
    made = asyncio.ensure_future(worker.run(make, pieces.put))
    made.add_done_callback(lambda _: pieces.end())
    try:
        while (piece := await pieces.get()) is not None:
            await give(piece)
        await made
        if pieces.overflowed:
            raise BadEventError("the audio was not read as fast as it was made; the rest of it is dropped", "too-slow")
    finally:
        pieces.refuse()
        made.cancel()


class _Pieces:
    """A bounded queue; one thread puts, the event loop gets."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.overflowed = False
        self._loop = loop
        self._ready: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = threading.Semaphore(PIECES_WAITING)
        self._refused = False

    def put(self, piece: bytes) -> bool:
        """Take a piece from the engine's thread; False when nobody wants it."""
        if self._refused:
            return False
        if not self._room.acquire(blocking=False):
            self.overflowed = True
            return False
        self._loop.call_soon_threadsafe(self._ready.put_nowait, piece)
        return True

    def end(self) -> None:
        self._ready.put_nowait(None)

    async def get(self) -> bytes | None:
        piece = await self._ready.get()
        self._room.release()
        return piece

    def refuse(self) -> None:
        self._refused = True
