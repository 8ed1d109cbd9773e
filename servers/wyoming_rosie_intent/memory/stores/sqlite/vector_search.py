"""Search by vectors: the signs of all vectors in memory, the vectors of the nearest from the file.

Numpy is imported by those who have an embedding model only.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord, MemoryScope, is_readable
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition
from wyoming_rosie_intent.memory.vectors import Rows, Signs, Vectors, from_bytes, rank_by_signs, to_signs

Read: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
COMPARED = 400
"""Nearest by their signs, whose vectors are compared exactly."""
CANDIDATES = 50
_LOADED_ROWS = 5_000


@dataclass(frozen=True)
class _Audience:
    """What decides who may read a memory; there are few of them."""

    kind: str
    person: str | None
    room: str | None
    is_private: int

    def is_readable(self, scope: MemoryScope) -> bool:
        like = MemoryRecord(
            MemoryKind(self.kind), "", 0.0, person=self.person, room=self.room, is_private=bool(self.is_private)
        )
        return is_readable(like, scope)


class VectorIndex:
    """The signs of one model's vectors, read when they are first needed and then as they change. Safe for threads."""

    def __init__(self, read: Read, model: str, dimensions: int) -> None:
        self._read = read
        self._model = model
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self._last = 0  # sequence number of the newest vector that was read
        self._deletions = -1
        self._rows: Rows = np.zeros(0, np.int64)
        self._signs: Signs = to_signs(np.zeros((0, dimensions), np.float32))
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)  # the audience of each row
        self._audiences: dict[_Audience, int] = {}

    def search(
        self, query: Vectors, scope: MemoryScope, condition: Condition, allowed: Rows | None
    ) -> list[tuple[int, float]]:
        """Return the memories nearest to the query with their cosines, best first.

        `condition` holds for all results; `allowed` lists the rows that it leaves, if they are fewer than the scope's.
        """
        with self._lock:
            self._refresh()
            mask = self._mask(scope, allowed)
            near = self._rows[rank_by_signs(to_signs(query[None, :]), self._signs, mask, COMPARED)]
        return self._compare(query, near, condition)

    def _compare(self, query: Vectors, rows: Rows, condition: Condition) -> list[tuple[int, float]]:
        expression, parameters = condition
        found = self._read(
            "SELECT memory.row, vector.value FROM json_each(?) AS near JOIN memory ON memory.row = near.value "
            f"JOIN vector ON vector.row = memory.row WHERE vector.dimensions = ? AND {expression}",
            (json.dumps(rows.tolist()), self.dimensions, *parameters),
        )
        if not found:
            return []
        cosines = from_bytes([value for _, value in found]) @ query
        best = np.argsort(-cosines, kind="stable")[:CANDIDATES]
        return [(found[position][0], float(cosines[position])) for position in best]

    def _mask(self, scope: MemoryScope, allowed: Rows | None) -> NDArray[np.bool_]:
        readable = np.array([audience.is_readable(scope) for audience in self._audiences], np.bool_)
        mask = readable[self._codes] if len(readable) else np.zeros(len(self._rows), np.bool_)
        return mask if allowed is None else mask & np.isin(self._rows, allowed)

    def _refresh(self) -> None:
        """Drop the vectors that are gone, and read those that were added."""
        ((deletions,),) = self._read("SELECT deletions FROM vector_state", ())
        if deletions != self._deletions:
            self._drop_deleted()
            self._deletions = deletions
        while found := self._read_new():
            self._append(found)

    def _drop_deleted(self) -> None:
        kept = self._read("SELECT row FROM vector WHERE sequence <= ?", (self._last,))
        mask = np.isin(self._rows, np.array(kept, np.int64).ravel())
        self._rows, self._signs, self._codes = self._rows[mask], self._signs[mask], self._codes[mask]

    def _read_new(self) -> list[tuple[Any, ...]]:
        return self._read(
            "SELECT sequence, vector.row, value, kind, person, room, is_private FROM vector "
            "JOIN memory ON memory.row = vector.row WHERE sequence > ? AND model = ? AND dimensions = ? "
            f"ORDER BY sequence LIMIT {_LOADED_ROWS}",
            (self._last, self._model, self.dimensions),
        )

    def _append(self, found: Sequence[tuple[Any, ...]]) -> None:
        signs = to_signs(from_bytes([value for _, _, value, *_ in found]))
        codes = [self._audiences.setdefault(_Audience(*about), len(self._audiences)) for _, _, _, *about in found]
        self._rows = np.append(self._rows, np.array([row for _, row, *_ in found], np.int64))
        self._codes = np.append(self._codes, np.array(codes, np.int32))
        self._signs = np.concatenate((self._signs, signs))
        self._last = found[-1][0]
