"""Outbox: a bounded queue of items for one peer, sent in order by one task."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeAlias, TypeVar

import structlog

_LOG = structlog.get_logger()
MAX_PENDING = 512
T = TypeVar("T")
SendItem: TypeAlias = Callable[[T], Awaitable[None]]


class Outbox(Generic[T]):
    """Queues items without waiting. Once `max_pending` of them wait, the peer does not read, and new ones are dropped.

    The owner either awaits `run`, or calls `start` and `close` for a task of the outbox's own.
    """

    def __init__(self, max_pending: int = MAX_PENDING) -> None:
        self.dropped = 0
        self._pending: asyncio.Queue[T] = asyncio.Queue(max_pending)
        self._unsent = 0
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_idle(self) -> bool:
        """Whether no item is queued or being sent, so that one sent past the outbox overtakes none."""
        return not self._unsent

    def try_put(self, item: T) -> bool:
        """Queue an item; return False for one that is dropped, and count it."""
        if self._is_closed or self._pending.full():
            self.dropped += 1
            return False
        self._pending.put_nowait(item)
        self._unsent += 1
        return True

    def put(self, item: T) -> None:
        """Queue an item; log the first that is dropped because the peer does not read."""
        if not self.try_put(item) and not self._is_closed and self.dropped == 1:
            _LOG.warning("peer does not read; events for it are dropped")

    def clear(self) -> None:
        """Drop the items that wait."""
        while not self._pending.empty():
            self._pending.get_nowait()
            self._mark_done()

    async def flush(self) -> None:
        """Wait until every item was sent or dropped; `send` must have a timeout of its own."""
        await self._pending.join()

    async def run(self, send: SendItem[T]) -> None:
        """Send the items until cancelled, or closed while one is sent. Raises what `send` raises, and drops the rest."""
        try:
            while not self._is_closed:
                item = await self._pending.get()
                try:
                    await send(item)
                finally:
                    self._mark_done()
        finally:
            self.clear()

    def start(self, send: SendItem[T]) -> None:
        """Send the items in a task of its own, until `close` or a ConnectionError; does nothing the second time."""
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run_until_disconnect(send))

    def close(self) -> None:
        """Stop sending, and drop new items."""
        self._is_closed = True
        task, self._task = self._task, None  # a finished task would keep the owner in a reference cycle
        if task is not None:
            task.cancel()
        self.clear()

    async def _run_until_disconnect(self, send: SendItem[T]) -> None:
        with suppress(ConnectionError):  # the connection's own task ends the handler
            await self.run(send)
        self._is_closed = True

    def _mark_done(self) -> None:
        self._unsent -= 1
        self._pending.task_done()
