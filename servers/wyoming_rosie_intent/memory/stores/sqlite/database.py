"""The SQLite file of the memory: connections, migration, encryption, and what its errors mean."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.folder_lock import lock_folder
from wyoming_rosie.runtime.json_store import quarantine
from wyoming_rosie_intent.memory.model import CorruptMemoryError, MemoryStoreError, ReplacedMemoryError
from wyoming_rosie_intent.memory.stores.sqlite.schema import COLUMNS, MIGRATIONS

BUSY_SECONDS = 5.0
"""Longest wait for another process that writes."""
LOCK_SECONDS = 45.0
"""Longest wait for a backup that copies the file, or a restore that replaces it."""
POLL_SECONDS = 0.01
BROKEN = ".broken"
"""Suffix of a damaged file that was kept aside."""
_LOCKED = "database is locked"
_NO_DATABASE = "file is not a database"
_DAMAGED = "database disk image is malformed"


class DatabaseFile:
    """A file, which only its owner may read; encrypted by SQLCipher if there is a key, of 64 hexadecimal digits."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS, key: str | None = None) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._key = key
        self._driver = sqlite3 if key is None else _load_sqlcipher()
        self._opened: os.stat_result | None = None

    @property
    def size(self) -> int:
        """Bytes of the file, without its log. Raises MemoryStoreError."""
        with self.translated_errors():
            return self.path.stat().st_size

    def open_writer(self) -> tuple[sqlite3.Connection, Path | None]:
        """Open the file, which is locked, for writing; one that is damaged is renamed and a new one begun.

        Returns the connection and the damaged file. Raises MemoryStoreError.
        """
        with self.translated_errors():
            damaged = self.path.with_suffix(BROKEN)
            was_put_aside = damaged.exists() and not self.path.exists()
            try:
                return self._open_checked(), damaged if was_put_aside else None
            except self._driver.DatabaseError as err:
                self._refuse_wrong_key(err)
                if not _is_corrupt(err):
                    raise
                self.put_aside(err)
            return self._open_checked(), damaged

    def open_reader(self) -> sqlite3.Connection:
        """Open a connection that only reads, usable from any thread. Raises MemoryStoreError."""
        with self.translated_errors(), self.locked():
            self.refuse_replaced()
            database = self._connect(f"{self.path.as_uri()}?mode=ro", uri=True)
            database.execute("PRAGMA query_only = ON")
            return database

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a backup or a restore away from the file while it is opened, written or closed. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with lock_folder(self.path.parent, LOCK_SECONDS, is_shared=True):
            yield

    @property
    def is_replaced(self) -> bool:
        """Whether the path has another file than the one that was opened, or none."""
        try:
            return self._opened is None or not os.path.samestat(self._opened, self.path.stat())
        except FileNotFoundError:
            return True

    def refuse_replaced(self) -> None:
        """Raise ReplacedMemoryError if the file was replaced: what is written to it would be lost."""
        if self.is_replaced:
            raise ReplacedMemoryError("the memory's file was replaced")

    def copy(self, source: sqlite3.Connection, path: Path) -> None:
        """Write a consistent copy to a new file, with the same key. Raises MemoryStoreError."""
        with self.translated_errors():
            path.touch(0o600, exist_ok=False)
            with closing(self._connect(str(path))) as target:
                source.backup(target)

    def put_aside(self, reason: Exception) -> None:
        """Rename the damaged file, so that it is kept; its log goes with it."""
        quarantine(self.path, reason)
        damaged = self.path.with_suffix(BROKEN)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).replace(damaged.with_name(damaged.name + suffix))

    def delete_damaged(self) -> None:
        """Delete the damaged file that was kept aside, since it has what is to be forgotten."""
        damaged = self.path.with_suffix(BROKEN)
        for suffix in ("", "-wal", "-shm"):
            damaged.with_name(damaged.name + suffix).unlink(missing_ok=True)

    def read_damaged(self, path: Path) -> list[tuple[Any, ...]]:
        """Return the rows of `memory` that can still be read from a damaged file, in the order of COLUMNS."""
        rows = []
        with suppress(self._driver.Error), closing(self._connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM memory NOT INDEXED ORDER BY row"):
                rows.append(row)
        return rows

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raise MemoryStoreError for errors of SQLite and of the file system; never with what was said."""
        try:
            yield
        except self._driver.Error as err:
            kind = CorruptMemoryError if _is_corrupt(err) else MemoryStoreError
            raise kind(f"the memory's file cannot be used: {err}") from err
        except OSError as err:
            raise MemoryStoreError(f"the memory's file cannot be used: {err.strerror or err}") from err

    def _connect(self, name: str, **values: Any) -> sqlite3.Connection:
        database = self._driver.connect(
            name, timeout=self._busy_seconds, check_same_thread=False, isolation_level=None, **values
        )
        if self._key is not None:
            database.execute(f"PRAGMA key = \"x'{self._key}'\"")
        return cast(sqlite3.Connection, database)

    def _open_checked(self) -> sqlite3.Connection:
        self.path.touch(0o600)
        self.path.chmod(0o600)
        database = self._connect(str(self.path))
        try:
            self._check(database)
            database.execute("PRAGMA secure_delete = ON")  # overwrite what is deleted
            self._begin_log(database)
            database.execute("PRAGMA synchronous = NORMAL")
            _migrate(database)
        except BaseException:
            database.close()
            raise
        self._opened = self.path.stat()
        return database

    def _begin_log(self, database: sqlite3.Connection) -> None:
        """Turn on the write-ahead log, once another process that opens the new file too has done so. Raises the driver's Error."""
        deadline = time.monotonic() + self._busy_seconds
        while True:
            try:
                database.execute("PRAGMA journal_mode = WAL")
            except self._driver.OperationalError as err:
                if not str(err).startswith(_LOCKED) or time.monotonic() >= deadline:
                    raise
                time.sleep(POLL_SECONDS)  # SQLite itself does not wait here: it has read the file before it writes
            else:
                return

    def _check(self, database: sqlite3.Connection) -> None:
        """Raise the driver's DatabaseError for a file with damaged pages."""
        (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if result != "ok":
            raise self._driver.DatabaseError(_DAMAGED)

    def _refuse_wrong_key(self, error: Exception) -> None:
        """Raise MemoryStoreError if the file may be whole, and the key is that of another."""
        if self._key is not None and str(error).startswith(_NO_DATABASE):
            raise MemoryStoreError(
                f"{self.path} cannot be read with this key: give the key that it was begun with, or move the file away"
            ) from error


def _load_sqlcipher() -> ModuleType:
    try:
        from sqlcipher3 import dbapi2
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['sqlcipher'])}") from err
    return cast(ModuleType, dbapi2)


def _is_corrupt(error: Exception) -> bool:
    """Return whether the file is no database, or no longer."""
    return str(error).startswith((_NO_DATABASE, _DAMAGED))


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the schema to the newest version in one transaction. Raises MemoryStoreError for a newer one."""
    database.execute("BEGIN IMMEDIATE")
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        _refuse_newer(version)
        for statement in (statement for step in MIGRATIONS[version:] for statement in step):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        database.rollback()
        raise
    database.commit()


def _refuse_newer(version: int) -> None:
    known = len(MIGRATIONS)
    if version > known:
        raise MemoryStoreError(
            f"the memory's file has the newer version {version}, and this program knows {known}: "
            "update wyoming-rosie, or move the file away"
        )
