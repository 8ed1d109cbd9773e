"""The SQLite file of the memory: schema, migrations, connections, and what errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from wyoming_rosie.runtime.json_store import quarantine
from wyoming_rosie_intent.memory.model import CorruptMemoryError, MemoryStoreError

BUSY_SECONDS = 5.0
"""Longest wait for another process that writes."""
BROKEN = ".broken"
"""Suffix of a damaged file that was kept aside."""
TOKENIZERS = {"porter": "porter unicode61", "words": "unicode61 remove_diacritics 2", "trigram": "trigram"}
"""Full-text tables and their tokenizers: English, other languages, languages without spaces."""
COLUMNS = (
    "id", "kind", "text", "at", "person", "room", "is_private", "speaker", "conversation", "turn", "intent", "tools", "tags",
    "source", "language", "topic", "replaces", "replaced_by",
)  # fmt: skip
_NO_DATABASE = ("file is not a database", "database disk image is malformed", "file is encrypted")


def _full_text_table(name: str, tokenizer: str) -> tuple[str, ...]:
    """Return the statements of one full-text table and of the triggers that keep it equal to the memories."""
    insertion = f"INSERT INTO text_{name}(rowid, text, audience) VALUES (new.row, new.text, new.audience)"
    deletion = f"INSERT INTO text_{name}(text_{name}, rowid, text, audience) VALUES ('delete', old.row, old.text, old.audience)"
    table = f"fts5(text, audience, content='memory', content_rowid='row', tokenize='{tokenizer}')"
    return (
        f"CREATE VIRTUAL TABLE text_{name} USING {table}",
        f"CREATE TRIGGER insert_{name} AFTER INSERT ON memory WHEN new.tokenizer = '{name}' BEGIN {insertion}; END",
        f"CREATE TRIGGER delete_{name} AFTER DELETE ON memory WHEN old.tokenizer = '{name}' BEGIN {deletion}; END",
    )


_FIRST = (
    # A row number must not be used twice, since vectors in memory are found by it.
    """CREATE TABLE memory (
        row INTEGER PRIMARY KEY AUTOINCREMENT, audience TEXT NOT NULL, tokenizer TEXT NOT NULL, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        text TEXT NOT NULL, at REAL NOT NULL, person TEXT, room TEXT, is_private INTEGER NOT NULL, speaker TEXT NOT NULL,
        conversation TEXT, turn TEXT, intent TEXT, tools TEXT NOT NULL, tags TEXT NOT NULL, source TEXT, language TEXT,
        topic TEXT, replaces TEXT, replaced_by TEXT
    )""",
    # An audience's number must not be used twice either.
    """CREATE TABLE audience (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, person TEXT, room TEXT, is_private INTEGER NOT NULL
    )""",
    "CREATE INDEX memory_audience ON memory (audience)",
    # Whether what was deleted may still be in the indexes, the log or free pages.
    "CREATE TABLE erasure (is_due INTEGER NOT NULL)",
    "INSERT INTO erasure VALUES (0)",
    "CREATE INDEX memory_at ON memory (at)",
    "CREATE INDEX memory_turn ON memory (turn) WHERE turn IS NOT NULL",
    "CREATE INDEX memory_conversation ON memory (conversation, at) WHERE conversation IS NOT NULL",
    "CREATE INDEX memory_topic ON memory (topic) WHERE topic IS NOT NULL",
    # The sequence number tells which vectors are new since an index in memory was read.
    """CREATE TABLE vector (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL UNIQUE, model TEXT NOT NULL,
        dimensions INTEGER NOT NULL, value BLOB NOT NULL
    )""",
    "CREATE INDEX vector_model ON vector (model, dimensions)",
    "CREATE TABLE vector_state (deletions INTEGER NOT NULL, model TEXT NOT NULL, dimensions INTEGER NOT NULL)",
    "INSERT INTO vector_state VALUES (0, '', 0)",
    "CREATE TRIGGER count_deletions AFTER DELETE ON vector BEGIN UPDATE vector_state SET deletions = deletions + 1; END",
    "CREATE TABLE pending_vector (row INTEGER PRIMARY KEY)",
    """CREATE TRIGGER insert_pending AFTER INSERT ON memory BEGIN
        INSERT INTO pending_vector VALUES (new.row);
    END""",
    """CREATE TRIGGER delete_vector AFTER DELETE ON memory BEGIN
        DELETE FROM vector WHERE row = old.row;
        DELETE FROM pending_vector WHERE row = old.row;
    END""",
    *(statement for name, tokenizer in TOKENIZERS.items() for statement in _full_text_table(name, tokenizer)),
)
MIGRATIONS = (_FIRST,)
"""Statements that lead from each version of the schema to the next; version 0 is an empty file."""


def open_file(path: Path, busy_seconds: float) -> tuple[sqlite3.Connection, Path | None]:
    """Open the file for writing, only for its owner; one that is damaged is renamed and a new one begun.

    Returns the connection and the damaged file. Raises MemoryStoreError.
    """
    with translated_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        damaged = path.with_suffix(BROKEN)
        was_put_aside = damaged.exists() and not path.exists()
        try:
            return _open_checked(path, busy_seconds), damaged if was_put_aside else None
        except sqlite3.DatabaseError as err:
            if not is_corrupt(err):
                raise
            put_aside(path, err)
        return _open_checked(path, busy_seconds), damaged


def open_reader(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open a connection that only reads, usable from any thread."""
    with translated_errors():
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=busy_seconds, check_same_thread=False)
        database.execute("PRAGMA query_only = ON")
        return database


def put_aside(path: Path, reason: Exception) -> None:
    """Rename a damaged file, so that it is kept; its log goes with it."""
    quarantine(path, reason)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(path.with_name(path.with_suffix(BROKEN).name + suffix))


def delete_damaged(path: Path) -> None:
    """Delete the damaged file that was kept aside, since it has what is to be forgotten."""
    damaged = path.with_suffix(BROKEN)
    for suffix in ("", "-wal", "-shm"):
        damaged.with_name(damaged.name + suffix).unlink(missing_ok=True)


def read_damaged(path: Path) -> list[tuple[Any, ...]]:
    """Return the rows of `memory` that can still be read from a damaged file, in the order of COLUMNS."""
    rows = []
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM memory NOT INDEXED ORDER BY row"):
            rows.append(row)
    return rows


def is_corrupt(error: sqlite3.Error) -> bool:
    """Return whether the file is no database, or no longer."""
    return str(error).startswith(_NO_DATABASE)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise MemoryStoreError for errors of SQLite and of the file system; never with what was said."""
    try:
        yield
    except sqlite3.Error as err:
        kind = CorruptMemoryError if is_corrupt(err) else MemoryStoreError
        raise kind(f"the memory's file cannot be used: {err}") from err
    except OSError as err:
        raise MemoryStoreError(f"the memory's file cannot be used: {err.strerror or err}") from err


def _open_checked(path: Path, busy_seconds: float) -> sqlite3.Connection:
    path.touch(0o600)
    path.chmod(0o600)
    database = sqlite3.connect(path, timeout=busy_seconds, check_same_thread=False, isolation_level=None)
    try:
        _check(database)
        database.execute("PRAGMA secure_delete = ON")  # overwrite what is deleted
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError for a file with damaged pages."""
    (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise sqlite3.DatabaseError(_NO_DATABASE[1])


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
