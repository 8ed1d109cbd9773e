"""Databases of SQLite in a backup: copies of them while a program writes, and the lock under which they are replaced."""

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from wyoming_rosie.backup.parts import BackupError, BackupPart
from wyoming_rosie.backup.write_ahead_log import apply_log
from wyoming_rosie.runtime.folder_lock import lock_folder

LOCK_SECONDS = 15.0
"""Longest wait for a program that is writing a database."""
LOG, INDEX = "-wal", "-shm"
"""Suffixes of the files that SQLite keeps beside a database."""
PAGE_BYTES = 4_096
"""Page of SQLCipher 4, which encrypts each on its own."""
PLAIN_START = b"SQLite format 3\0"


@contextmanager
def lock_databases(parts: Iterable[BackupPart], seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Keep programs of the suite from writing or opening the databases among some parts. Raises BackupError."""
    folders = {part.path.parent for part in parts if part.is_database}
    with ExitStack() as stack:
        try:
            for folder in sorted(folder for folder in folders if os.access(folder, os.R_OK | os.X_OK)):
                stack.enter_context(lock_folder(folder, seconds))
        except OSError as err:
            raise BackupError(err.strerror or str(err)) from err
        yield


def copy_database(part: BackupPart, copy: Path) -> None:
    """Copy a database that is locked; an encrypted one without its key. Raises OSError, sqlite3.Error."""
    if part.is_encrypted:
        _copy_pages(part.path, copy)
    else:
        _copy_by_sqlite(part.path, copy)


def delete_log(database: Path) -> None:
    """Delete what SQLite has beside a database that is locked: it belongs to the old file alone. Raises OSError."""
    for suffix in (LOG, INDEX):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def check_encrypted(name: str, content: Path) -> None:
    """Check of an encrypted database what shows without its key. Raises BackupError."""
    size = content.stat().st_size
    with content.open("rb") as file:
        is_plain = file.read(len(PLAIN_START)) == PLAIN_START
    if is_plain or size == 0 or size % PAGE_BYTES:
        reason = "it is not encrypted" if is_plain else "it is not whole"
        raise BackupError(f"{name} of the backup cannot be used: {reason}")


def _copy_by_sqlite(path: Path, copy: Path) -> None:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _copy_pages(path: Path, copy: Path) -> None:
    shutil.copyfile(path, copy)
    log = copy.with_name(copy.name + LOG)
    with suppress(FileNotFoundError):
        shutil.copyfile(path.with_name(path.name + LOG), log)
        apply_log(log, copy)
        log.unlink()
