"""The memory of the daemon: an asynchronous shell over a store, which turns never wait for and never fail by."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_intent.memory import transfer
from wyoming_rosie_intent.memory.calls import add_corrected, add_derived, run_on, translated_errors
from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    CURRENT,
    CorruptMemoryError,
    FoundMemory,
    MemoryFilter,
    MemoryRecord,
    MemoryScope,
    MemoryStats,
    MemoryStore,
    MemoryStoreError,
    ReplacedMemoryError,
    is_forgettable,
    normalize_text,
)
from wyoming_rosie_intent.memory.problems import NOT_OPEN, MemoryProblems
from wyoming_rosie_intent.memory.retention import EARLIEST, expiry, is_storable

T = TypeVar("T")
LoadEmbedding: TypeAlias = Callable[[], EmbeddingModel | None]
OpenStore: TypeAlias = Callable[[EmbeddingModel | None], MemoryStore]
_LOG = structlog.get_logger()
MAX_PENDING = 100
"""Records that wait for a store that is away; more drop the oldest."""
SEARCH_SECONDS = 1.0
"""Longest wait of a turn for its memories; without them it goes on."""
OPENING_SECONDS = 10.0
"""Longest wait of what is no turn for the first opening of the store."""
MAX_REPLACEMENTS = 5
"""Files that a call follows, one after the other."""
MAX_QUERY_CHARACTERS = 2_000
EXPIRY_SECONDS = 3600.0
"""Time between two looks for talk that is too old."""
MAX_EMBEDDING_PAUSE_SECONDS = 300.0


class MemoryService:
    """Remembers without waiting, and searches without failing; what changes memories tells its caller of failures."""

    def __init__(
        self,
        open_store: OpenStore,
        load_embedding: LoadEmbedding = lambda: None,
        keep_days: float = 30.0,
        clock: Callable[[], float] = lambda: EARLIEST,
    ) -> None:
        self._open_store = open_store
        self._load_embedding = load_embedding
        self._keep_days = keep_days
        self._clock = clock
        self._store: MemoryStore | None = None
        self._replaced: list[MemoryStore] = []  # whose files are there no more; to be closed
        self._reopening = asyncio.Lock()
        self._model: EmbeddingModel | None = None
        self._writer = ThreadWorker("memory-writer")
        self._reader = ThreadWorker("memory-reader", is_background=False)  # a turn waits for it
        self._embedder = ThreadWorker("memory-embedder")
        self._copier = ThreadWorker("memory-copier")  # what reads all memories, and would hold up a turn's search
        self._pending: deque[MemoryRecord] = deque(maxlen=MAX_PENDING)
        self._changed = asyncio.Event()
        self._written = asyncio.Event()
        self._was_opened = asyncio.Event()  # or could not be
        self._problems = MemoryProblems()
        self._next_expiry = 0.0

    @property
    def problem(self) -> str | None:
        """The reason why the memory does not work now, None when it does."""
        return self._problems.store

    @property
    def waiting(self) -> int:
        """The number of records that are not written yet."""
        return len(self._pending)

    @property
    def embedding_problem(self) -> str | None:
        """The reason why memories are found by their words only for now, None when they are not."""
        return self._problems.embedding

    def take_new_problem(self) -> str | None:
        """Return a problem once, so that it is spoken once, also if it is over by now."""
        return self._problems.take_unspoken()

    def remember(self, *records: MemoryRecord) -> bool:
        """Store records as soon as possible; never blocks. Return whether all may be stored: codes never are."""
        storable = [record for record in records if is_storable(record, self._keep_days)]
        self._pending.extend(storable)
        self._changed.set()
        return len(storable) == len(records)

    async def run(self) -> None:
        """Write what is remembered, and prepare it for searches, until cancelled; then write what is left."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_all())
                tasks.create_task(self._embed_all())
        finally:
            await self._close()

    async def search(
        self,
        text: str,
        scope: MemoryScope,
        now: float,
        where: MemoryFilter = CURRENT,
        limit: int = 5,
        language: str | None = None,
    ) -> list[FoundMemory]:
        """Return what is near enough to a text, best first; nothing while the memory does not work."""
        text = normalize_text(text)[:MAX_QUERY_CHARACTERS]
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                return await self._call(
                    self._reader, lambda store: store.search(text, scope, now, where, limit, language)
                )
        except (MemoryStoreError, TimeoutError) as err:
            _LOG.warning("memory not searched", reason=str(err) or "it takes too long")
            return []

    async def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        """Return records, newest first. Raises MemoryStoreError."""
        return await self._read(lambda store: store.find(scope, where, limit, before))

    async def add(self, records: Sequence[MemoryRecord]) -> int:
        """Store records and wait for it: documents, imports; return how many may be. Raises MemoryStoreError."""
        storable = [record for record in records if is_storable(record, self._keep_days)]
        await self._write(lambda store: store.add(storable))
        self._written.set()
        return len(storable)

    async def add_derived(self, records: Sequence[MemoryRecord]) -> int:
        """Store facts that were found in talk, unless it was forgotten meanwhile; return how many. Raises MemoryStoreError."""
        storable = [record for record in records if is_storable(record, self._keep_days)]
        stored = await self._write(lambda store: add_derived(store, storable))
        self._written.set()
        return stored

    async def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        """Add and remove tags; return how many records were meant. Raises MemoryStoreError."""
        return await self._write(lambda store: store.tag(scope, where, add, remove))

    async def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        """Erase records, also those that were not written yet; return how many. Raises MemoryStoreError."""
        meant = [record for record in self._pending if where.matches(record) and is_forgettable(record, scope)]
        self._drop_pending(meant)
        erased = await self._write(lambda store: store.forget(scope, where))
        self._written.set()  # so that no search has to drop the vectors that are gone
        return len(meant) + erased

    async def export_file(self, path: Path) -> int:
        """Write all records to a new file of JSON lines; return how many. Raises MemoryStoreError."""
        return await self._read_all(lambda store: transfer.write_file(path, store.export()))

    async def import_file(self, path: Path) -> int:
        """Store the records of an export, all or none; return how many. Raises MemoryStoreError, MemoryImportError."""
        return await self.add(await self._read_all(lambda _: transfer.read_file(path)))

    async def backup(self, path: Path) -> None:
        """Write a consistent copy of the store to a new file. Raises MemoryStoreError."""
        await self._read_all(lambda store: store.backup(path))

    async def stats(self) -> MemoryStats:
        """Return counts and sizes. Raises MemoryStoreError."""
        return await self._read_all(lambda store: store.stats())

    async def _write_all(self) -> None:
        backoff = Backoff()
        while True:
            if await self._flush():
                backoff.reset()
                await self._expire()
                await self._close_replaced()
                await self._wait_for_change()
            else:
                await backoff.sleep()

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(EXPIRY_SECONDS):
                await self._changed.wait()
        except TimeoutError:  # look for what is too old
            return

    async def _embed_all(self) -> None:
        backoff = Backoff(max_seconds=MAX_EMBEDDING_PAUSE_SECONDS)
        while True:
            await self._written.wait()
            self._written.clear()
            try:
                while await self._call(self._embedder, lambda store: store.embed_pending()):
                    pass
            except RosieError as err:
                self._problems.note_embedding(str(err))
                self._written.set()
                await backoff.sleep()
            else:
                if self._model is not None:
                    self._problems.note_embedding(None)
                backoff.reset()

    async def _wait_for_opening(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(OPENING_SECONDS):
                await self._was_opened.wait()

    async def _read(self, call: Callable[[MemoryStore], T]) -> T:
        await self._wait_for_opening()
        return await self._call(self._reader, call)

    async def _read_all(self, call: Callable[[MemoryStore], T]) -> T:
        await self._wait_for_opening()
        return await self._call(self._copier, call)

    async def _write(self, call: Callable[[MemoryStore], T]) -> T:
        await self._wait_for_opening()
        return await self._call(self._writer, call)

    async def _call(self, worker: ThreadWorker, call: Callable[[MemoryStore], T]) -> T:
        """Call the store on a thread; one that is corrupt, or whose file was replaced, is opened anew. Raises RosieError."""
        store = self._get_store()
        for _ in range(MAX_REPLACEMENTS):
            try:
                return await run_on(worker, call, store)
            except CorruptMemoryError as err:
                await self._abandon(store, str(err))
                raise
            except ReplacedMemoryError:
                store = await self._reopen(store)
        raise MemoryStoreError("the memory's file is replaced again and again; restore it once")

    def _get_store(self) -> MemoryStore:
        if self._store is None:
            raise MemoryStoreError(self._problems.store or NOT_OPEN)
        return self._store

    async def _reopen(self, replaced: MemoryStore) -> MemoryStore:
        """Return the store of the file that took another's place; it is opened once. Raises MemoryStoreError."""
        async with self._reopening:
            if self._store is replaced:
                _LOG.info("memory was replaced")
                await self._open_instead(replaced)
        return self._get_store()

    async def _open_instead(self, replaced: MemoryStore) -> None:
        """Open the file that took the place of a store's, where all that is due begins anew."""
        opened = None
        try:
            opened = await self._open()
        except RosieError as err:  # the task that writes tries it again
            self._problems.note_store(str(err))
        self._store = opened
        self._replaced.append(replaced)
        self._next_expiry = 0.0
        self._written.set()
        self._changed.set()

    async def _close_replaced(self) -> None:
        """Close the stores whose files were replaced, once no call uses them any more."""
        while self._replaced:
            for worker in (self._reader, self._embedder, self._copier):
                await worker.run(lambda: None)
            await self._writer.run(self._replaced.pop().close)

    async def _abandon(self, store: MemoryStore, reason: str) -> None:
        if self._store is store:
            self._store = None
            self._problems.note_store(reason)
            self._changed.set()
            await self._writer.run(store.close)

    async def _flush(self) -> bool:
        """Open the store if it is not, and write what waits; return whether that worked."""
        self._changed.clear()
        waiting = tuple(self._pending)
        try:
            if self._store is None:
                self._store = await self._open()
            if waiting:
                await self._call(self._writer, lambda store: add_corrected(store, waiting))
        except RosieError as err:
            self._problems.note_store(str(err))
            return False
        finally:
            self._was_opened.set()
        self._problems.note_store(None)
        self._written.set()
        self._drop_pending(waiting)
        return True

    async def _open(self) -> MemoryStore:
        if self._model is None:
            self._model = await self._load_model()
        store = await run_on(self._writer, self._open_store, self._model)
        self._problems.note_opening(store.notice)
        return store

    async def _load_model(self) -> EmbeddingModel | None:
        try:
            with translated_errors():
                return await self._embedder.run(self._load_embedding)
        except RosieError as err:
            self._problems.note_embedding(str(err))
            return None

    async def _expire(self) -> None:
        before = expiry(self._clock(), self._keep_days)
        if before is None or loop_time() < self._next_expiry:
            return
        self._next_expiry = loop_time() + EXPIRY_SECONDS
        try:
            erased = await self._write(lambda store: store.expire(before))
        except MemoryStoreError as err:
            self._problems.note_store(str(err))
        else:
            if erased:
                self._written.set()
                _LOG.info("old conversations erased", records=erased)

    def _drop_pending(self, records: Sequence[MemoryRecord]) -> None:
        for record in records:
            if record in self._pending:
                self._pending.remove(record)

    async def _close(self) -> None:
        if self._pending:
            await self._flush()
        await self._close_replaced()
        if self._store is not None:
            await self._writer.run(self._store.close)
        if self._model is not None:
            await self._embedder.run(self._model.close)
        for worker in (self._writer, self._reader, self._embedder, self._copier):
            worker.close()
