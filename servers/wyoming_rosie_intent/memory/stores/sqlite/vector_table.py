"""Vectors of one model in memory, in columns: what a search compares without reading the file."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wyoming_rosie_intent.memory.model import SpeakerRole
from wyoming_rosie_intent.memory.stores.sqlite.audiences import to_audience
from wyoming_rosie_intent.memory.vectors import (
    GrowingArray,
    Rows,
    Vectors,
    compare,
    count_words,
    from_bytes,
    rank_by_signs,
    to_signs,
)

VectorRow: TypeAlias = tuple[bytes, int, int, str, str]
"""A vector of the file: its value, its sequence number, and the memory's row, audience and speaker."""


class VectorTable:
    """A byte for each dimension of a vector, its signs, and what is known of its memory; sorted by sequence numbers."""

    def __init__(self, dimensions: int) -> None:
        self._sequences = GrowingArray(np.int64)
        self._rows = GrowingArray(np.int64)
        self._audiences = GrowingArray(np.intp)  # as an index, whose selection is twice as fast
        self._are_of_persons = GrowingArray(np.bool_)
        self._values = GrowingArray(np.int8, dimensions)
        self._scales = GrowingArray(np.float32)
        self._signs = [GrowingArray(np.uint64) for _ in range(count_words(dimensions))]

    @property
    def rows(self) -> Rows:
        return self._rows.values

    @property
    def last(self) -> int:
        """The sequence number of the newest vector; 0 without any."""
        return int(self._sequences.values[-1]) if len(self.rows) else 0

    def append(self, found: Sequence[VectorRow]) -> None:
        blobs, sequences, rows, tokens, speakers = zip(*found, strict=True)
        values, scales = from_bytes(blobs)
        self._sequences.extend(np.array(sequences, np.int64))
        self._rows.extend(np.array(rows, np.int64))
        self._audiences.extend(np.array([to_audience(token) for token in tokens], np.intp))
        self._are_of_persons.extend(np.array([speaker == SpeakerRole.PERSON for speaker in speakers], np.bool_))
        self._values.extend(values)
        self._scales.extend(scales)
        for column, signs in zip(self._signs, to_signs(values), strict=True):
            column.extend(signs)

    def keep(self, sequences: Rows) -> None:
        """Drop all other vectors."""
        mask = np.isin(self._sequences.values, sequences)
        for column in self._columns():
            column.keep(mask)

    def select(self, audiences: frozenset[int], speaker: SpeakerRole | None) -> NDArray[np.bool_]:
        """Return which vectors are of the audiences, and of the speaker if there is one."""
        chosen = np.zeros(max(audiences, default=0) + 2, np.bool_)
        chosen[list(audiences)] = True
        # higher numbers are taken for the last, which is not chosen
        allowed = chosen.take(self._audiences.values, mode="clip")
        if speaker is not None:
            allowed &= self._are_of_persons.values == (speaker is SpeakerRole.PERSON)
        return allowed

    def compare(self, query: Vectors, allowed: NDArray[np.bool_], most: int) -> dict[int, float]:
        """Return the cosines of the `most` allowed memories that are nearest by their signs."""
        signs = [column.values for column in self._signs]
        near = rank_by_signs(to_signs(query[None, :]), signs, allowed, most)
        cosines = compare(self._values.values[near], self._scales.values[near], query)
        return dict(zip(self.rows[near].tolist(), cosines.tolist(), strict=True))

    def _columns(self) -> Iterator[GrowingArray[Any]]:
        yield from (self._sequences, self._rows, self._audiences, self._are_of_persons, self._values, self._scales)
        yield from self._signs
