"""Search by vectors: the signs of all vectors in memory, the vectors of the nearest from the file.

Numpy is imported by those who have an embedding model only.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wyoming_rosie_intent.memory.model import CURRENT, SpeakerRole
from wyoming_rosie_intent.memory.stores.sqlite.audiences import Read, Selection, to_audience
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition
from wyoming_rosie_intent.memory.vectors import Rows, Signs, Vectors, from_bytes, rank_by_signs, to_signs

COMPARED = 400
"""Nearest by their signs, whose vectors are compared exactly."""
CANDIDATES = 50
"""Best results."""
_LOADED_ROWS = 5_000
_ENTRY = np.dtype([("sequence", np.int64), ("row", np.int64), ("audience", np.int32), ("is_person", np.bool_)])
"""What is known of a vector without reading the file."""


class VectorIndex:
    """The signs of one model's vectors, read when they are first needed and then as they change. Safe for threads."""

    def __init__(self, read: Read, model: str, dimensions: int) -> None:
        self._read = read
        self._model = model
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self._last = 0  # sequence number of the newest vector that was read
        self._deletions = -1
        self._signs: Signs = to_signs(np.zeros((0, dimensions), np.float32))
        self._entries = np.zeros(0, _ENTRY)

    def search(self, query: Vectors, floor: float, selection: Selection) -> list[tuple[int, float]]:
        """Return the selected memories whose cosines with the query are `floor` or more, and these, best first."""
        is_known = replace(selection.rest, speaker=None) == CURRENT
        listed = None if is_known else self._list_rows(selection.condition)
        with self._lock:
            self._read_changes()
            allowed = self._select(selection)
            if listed is not None:
                allowed &= np.isin(self._entries["row"], listed)
            near = self._entries["sequence"][rank_by_signs(to_signs(query[None, :]), self._signs, allowed, COMPARED)]
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

    def _select(self, selection: Selection) -> NDArray[np.bool_]:
        """Return which vectors are of the audiences and of the speaker."""
        chosen = np.zeros(max(selection.audiences, default=0) + 2, np.bool_)
        chosen[list(selection.audiences)] = True
        allowed = chosen.take(
            self._entries["audience"], mode="clip"
        )  # higher numbers are taken for the last, which is not chosen
        if selection.rest.speaker is not None:
            allowed &= self._entries["is_person"] == (selection.rest.speaker is SpeakerRole.PERSON)
        return allowed

    def _list_rows(self, condition: Condition) -> Rows:
        expression, parameters = condition
        return np.array(self._read(f"SELECT row FROM memory WHERE {expression}", parameters), np.int64).ravel()

    def refresh(self) -> None:
        """Read what changed, so that a search need not."""
        with self._lock:
            self._read_changes()

    def _read_changes(self) -> None:
        """Drop the vectors that are gone, and read those that were added."""
        ((deletions,),) = self._read("SELECT deletions FROM vector_state", ())
        if deletions != self._deletions:
            self._drop_deleted()
            self._deletions = deletions
        while found := self._read_new():
            self._append(found)

    def _drop_deleted(self) -> None:
        kept = self._read("SELECT sequence FROM vector WHERE sequence <= ?", (self._last,))
        mask = np.isin(self._entries["sequence"], np.array(kept, np.int64).ravel())
        self._entries, self._signs = self._entries[mask], self._signs[:, mask]

    def _read_new(self) -> list[tuple[Any, ...]]:
        return self._read(
            "SELECT value, sequence, vector.row, audience, speaker FROM vector "
            "JOIN memory ON memory.row = vector.row WHERE sequence > ? AND model = ? AND dimensions = ? "
            f"ORDER BY sequence LIMIT {_LOADED_ROWS}",
            (self._last, self._model, self.dimensions),
        )

    def _append(self, found: Sequence[tuple[Any, ...]]) -> None:
        entries = [
            (sequence, row, to_audience(token), speaker == SpeakerRole.PERSON)
            for _, sequence, row, token, speaker in found
        ]
        self._entries = np.append(self._entries, np.array(entries, _ENTRY))
        self._signs = np.concatenate((self._signs, to_signs(from_bytes([value for value, *_ in found]))), axis=1)
        self._last = entries[-1][0]
