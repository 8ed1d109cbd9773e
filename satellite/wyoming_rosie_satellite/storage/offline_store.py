"""Offline store: messages on disk, oldest first, within limits."""

import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog

from wyoming_rosie.runtime.json_store import quarantine
from wyoming_rosie.runtime.workers import ThreadWorker

_LOG = structlog.get_logger()
MAX_MESSAGES = 1_000
MAX_BYTES = 64_000_000
IN_MEMORY = ":memory:"


@dataclass(frozen=True)
class StoredMessage:
    """`at` is when the message was stored, in seconds since the epoch."""

    id: int
    at: float
    body: bytes = field(repr=False)


class OfflineStore:
    """Keeps messages across restarts until they are confirmed, or in memory if there is no disk.

    Only the owner may read the file.
    """

    def __init__(self, path: Path, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0  # messages without room, in the limits or on the disk
        self._database = _Database(path, max_messages, max_bytes)
        self._worker = ThreadWorker("outbox")

    async def __aenter__(self) -> Self:
        await self._worker.run(self._database.open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._worker.run(self._database.close)
        self._worker.close()

    async def put(self, body: bytes) -> bool:
        """Store a message, dropping the oldest ones for room; return False when it cannot be stored."""
        try:
            self.dropped += await self._worker.run(self._database.put, body, time.time())
        except (sqlite3.Error, OverflowError) as err:
            if not self.dropped:
                _LOG.error("offline store cannot store a message", reason=str(err))
            self.dropped += 1
            return False
        return True

    async def peek(self, most: int = 1) -> list[StoredMessage]:
        """Return the oldest messages, up to `most`; they stay until they are confirmed."""
        try:
            return await self._worker.run(self._database.peek, most)
        except sqlite3.Error as err:
            _LOG.error("offline store cannot be read", reason=str(err))
            return []

    async def confirm(self, *messages: StoredMessage) -> None:
        """Delete messages that have been delivered; one that cannot be deleted is delivered again."""
        try:
            await self._worker.run(self._database.remove, [message.id for message in messages])
        except sqlite3.Error as err:
            _LOG.error("offline store cannot delete a message", reason=str(err))


class _Database:
    """The database; all calls must come from one thread."""

    def __init__(self, path: Path, max_messages: int, max_bytes: int) -> None:
        self._path = path
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._database: sqlite3.Connection

    def open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(0o600)
            self._path.chmod(0o600)
            self._database = self._connect_or_replace()
        except (OSError, sqlite3.Error) as err:
            _LOG.error("offline store is in memory only", file=str(self._path), reason=str(err))
            self._database = _connect(IN_MEMORY)

    def close(self) -> None:
        self._database.close()

    def put(self, body: bytes, at: float) -> int:
        """Store a message; return the number dropped for it. Raises OverflowError for one beyond the limit."""
        if len(body) > self._max_bytes:
            raise OverflowError(f"it has {len(body)} bytes; the limit is {self._max_bytes}")
        with self._database:
            self._database.execute("INSERT INTO message (at, body) VALUES (?, ?)", (at, body))
            return self._make_room()

    def peek(self, most: int) -> list[StoredMessage]:
        rows = self._database.execute("SELECT id, at, body FROM message ORDER BY id LIMIT ?", (most,))
        return [StoredMessage(*row) for row in rows]

    def remove(self, ids: list[int]) -> None:
        with self._database:
            self._database.executemany("DELETE FROM message WHERE id = ?", [(message_id,) for message_id in ids])

    def _make_room(self) -> int:
        dropped = 0
        while not self._is_within_limits():
            self._database.execute("DELETE FROM message WHERE id = (SELECT MIN(id) FROM message)")
            dropped += 1
        return dropped

    def _is_within_limits(self) -> bool:
        count, size = self._database.execute("SELECT COUNT(*), TOTAL(LENGTH(body)) FROM message").fetchone()
        return bool(count <= self._max_messages and size <= self._max_bytes)

    def _connect_or_replace(self) -> sqlite3.Connection:
        """Return the database in the file; quarantine a file that is no database. Raises sqlite3.Error."""
        try:
            return _connect(self._path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as err:
            quarantine(self._path, err)
            return _connect(self._path)


def _connect(path: Path | str) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA secure_delete = ON")  # overwrite what is deleted
        # An id must not be used twice, or confirming an old message could delete a new one.
        database.execute(
            "CREATE TABLE IF NOT EXISTS message "
            "(id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, body BLOB NOT NULL)"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database
