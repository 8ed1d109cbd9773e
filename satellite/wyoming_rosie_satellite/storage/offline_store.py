"""Offline store: messages on disk, oldest first, within limits."""

import sqlite3
import time
from pathlib import Path
from typing import Self

import structlog

from wyoming_rosie.runtime.message_store import MessageStore, StoredMessage
from wyoming_rosie.runtime.workers import ThreadWorker

_LOG = structlog.get_logger()
MAX_MESSAGES = 1_000
MAX_BYTES = 64_000_000


class OfflineStore:
    """Keeps messages across restarts until they are confirmed, or in memory if there is no disk.

    Only the owner may read the file.
    """

    def __init__(self, path: Path, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self.dropped = 0  # messages without room, in the limits or on the disk
        self._path = path
        self._messages = MessageStore(path, max_messages, max_bytes)
        self._worker = ThreadWorker("outbox")

    async def __aenter__(self) -> Self:
        await self._worker.run(self._open)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._worker.run(self._messages.close)
        self._worker.close()

    async def put(self, body: bytes) -> bool:
        """Store a message, dropping the oldest ones for room; return False when it cannot be stored."""
        try:
            self.dropped += await self._worker.run(self._messages.put, [body], time.time())
        except (sqlite3.Error, OverflowError) as err:
            if not self.dropped:
                _LOG.error("offline store cannot store a message", reason=str(err))
            self.dropped += 1
            return False
        return True

    async def peek(self, most: int = 1) -> list[StoredMessage]:
        """Return the oldest messages, up to `most`; they stay until they are confirmed."""
        try:
            return await self._worker.run(self._messages.peek, most)
        except sqlite3.Error as err:
            _LOG.error("offline store cannot be read", reason=str(err))
            return []

    async def confirm(self, *messages: StoredMessage) -> None:
        """Delete messages that have been delivered; one that cannot be deleted is delivered again."""
        try:
            await self._worker.run(self._messages.remove, [message.id for message in messages])
        except sqlite3.Error as err:
            _LOG.error("offline store cannot delete a message", reason=str(err))

    def _open(self) -> None:
        try:
            self._messages.open()
        except (OSError, sqlite3.Error) as err:
            _LOG.error("offline store is in memory only", file=str(self._path), reason=str(err))
            self._messages.open_in_memory()
