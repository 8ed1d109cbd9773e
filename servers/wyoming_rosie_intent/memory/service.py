"""The memory of the daemon: an asynchronous shell over a store, which turns never wait for and never fail by."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeAlias, TypeVar

import structlog

from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_intent.memory.model import (
    CURRENT,
    FoundMemory,
    MemoryFilter,
    MemoryRecord,
    MemoryScope,
    MemoryStats,
    MemoryStore,
    MemoryStoreError,
    is_forgettable,
)

P = ParamSpec("P")
T = TypeVar("T")
OpenStore: TypeAlias = Callable[[], MemoryStore]
_LOG = structlog.get_logger()
MAX_PENDING = 100
"""Records that wait for a store that is away; more drop the oldest."""
SEARCH_SECONDS = 1.0
"""Longest wait of a turn for its memories; without them it goes on."""
CALL_SECONDS = 60.0
NOT_OPEN = "the memory is not open yet"


class MemoryService:
    """Remembers without waiting, and searches without failing; what changes memories tells its caller of failures."""

    def __init__(self, open_store: OpenStore) -> None:
        self._open_store = open_store
        self._store: MemoryStore | None = None
        self._writer = ThreadWorker("memory-writer")
        self._reader = ThreadWorker("memory-reader")
        self._pending: deque[MemoryRecord] = deque(maxlen=MAX_PENDING)
        self._changed = asyncio.Event()
        self._problem: str | None = NOT_OPEN
        self._reported: str | None = NOT_OPEN

    @property
    def problem(self) -> str | None:
        """Return the reason why the memory does not work now, None when it does."""
        return self._problem

    def take_new_problem(self) -> str | None:
        """Return the present problem once, so that it is spoken once."""
        problem, self._reported = self._problem if self._problem != self._reported else None, self._problem
        return problem

    def remember(self, *records: MemoryRecord) -> None:
        """Store records as soon as possible; never blocks, never raises."""
        self._pending.extend(records)
        self._changed.set()

    async def run(self) -> None:
        """Open the store and write what is remembered until cancelled, then what is left."""
        backoff = Backoff()
        try:
            while True:
                if await self._flush():
                    backoff.reset()
                    await self._changed.wait()
                else:
                    await backoff.sleep()
        finally:
            await self._close()

    async def search(
        self, text: str, scope: MemoryScope, now: float, where: MemoryFilter = CURRENT, limit: int = 5
    ) -> list[FoundMemory]:
        """Return what is near enough to a text, best first; nothing while the memory does not work."""
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                return await self._read(lambda store: store.search(text, scope, now, where, limit))
        except (MemoryStoreError, TimeoutError) as err:
            _LOG.warning("memory not searched", reason=str(err) or "it took too long")
            return []

    async def add(self, records: Sequence[MemoryRecord]) -> None:
        """Store records and wait for it: documents, imports. Raises MemoryStoreError."""
        await self._write(lambda store: store.add(records))

    async def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        """Return records, newest first. Raises MemoryStoreError."""
        return await self._read(lambda store: store.find(scope, where, limit, before))

    async def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        """Add and remove tags; return how many records were meant. Raises MemoryStoreError."""
        return await self._write(lambda store: store.tag(scope, where, add, remove))

    async def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        """Erase records, also those that were not written yet; return how many. Raises MemoryStoreError."""
        meant = [record for record in self._pending if where.matches(record) and is_forgettable(record, scope)]
        for record in meant:
            self._pending.remove(record)
        return len(meant) + await self._write(lambda store: store.forget(scope, where))

    async def stats(self) -> MemoryStats:
        """Return counts and sizes. Raises MemoryStoreError."""
        return await self._read(lambda store: store.stats())

    async def _read(self, call: Callable[[MemoryStore], T]) -> T:
        return await self._call(self._reader, call)

    async def _write(self, call: Callable[[MemoryStore], T]) -> T:
        return await self._call(self._writer, call)

    async def _call(self, worker: ThreadWorker, call: Callable[[MemoryStore], T]) -> T:
        if self._store is None:
            raise MemoryStoreError(self._problem or NOT_OPEN)
        async with asyncio.timeout(CALL_SECONDS):
            return await worker.run(call, self._store)

    async def _flush(self) -> bool:
        """Open the store if it is not, and write what waits; return whether that worked."""
        self._changed.clear()
        waiting = tuple(self._pending)
        try:
            if self._store is None:
                self._store = await self._writer.run(self._open_store)
            if waiting:
                await self._write(lambda store: store.add(waiting))
        except (MemoryStoreError, TimeoutError) as err:
            self._note_problem(str(err))
            return False
        self._note_problem(None)
        for record in waiting:
            if record in self._pending:
                self._pending.remove(record)
        return True

    def _note_problem(self, problem: str | None) -> None:
        if problem != self._problem and problem is not None:
            _LOG.error("memory does not work", reason=problem)
        elif problem is None and self._problem not in {None, NOT_OPEN}:
            _LOG.info("memory works again")
        self._problem = problem

    async def _close(self) -> None:
        if self._pending:
            await self._flush()
        if self._store is not None:
            await self._writer.run(self._store.close)
        self._writer.close()
        self._reader.close()
