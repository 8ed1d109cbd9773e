"""What is found in a stream, told to its peer by a task of its own, beside the audio that goes on coming."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import structlog

_LOG = structlog.get_logger()
MAX_PENDING = 200
"""Findings that a peer has not read yet; more are forgotten."""
F = TypeVar("F")


class Outbox(Generic[F]):
    """Findings on their way to a peer, in order."""

    def __init__(self, tell: Callable[[F], Awaitable[None]]) -> None:
        self._send = tell
        self._pending: asyncio.Queue[F] = asyncio.Queue(MAX_PENDING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell, if that has not begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._send_all())

    def put(self, found: Sequence[F]) -> None:
        """Have findings told soon."""
        for one in found:
            if self._pending.full():
                _LOG.warning("a finding was forgotten: the peer does not read")
                return
            self._pending.put_nowait(one)

    async def flush(self) -> None:
        """Wait until everything was told; sending has a time limit of its own."""
        await self._pending.join()

    def close(self) -> None:
        """Tell nothing more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._send = _ignore

    async def _send_all(self) -> None:
        tell = self._send
        with suppress(ConnectionError):  # the peer is gone, and so will be its conversation
            while True:
                await tell(await self._pending.get())
                self._pending.task_done()


async def _ignore(_: object) -> None: ...
