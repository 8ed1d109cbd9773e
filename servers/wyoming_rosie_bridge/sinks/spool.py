"""Spool: events on disk until a sink has them, each key once, within a limit."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.runtime.message_store import MessageStore
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_bridge.sinks.sink import Record

_LOG = structlog.get_logger()
MAX_RECORDS = 5_000_000
MAX_REMEMBERED = 100_000
"""Keys that are known again after the sink has their events: more than JetStream can have unconfirmed."""
OPEN_SECONDS = 2.0
MAX_SHIFT_MS = 1_000
"""Difference between an event's own time and its unique one, unless there are more at the same time."""


@dataclass(frozen=True)
class Entry:
    """An event for the spool; `key` is its idempotency key, `at` its time in seconds since the epoch."""

    key: str
    at: float
    body: bytes = field(repr=False)


class Spool:
    """The events that one sink does not have yet. Its numbers are for metrics: they never block."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.dropped = 0
        """Events without room."""
        self.problem: str | None = None
        self._oldest_at: float | None = None
        self.added = asyncio.Event()
        self._path = path
        self._store = MessageStore(path, MAX_RECORDS, max_bytes, uses_wal=True)
        self._worker = ThreadWorker("spool")
        self._waiting: list[tuple[Entry, asyncio.Future[UnreachableError | None]]] = []
        self._writing = asyncio.Lock()
        self._is_open = asyncio.Event()

    @property
    def count(self) -> int:
        return self._store.count

    @property
    def size(self) -> int:
        """Bytes of the events."""
        return self._store.size

    @property
    def oldest_seconds(self) -> float:
        """How long the oldest event has been here."""
        return max(0.0, time.time() - self._oldest_at) if self._oldest_at is not None else 0.0

    async def open(self) -> int:
        """Open the file; return the ID of the newest event in it. Raises UnreachableError."""
        try:
            last = await self._worker.run(self._open)
        except (OSError, sqlite3.Error) as err:
            self.problem = f"the spool {self._path} cannot be opened: {err}"
            raise UnreachableError(self.problem) from err
        self.problem = None
        self._is_open.set()
        return last

    async def close(self) -> None:
        if self._is_open.is_set():
            self._is_open.clear()
            await self._worker.run(self._store.close)
        self._worker.close()

    async def put(self, entry: Entry) -> None:
        """Store an event, which is on the disk when this returns; one of a known key is ignored. Raises UnreachableError."""
        await self._wait_until_open()
        stored: asyncio.Future[UnreachableError | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, stored))
        async with self._writing:  # those who wait here together are stored together
            if not stored.done():
                await self._write_waiting()
        if failure := await stored:
            raise failure

    async def peek(self, most: int, after: int) -> list[Record]:
        """Return the oldest events after an ID; they stay until they are removed. Raises UnreachableError."""
        await self._wait_until_open()
        try:
            messages = await self._worker.run(self._store.peek, most, after)
        except sqlite3.Error as err:
            raise UnreachableError(f"the spool {self._path} cannot be read: {err}") from err
        return [_decode(message.id, message.body) for message in messages]

    async def remove(self, ids: Sequence[int]) -> None:
        """Remove events that the sink has. Raises UnreachableError."""
        try:
            await self._worker.run(self._remove, ids)
        except sqlite3.Error as err:
            raise UnreachableError(f"the spool {self._path} cannot be changed: {err}") from err

    async def _wait_until_open(self) -> None:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._is_open.wait()
        except TimeoutError as err:
            raise UnreachableError(self.problem or f"the spool {self._path} is not open") from err

    async def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            dropped = await self._worker.run(self._put, [entry for entry, _ in batch], time.time())
        except (sqlite3.Error, OverflowError) as err:
            self.problem = f"the spool {self._path} cannot store: {err}"
            _settle(batch, UnreachableError(self.problem))
            return
        except BaseException:
            _settle(batch, UnreachableError("cancelled"))
            raise
        self.problem = None
        if dropped and not self.dropped:
            _LOG.warning("the spool is full: the oldest events are dropped", file=str(self._path))
        self.dropped += dropped
        _settle(batch, None)
        self.added.set()

    def _open(self) -> int:
        self._store.open()
        with self._store.transaction() as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS seen "
                "(number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE NOT NULL, time_ms INTEGER UNIQUE NOT NULL)"
            )
        self._update_oldest()
        return self._store.last_id()

    def _put(self, entries: Sequence[Entry], now: float) -> int:
        with self._store.transaction() as database:
            for entry in entries:
                time_ms = _remember(database, entry)
                if time_ms is not None:
                    self._store.insert(b"%d %s" % (time_ms, entry.body), now)
            database.execute("DELETE FROM seen WHERE number <= (SELECT MAX(number) FROM seen) - ?", (MAX_REMEMBERED,))
            dropped = self._store.make_room()
        self._update_oldest()
        return dropped

    def _remove(self, ids: Sequence[int]) -> None:
        self._store.remove(ids)
        self._update_oldest()

    def _update_oldest(self) -> None:
        oldest = self._store.peek(1)
        self._oldest_at = oldest[0].at if oldest else None


def _remember(database: sqlite3.Connection, entry: Entry) -> int | None:
    """Return a time that no other event has, the nearest after the event's own; None for a known key."""
    if database.execute("SELECT 1 FROM seen WHERE key = ?", (entry.key,)).fetchone():
        return None
    time_ms = _find_free_time(database, round(1000 * entry.at))
    database.execute("INSERT INTO seen (key, time_ms) VALUES (?, ?)", (entry.key, time_ms))
    return time_ms


def _find_free_time(database: sqlite3.Connection, time_ms: int) -> int:
    taken = database.execute(
        "SELECT time_ms FROM seen WHERE time_ms BETWEEN ? AND ? ORDER BY time_ms", (time_ms, time_ms + MAX_SHIFT_MS)
    ).fetchall()
    for free, (other,) in enumerate(taken, time_ms):
        if other != free:
            return free
    if len(taken) <= MAX_SHIFT_MS:
        return time_ms + len(taken)
    (last,) = database.execute("SELECT MAX(time_ms) FROM seen").fetchone()
    return int(last) + 1


def _decode(message_id: int, body: bytes) -> Record:
    time_ms, _, kept = body.partition(b" ")
    return Record(message_id, int(time_ms), kept)


def _settle(
    batch: Sequence[tuple[Entry, asyncio.Future[UnreachableError | None]]], failure: UnreachableError | None
) -> None:
    for _, stored in batch:
        if not stored.done():
            stored.set_result(failure)
