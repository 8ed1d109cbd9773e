"""The store: one connection that writes, one for each thread that reads."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from wyoming_rosie_intent.memory.model import (
    CURRENT,
    FoundMemory,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    MemoryStats,
)
from wyoming_rosie_intent.memory.stores.sqlite import database, full_text
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition, forgettable, join_all, matches, readable
from wyoming_rosie_intent.memory.stores.sqlite.rows import INSERT, SELECTED, to_record, to_row

CANDIDATES = 50
"""Best results of each ranking that are joined."""
EXPORTED_ROWS = 500
_RANK_OFFSET = 60
"""Of reciprocal rank fusion: how little the first ranks differ."""
_ERASED = """
WITH RECURSIVE meant(row, id, replaces, turn) AS (
    SELECT row, id, replaces, turn FROM memory WHERE {condition}
    UNION
    SELECT memory.row, memory.id, memory.replaces, memory.turn FROM memory, meant
    WHERE memory.id = meant.replaces OR memory.turn = meant.turn
)
SELECT row FROM meant
"""
"""Rows that match, those of the same turns, and the facts that they replaced."""


class SqliteStore:
    """Memories in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = database.open_file(path)
        self._lock = threading.Lock()  # of the connection that writes
        self._thread = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def add(self, records: Sequence[MemoryRecord]) -> None:
        with self._transaction() as writer:
            for record in records:
                self._insert(writer, record)

    def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        condition, parameters = join_all((readable(scope), matches(where), *_older_than(before)))
        query = f"SELECT {SELECTED} FROM memory WHERE {condition} ORDER BY at DESC, row DESC LIMIT ?"
        return [to_record(row) for row in self._read(query, (*parameters, limit))]

    def search(
        self, text: str, scope: MemoryScope, now: float, where: MemoryFilter = CURRENT, limit: int = 5
    ) -> list[FoundMemory]:
        condition = join_all((readable(scope), matches(where)))
        scores: dict[int, float] = {}
        for table, query in full_text.queries(full_text.split_words(text)).items():
            for rank, row in enumerate(self._rank_by_words(table, query, condition), 1):
                scores[row] = scores.get(row, 0.0) + 1 / (_RANK_OFFSET + rank)
        best = sorted(scores, key=scores.__getitem__, reverse=True)[:limit]
        return [FoundMemory(self._get(row), scores[row]) for row in best]

    def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        condition, parameters = join_all((forgettable(scope), matches(where)))
        with self._transaction() as writer:
            rows = writer.execute(f"SELECT row, tags FROM memory WHERE {condition}", parameters).fetchall()
            for row, tags in rows:
                changed = [tag for tag in dict.fromkeys((*json.loads(tags), *add)) if tag not in remove]
                writer.execute(
                    "UPDATE memory SET tags = ? WHERE row = ?", (json.dumps(changed, ensure_ascii=False), row)
                )
        return len(rows)

    def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        condition, parameters = join_all((forgettable(scope), matches(where)))
        with self._transaction() as writer:
            rows = [row for (row,) in writer.execute(_ERASED.format(condition=condition), parameters)]
            writer.executemany("DELETE FROM memory WHERE row = ?", [(row,) for row in rows])
            writer.execute("UPDATE memory SET replaces = NULL WHERE replaces NOT IN (SELECT id FROM memory)")
        if rows:
            self._erase_traces()
        return len(rows)

    def export(self) -> Iterator[MemoryRecord]:
        query = f"SELECT row, {SELECTED} FROM memory WHERE row > ? ORDER BY row LIMIT {EXPORTED_ROWS}"
        last = 0
        while rows := self._read(query, (last,)):
            yield from (to_record(row[1:]) for row in rows)
            last = rows[-1][0]

    def backup(self, path: Path) -> None:
        with database.translated_errors():
            path.touch(0o600, exist_ok=False)
            with closing(sqlite3.connect(path)) as copy:
                self._reader().backup(copy)

    def stats(self) -> MemoryStats:
        counts = {MemoryKind(kind): count for kind, count in self._read("SELECT kind, COUNT(*) FROM memory GROUP BY 1")}
        with database.translated_errors():
            return MemoryStats(counts, self._path.stat().st_size)

    def close(self) -> None:
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()

    def _insert(self, writer: sqlite3.Connection, record: MemoryRecord) -> None:
        if not writer.execute(INSERT, to_row(record)).rowcount:
            return
        if record.kind is MemoryKind.FACT and record.topic is not None and record.replaced_by is None:
            self._replace_fact(writer, record)

    def _replace_fact(self, writer: sqlite3.Connection, new: MemoryRecord) -> None:
        """Let a fact replace the current one about its topic, for the same readers."""
        same = "kind = 'fact' AND replaced_by IS NULL AND topic = ? AND person IS ? AND is_private = ? AND id <> ?"
        parameters: tuple[object, ...] = (new.topic, new.person, new.is_private, new.id)
        if new.is_private:
            same, parameters = f"{same} AND room IS ?", (*parameters, new.room)
        old = writer.execute(f"SELECT id FROM memory WHERE {same} ORDER BY at DESC, row DESC", parameters).fetchone()
        if old is not None:
            writer.execute("UPDATE memory SET replaces = ? WHERE id = ?", (*old, new.id))
            writer.execute("UPDATE memory SET replaced_by = ? WHERE id = ?", (new.id, *old))

    def _rank_by_words(self, table: str, query: str, condition: Condition) -> list[int]:
        expression, parameters = condition
        found = self._read(
            f"SELECT memory.row FROM text_{table} JOIN memory ON memory.row = text_{table}.rowid "
            f"WHERE text_{table} MATCH ? AND {expression} ORDER BY bm25(text_{table}) LIMIT {CANDIDATES}",
            (query, *parameters),
        )
        return [row for (row,) in found]

    def _get(self, row: int) -> MemoryRecord:
        (found,) = self._read(f"SELECT {SELECTED} FROM memory WHERE row = ?", (row,))
        return to_record(found)

    def _erase_traces(self) -> None:
        """Erase what was deleted from the indexes, the log and the free pages."""
        with self._lock, database.translated_errors():
            for name in database.TOKENIZERS:
                self._writer.execute(f"INSERT INTO text_{name}(text_{name}) VALUES ('optimize')")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, database.translated_errors():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.rollback()
                raise

    def _read(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with database.translated_errors():
            return self._reader().execute(query, parameters).fetchall()

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._thread, "reader", None)
        if reader is None:
            reader = self._thread.reader = database.open_reader(self._path)
            self._readers.append(reader)
        return reader


def _older_than(before: str | None) -> Iterator[Condition]:
    if before is not None:
        yield "(memory.at, memory.row) < (SELECT at, row FROM memory WHERE id = ?)", (before,)


def load(path: Path) -> SqliteStore:
    """Open the store. Raises MemoryStoreError."""
    return SqliteStore(path)
