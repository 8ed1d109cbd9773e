"""Audiences: who may find a memory, as one of few numbered classes, so that a scope is a set of them.

The rule itself is `is_readable`, which is asked once for each audience; tables and indexes only compare its numbers.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from wyoming_rosie_intent.memory.model import MemoryFilter, MemoryKind, MemoryRecord, MemoryScope, is_readable
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition, join_all, matches

Read: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
_PREFIX = "audience"
_SAME = "kind = ? AND person IS ? AND room IS ? AND is_private = ?"


@dataclass(frozen=True)
class Selection:
    """What a search may return: the memories of some audiences that meet the rest of a filter."""

    audiences: frozenset[int]
    is_whole: bool  # there are no other audiences
    rest: MemoryFilter  # without what the audiences decide: kinds, person, room

    @property
    def tokens(self) -> list[str]:
        """The audiences as words of the full-text index."""
        return [to_token(audience) for audience in sorted(self.audiences)]

    @property
    def among(self) -> Condition:
        """The condition of the audiences alone."""
        return f"memory.audience IN ({', '.join('?' * len(self.audiences))})", tuple(self.tokens)

    @property
    def condition(self) -> Condition:
        return join_all((self.among, matches(self.rest)))


def select(read: Read, scope: MemoryScope, where: MemoryFilter) -> Selection:
    """Return what may be found in a scope."""
    rows = tuple(read("SELECT id, kind, person, room, is_private FROM audience", ()))
    decided = MemoryFilter(kinds=where.kinds, person=where.person, room=where.room)
    audiences = _choose(rows, replace(scope, conversation=None), decided)  # no audience is that of a conversation
    return Selection(audiences, len(audiences) == len(rows), replace(where, kinds=(), person=None, room=None))


def find_or_add(writer: sqlite3.Connection, record: MemoryRecord) -> str:
    """Return the audience of a record, as the word that the tables have."""
    about = (record.kind.value, record.person, record.room, int(record.is_private))
    found = writer.execute(f"SELECT id FROM audience WHERE {_SAME}", about).fetchone()
    if found is None:
        return to_token(writer.execute("INSERT INTO audience VALUES (NULL, ?, ?, ?, ?)", about).lastrowid or 0)
    return to_token(*found)


def delete_unused(writer: sqlite3.Connection) -> None:
    """Delete the audiences whose memories are all gone: they name persons and rooms."""
    used = {audience for (audience,) in writer.execute("SELECT DISTINCT audience FROM memory")}
    for (number,) in writer.execute("SELECT id FROM audience").fetchall():
        if to_token(number) not in used:
            writer.execute("DELETE FROM audience WHERE id = ?", (number,))


def to_token(audience: int) -> str:
    """Return an audience as a word of the full-text index, of a length that every tokenizer takes."""
    return f"{_PREFIX}{audience:08}"


def to_audience(token: str) -> int:
    """Return the audience of a word."""
    return int(token.removeprefix(_PREFIX))


@lru_cache(maxsize=32)
def _choose(rows: tuple[tuple[Any, ...], ...], scope: MemoryScope, decided: MemoryFilter) -> frozenset[int]:
    """Return the audiences that may be read in a scope and meet a filter."""
    examples = {number: _example(*about) for number, *about in rows}
    return frozenset(
        number for number, example in examples.items() if is_readable(example, scope) and decided.matches(example)
    )


def _example(kind: str, person: str | None, room: str | None, is_private: int) -> MemoryRecord:
    return MemoryRecord(MemoryKind(kind), "", 0.0, person=person, room=room, is_private=bool(is_private))
