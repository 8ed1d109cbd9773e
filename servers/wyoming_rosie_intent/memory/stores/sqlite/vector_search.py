"""Search by vectors: those of the file, which are kept in memory.

Numpy is imported by those who have an embedding model only.
"""

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from wyoming_rosie_intent.memory.model import CURRENT
from wyoming_rosie_intent.memory.stores.sqlite.audiences import Read, Selection
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition
from wyoming_rosie_intent.memory.stores.sqlite.vector_table import VectorTable
from wyoming_rosie_intent.memory.vectors import Rows, Vectors

COMPARED = 400
"""Nearest by their signs, whose vectors are compared exactly."""
CANDIDATES = 50
"""Best results."""
_LOADED_ROWS = 5_000


class VectorIndex:
    """The vectors of one model, read when they are first needed and then as they change. Safe for threads."""

    def __init__(self, read: Read, model: str, dimensions: int) -> None:
        self._read = read
        self._model = model
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self._deletions = -1
        self._table = VectorTable(dimensions)

    def search(self, query: Vectors, floor: float, selection: Selection) -> list[tuple[int, float]]:
        """Return the selected memories whose cosines with the query are `floor` or more, and these, best first."""
        is_known = replace(selection.rest, speaker=None) == CURRENT
        listed = None if is_known else self._list_rows(selection.condition)
        with self._lock:
            self._read_changes()
            allowed = self._table.select(selection.audiences, selection.rest.speaker)
            if listed is not None:
                allowed &= np.isin(self._table.rows, listed)
            compared = self._table.compare(query, allowed, COMPARED)
        cosines = {row: cosine for row, cosine in compared.items() if cosine >= floor}
        meant = self._filter(cosines, selection.condition)
        return sorted(((row, cosines[row]) for row in meant), key=itemgetter(1), reverse=True)[:CANDIDATES]

    def refresh(self) -> None:
        """Read what changed, so that a search need not."""
        with self._lock:
            self._read_changes()

    def _filter(self, rows: Iterable[int], condition: Condition) -> list[int]:
        expression, parameters = condition
        found = self._read(
            "SELECT row FROM json_each(?) AS near CROSS JOIN memory ON memory.row = near.value "
            f"WHERE {expression} ORDER BY row DESC",
            (json.dumps(list(rows)), *parameters),
        )
        return [row for (row,) in found]

    def _list_rows(self, condition: Condition) -> Rows:
        expression, parameters = condition
        return _to_rows(self._read(f"SELECT row FROM memory WHERE {expression}", parameters))

    def _read_changes(self) -> None:
        """Drop the vectors that are gone, and read those that were added."""
        ((deletions,),) = self._read("SELECT deletions FROM vector_state", ())
        if deletions != self._deletions:
            self._table.keep(_to_rows(self._read("SELECT sequence FROM vector", ())))
            self._deletions = deletions
        while found := self._read_new():
            self._table.append(found)

    def _read_new(self) -> list[tuple[Any, ...]]:
        return self._read(
            "SELECT value, sequence, vector.row, audience, speaker FROM vector "
            "JOIN memory ON memory.row = vector.row WHERE sequence > ? AND model = ? AND dimensions = ? "
            f"ORDER BY sequence LIMIT {_LOADED_ROWS}",
            (self._table.last, self._model, self.dimensions),
        )


def _to_rows(found: Iterable[tuple[int]]) -> Rows:
    return np.array(found, np.int64).ravel()
