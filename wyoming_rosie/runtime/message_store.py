"""Message store: messages in an SQLite file, oldest first, within limits. All calls must come from one thread."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wyoming_rosie.runtime.json_store import quarantine

IN_MEMORY = ":memory:"


@dataclass(frozen=True)
class StoredMessage:
    """`at` is when the message was stored, in seconds since the epoch."""

    id: int
    at: float
    body: bytes = field(repr=False)


class MessageStore:
    """Keeps messages across restarts until they are removed. Only the owner may read the file.

    `uses_wal` makes a commit cheaper, but leaves what was removed in a second file for a while.
    """

    def __init__(self, path: Path, max_messages: int, max_bytes: int, *, uses_wal: bool = False) -> None:
        self.count = 0
        self.size = 0
        """Bytes of all messages."""
        self._path = path
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._uses_wal = uses_wal
        self._database: sqlite3.Connection

    def open(self) -> None:
        """Open the file; one that is no database is renamed. Raises OSError, sqlite3.Error."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(0o600)
        self._path.chmod(0o600)
        self._use(self._connect_or_replace())

    def open_in_memory(self) -> None:
        """Keep the messages of this process in memory, without a file."""
        self._use(_connect(IN_MEMORY, uses_wal=False))

    def close(self) -> None:
        self._database.close()

    def put(self, bodies: Sequence[bytes], at: float) -> int:
        """Store all messages or none; return how many old ones made room. Raises sqlite3.Error, OverflowError."""
        with self.transaction():
            for body in bodies:
                self.insert(body, at)
            return self.make_room()

    def peek(self, most: int, after: int = 0) -> list[StoredMessage]:
        """Return the oldest messages whose ID is greater than `after`. Raises sqlite3.Error."""
        rows = self._database.execute(
            "SELECT id, at, body FROM message WHERE id > ? ORDER BY id LIMIT ?", (after, most)
        )
        return [StoredMessage(*row) for row in rows]

    def remove(self, ids: Sequence[int]) -> None:
        """Remove messages; those that are gone already do not matter. Raises sqlite3.Error."""
        with self.transaction():
            for message_id in ids:
                self._remove(message_id)

    def last_id(self) -> int:
        """Return the ID of the newest message, 0 if there is none. Raises sqlite3.Error."""
        (last,) = self._database.execute("SELECT COALESCE(MAX(id), 0) FROM message").fetchone()
        return int(last)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Store what the block does when it ends, or nothing of it if it raises."""
        before = self.count, self.size
        try:
            with self._database:
                yield self._database
        except BaseException:
            self.count, self.size = before
            raise

    def insert(self, body: bytes, at: float) -> None:
        """Add a message in a transaction. Raises OverflowError for one beyond the limit."""
        if len(body) > self._max_bytes:
            raise OverflowError(f"it has {len(body)} bytes; the limit is {self._max_bytes}")
        self._database.execute("INSERT INTO message (at, body) VALUES (?, ?)", (at, body))
        self.count += 1
        self.size += len(body)

    def make_room(self) -> int:
        """Remove the oldest messages in a transaction until the limits are kept; return how many."""
        dropped = 0
        while self.count > self._max_messages or self.size > self._max_bytes:
            self._remove(*self._database.execute("SELECT MIN(id) FROM message").fetchone())
            dropped += 1
        return dropped

    def _remove(self, message_id: int) -> None:
        removed = self._database.execute("DELETE FROM message WHERE id = ? RETURNING LENGTH(body)", (message_id,))
        for (length,) in removed.fetchall():
            self.count -= 1
            self.size -= length

    def _use(self, database: sqlite3.Connection) -> None:
        self._database = database
        counted = database.execute("SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM message").fetchone()
        self.count, self.size = counted

    def _connect_or_replace(self) -> sqlite3.Connection:
        """Return the database in the file; quarantine a file that is no database. Raises sqlite3.Error."""
        try:
            return _connect(self._path, self._uses_wal)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as err:
            quarantine(self._path, err)
            return _connect(self._path, self._uses_wal)


def _connect(path: Path | str, uses_wal: bool) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA secure_delete = ON")  # overwrite what is deleted
        if uses_wal:
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        # An id must not be used twice, or confirming an old message could delete a new one.
        database.execute(
            "CREATE TABLE IF NOT EXISTS message "
            "(id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, body BLOB NOT NULL)"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database
