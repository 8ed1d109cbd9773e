"""The store: one connection that writes, one for each thread that reads."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    CURRENT,
    CorruptMemoryError,
    FoundMemory,
    InvalidMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    MemoryStats,
)
from wyoming_rosie_intent.memory.ranking import fuse, weigh_age
from wyoming_rosie_intent.memory.stores.sqlite.audiences import delete_unused, find_or_add, select
from wyoming_rosie_intent.memory.stores.sqlite.conditions import (
    Condition,
    join_all,
    join_any,
    matches,
    own_conversation,
)
from wyoming_rosie_intent.memory.stores.sqlite.database import DatabaseFile
from wyoming_rosie_intent.memory.stores.sqlite.rows import INSERT, SELECTED, to_record, to_row
from wyoming_rosie_intent.memory.stores.sqlite.schema import TOKENIZERS
from wyoming_rosie_intent.memory.stores.sqlite.word_search import rank_by_words

if TYPE_CHECKING:
    from wyoming_rosie_intent.memory.stores.sqlite.embedded_memories import EmbeddedMemories

EXPORTED_ROWS = 500
_FORGOTTEN = """
WITH RECURSIVE meant(row, replaces, turn) AS (
    SELECT row, replaces, turn FROM memory WHERE ({forgettable}) AND ({condition})
    UNION
    SELECT memory.row, memory.replaces, memory.turn FROM memory, meant
    WHERE memory.turn = meant.turn OR (memory.id = meant.replaces AND ({forgettable}))
)
SELECT row FROM meant
"""
"""Rows that match, those of the same turns, and the facts that they replaced, as far as these may be forgotten too."""
_ORPHANS = (
    "UPDATE memory SET replaces = NULL WHERE replaces NOT IN (SELECT id FROM memory)",
    "UPDATE memory SET replaced_by = NULL WHERE replaced_by NOT IN (SELECT id FROM memory)",
)


class SqliteStore:
    """Memories in one SQLite file."""

    def __init__(self, file: DatabaseFile, embedding: EmbeddingModel | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()  # of the connection that writes
        self._thread = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._is_corrupt = False
        with file.translated_errors(), file.locked():
            self._writer, damaged = file.open_writer()
            self._notice = self._recover(damaged) if damaged is not None else None
            if self._writer.execute("SELECT is_due FROM erasure").fetchone() == (1,):  # it was interrupted
                self._erase_traces()
            self._embedded = self._use_embedding(embedding) if embedding is not None else None

    @property
    def notice(self) -> str | None:
        return self._notice

    def add(self, records: Sequence[MemoryRecord]) -> None:
        with self._transaction() as writer:
            for record in records:
                self._insert(writer, record)

    def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        condition, parameters = join_all((self._readable(scope, where), matches(where), *_older_than(before)))
        by_time = "INDEXED BY memory_at" if where.since is not None else ""  # else all that may be read is sorted first
        query = f"SELECT {SELECTED} FROM memory {by_time} WHERE {condition} ORDER BY at DESC, row DESC LIMIT ?"
        return [to_record(row) for row in self._read(query, (*parameters, limit))]

    def search(
        self,
        text: str,
        scope: MemoryScope,
        now: float,
        where: MemoryFilter = CURRENT,
        limit: int = 5,
        language: str | None = None,
    ) -> list[FoundMemory]:
        selection = select(self._read, scope, where)
        rankings = rank_by_words(self._read, text, language, selection)
        if self._embedded is not None:
            rankings.append(self._embedded.search(text, language, selection))
        scores = fuse(rankings)
        sure = {row for ranking in rankings for row, is_sure in ranking.items() if is_sure}
        found = [
            (scores[row] * weigh_age(kind, at, now), row, values)
            for row, kind, at, *values in self._read_rows(scores, selection.condition)
        ]
        best = sorted(found, key=itemgetter(0), reverse=True)[:limit]
        return [FoundMemory(to_record(values), score, row in sure) for score, row, values in best]

    def embed_pending(self) -> bool:
        return self._embedded is not None and self._embedded.embed_pending()

    def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        condition, parameters = join_all((self._forgettable(scope), matches(where)))
        with self._transaction() as writer:
            rows = writer.execute(f"SELECT row, tags FROM memory WHERE {condition}", parameters).fetchall()
            for row, tags in rows:
                changed = [tag for tag in dict.fromkeys((*json.loads(tags), *add)) if tag not in remove]
                writer.execute(
                    "UPDATE memory SET tags = ? WHERE row = ?", (json.dumps(changed, ensure_ascii=False), row)
                )
        return len(rows)

    def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        (forgettable, own), (condition, parameters) = self._forgettable(scope), matches(where)
        return self._erase(_FORGOTTEN.format(forgettable=forgettable, condition=condition), (*own, *parameters, *own))

    def expire(self, before: float) -> int:
        return self._erase("SELECT row FROM memory WHERE kind = 'conversation' AND at < ?", (before,))

    def export(self) -> Iterator[MemoryRecord]:
        query = f"SELECT row, {SELECTED} FROM memory WHERE row > ? ORDER BY row LIMIT {EXPORTED_ROWS}"
        last = 0
        while rows := self._read(query, (last,)):
            yield from (to_record(row[1:]) for row in rows)
            last = rows[-1][0]

    def backup(self, path: Path) -> None:
        self._file.copy(self._reader(), path)

    def stats(self) -> MemoryStats:
        vectors, pending = self._embedded.count() if self._embedded is not None else (0, 0)
        counts = {MemoryKind(kind): count for kind, count in self._read("SELECT kind, COUNT(*) FROM memory GROUP BY 1")}
        model = self._embedded.model_name if self._embedded is not None else ""
        return MemoryStats(counts, self._file.size, vectors, pending, model)

    def close(self) -> None:
        with self._lock, ExitStack() as stack:
            with suppress(OSError):  # then it is closed without a lock
                stack.enter_context(self._file.locked())
            for connection in (*self._readers, self._writer):
                connection.close()
            if self._is_corrupt and not self._file.is_replaced:
                self._file.put_aside(CorruptMemoryError("a page is damaged"))

    def _use_embedding(self, model: EmbeddingModel) -> "EmbeddedMemories":
        from wyoming_rosie_intent.memory.stores.sqlite.embedded_memories import EmbeddedMemories

        return EmbeddedMemories(self._read, self._transaction, model)

    def _recover(self, damaged: Path) -> str:
        """Store what a damaged file still has; return the notice."""
        records = []
        for row in self._file.read_damaged(damaged):
            with suppress(TypeError, ValueError, InvalidMemoryError):
                records.append(to_record(row))
        self.add(records)
        kept = f"{len(records)} memories could be read from it"
        return f"the memory's file was damaged and is kept as {damaged.name}; {kept}"

    def _readable(self, scope: MemoryScope, where: MemoryFilter = CURRENT) -> Condition:
        """Return the condition of `is_readable`, for memories that meet a filter."""
        return join_any((select(self._read, scope, where).among, own_conversation(scope)))

    def _forgettable(self, scope: MemoryScope) -> Condition:
        """Return the condition of `is_forgettable`."""
        return self._readable(scope) if scope.is_admin or scope.person is not None else own_conversation(scope)

    def _insert(self, writer: sqlite3.Connection, record: MemoryRecord) -> None:
        if not writer.execute(INSERT, to_row(record, find_or_add(writer, record))).rowcount:
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

    def _erase(self, meant: str, parameters: Sequence[object]) -> int:
        with self._transaction() as writer:
            rows = writer.execute(meant, parameters).fetchall()
            writer.executemany("DELETE FROM memory WHERE row = ?", rows)
            if rows:
                for statement in _ORPHANS:
                    writer.execute(statement)
                delete_unused(writer)
                writer.execute("UPDATE erasure SET is_due = 1")
        if rows:
            self._erase_traces()
        return len(rows)

    def _erase_traces(self) -> None:
        """Erase what was deleted from the indexes, the log, the free pages and the damaged file."""
        with self._changing():
            for name in TOKENIZERS:
                self._writer.execute(f"INSERT INTO text_{name}(text_{name}) VALUES ('optimize')")
            self._writer.execute("UPDATE erasure SET is_due = 0")
            (is_busy, _, _) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if is_busy:
                self._writer.execute("UPDATE erasure SET is_due = 1")
            self._file.delete_damaged()

    def _read_rows(self, rows: Iterable[int], condition: Condition) -> list[tuple[Any, ...]]:
        """Return the row, kind, time and SELECTED columns of each memory that meets a condition."""
        expression, parameters = condition
        among = "json_each(?) AS found CROSS JOIN memory ON memory.row = found.value"
        query = f"SELECT row, kind, at, {SELECTED} FROM {among} WHERE {expression}"
        return self._read(query, (json.dumps(list(rows)), *parameters))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Let nobody else change or replace the file meanwhile. Raises ReplacedMemoryError if somebody has replaced it."""
        with self._lock, self._translated_errors(), self._file.locked():
            self._file.refuse_replaced()
            yield

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._changing():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.rollback()
                raise

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            with self._file.translated_errors():
                yield
        except CorruptMemoryError:
            self._is_corrupt = True
            raise

    def _read(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._translated_errors():
            return self._reader().execute(query, parameters).fetchall()

    def _reader(self) -> sqlite3.Connection:
        self._file.refuse_replaced()
        reader: sqlite3.Connection | None = getattr(self._thread, "reader", None)
        if reader is None:
            reader = self._thread.reader = self._file.open_reader()
            self._readers.append(reader)
        return reader


def _older_than(before: str | None) -> Iterator[Condition]:
    if before is not None:
        yield "(memory.at, memory.row) < (SELECT at, row FROM memory WHERE id = ?)", (before,)


def load(path: Path, embedding: EmbeddingModel | None = None, key: str | None = None) -> SqliteStore:
    """Open the store; with a key, an encrypted file beside it. Raises ConfigError, MemoryStoreError."""
    if key is not None:
        path = path.with_name(f"{path.stem}-encrypted{path.suffix}")
    return SqliteStore(DatabaseFile(path, key=key), embedding)
