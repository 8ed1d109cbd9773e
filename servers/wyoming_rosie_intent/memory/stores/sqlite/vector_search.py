"""Search by vectors: the signs of all vectors in memory, the vectors of the nearest from the file.

Numpy is imported by those who have an embedding model only.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wyoming_rosie_intent.memory.model import CURRENT
from wyoming_rosie_intent.memory.stores.sqlite.audiences import Read, Selection, to_audience
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition
from wyoming_rosie_intent.memory.vectors import Rows, Signs, Vectors, from_bytes, rank_by_signs, to_signs

COMPARED = 400
"""Nearest by their signs, whose vectors are compared exactly."""
CANDIDATES = 50
"""Best results."""
_LOADED_ROWS = 5_000


class VectorIndex:
    """The signs of one model's vectors, read when they are first needed and then as they change. Safe for threads."""

    def __init__(self, read: Read, model: str, dimensions: int) -> None:
        self._read = read
        self._model = model
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self._last = 0  # sequence number of the newest vector that was read
        self._deletions = -1
        self._sequences: Rows = np.zeros(0, np.int64)
        self._rows: Rows = np.zeros(0, np.int64)
        self._signs: Signs = to_signs(np.zeros((0, dimensions), np.float32))
        self._audiences: NDArray[np.int32] = np.zeros(0, np.int32)

    def search(self, query: Vectors, floor: float, selection: Selection) -> list[tuple[int, float]]:
        """Return the selected memories whose cosines with the query are `floor` or more, and these, best first."""
        chosen = None if selection.rest == CURRENT else self._list_rows(selection.condition)
        with self._lock:
            self._refresh()
            mask = self._select(selection.audiences)
            mask = mask if chosen is None else mask & np.isin(self._rows, chosen)
            near = self._sequences[rank_by_signs(to_signs(query[None, :]), self._signs, mask, COMPARED)]
        cosines = {row: cosine for row, cosine in self._compare(query, near) if cosine >= floor}
        meant = self._filter(cosines, selection.condition)
        return sorted(((row, cosines[row]) for row in meant), key=itemgetter(1), reverse=True)[:CANDIDATES]

    def _compare(self, query: Vectors, sequences: Rows) -> Iterator[tuple[int, float]]:
        """Yield memories and their cosines. A vector is found by its sequence number, which is twice as fast as by its row."""
        found = self._read(
            "SELECT row, vector.value FROM json_each(?) AS near CROSS JOIN vector ON sequence = near.value "
            "WHERE dimensions = ?",
            (json.dumps(sorted(sequences.tolist())), self.dimensions),
        )
        if found:
            rows, values = zip(*found, strict=True)
            yield from zip(rows, (from_bytes(values) @ query).tolist(), strict=True)

    def _filter(self, rows: Iterable[int], condition: Condition) -> list[int]:
        expression, parameters = condition
        found = self._read(
            "SELECT row FROM json_each(?) AS near CROSS JOIN memory ON memory.row = near.value "
            f"WHERE {expression} ORDER BY row DESC",
            (json.dumps(list(rows)), *parameters),
        )
        return [row for (row,) in found]

    def _select(self, audiences: frozenset[int]) -> NDArray[np.bool_]:
        """Return which vectors are of these audiences."""
        chosen = np.zeros(max((*audiences, int(self._audiences.max(initial=0)))) + 1, np.bool_)
        chosen[list(audiences)] = True
        return chosen[self._audiences]

    def _list_rows(self, condition: Condition) -> Rows:
        expression, parameters = condition
        return np.array(self._read(f"SELECT row FROM memory WHERE {expression}", parameters), np.int64).ravel()

    def _refresh(self) -> None:
        """Drop the vectors that are gone, and read those that were added."""
        ((deletions,),) = self._read("SELECT deletions FROM vector_state", ())
        if deletions != self._deletions:
            self._drop_deleted()
            self._deletions = deletions
        while found := self._read_new():
            self._append(found)

    def _drop_deleted(self) -> None:
        kept = self._read("SELECT sequence FROM vector WHERE sequence <= ?", (self._last,))
        mask = np.isin(self._sequences, np.array(kept, np.int64).ravel())
        self._sequences, self._rows, self._audiences = self._sequences[mask], self._rows[mask], self._audiences[mask]
        self._signs = self._signs[:, mask]

    def _read_new(self) -> list[tuple[Any, ...]]:
        return self._read(
            "SELECT sequence, vector.row, value, audience FROM vector "
            "JOIN memory ON memory.row = vector.row WHERE sequence > ? AND model = ? AND dimensions = ? "
            f"ORDER BY sequence LIMIT {_LOADED_ROWS}",
            (self._last, self._model, self.dimensions),
        )

    def _append(self, found: Sequence[tuple[Any, ...]]) -> None:
        sequences, rows, values, tokens = zip(*found, strict=True)
        self._sequences = np.append(self._sequences, np.array(sequences, np.int64))
        self._rows = np.append(self._rows, np.array(rows, np.int64))
        self._audiences = np.append(self._audiences, np.array([*map(to_audience, tokens)], np.int32))
        self._signs = np.concatenate((self._signs, to_signs(from_bytes(values))), axis=1)
        self._last = sequences[-1]
