"""Vectors of the memories: made in the background for the present model, and searched."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

import numpy as np

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.memory.embedding import EmbeddingError, EmbeddingModel
from wyoming_rosie_intent.memory.ranking import Ranking
from wyoming_rosie_intent.memory.stores.sqlite.audiences import Read, Selection
from wyoming_rosie_intent.memory.stores.sqlite.vector_search import VectorIndex
from wyoming_rosie_intent.memory.vectors import Vectors, to_bytes

Transaction: TypeAlias = Callable[[], AbstractContextManager[sqlite3.Connection]]
BATCH_ROWS = 16
"""Memories that are embedded at a time."""
_ALL_PENDING = "INSERT OR IGNORE INTO pending_vector SELECT row FROM memory"


class EmbeddedMemories:
    """One model's vectors in the file. A changed model makes all vectors anew, since those of two cannot be compared."""

    def __init__(self, read: Read, transaction: Transaction, model: EmbeddingModel) -> None:
        self._read = read
        self._transaction = transaction
        self._model = model
        self._lock = threading.Lock()
        self._index: VectorIndex | None = None
        self._last_query: tuple[str | None, Vectors] = (None, np.zeros(0, np.float32))
        with transaction() as writer:
            if writer.execute("SELECT model FROM vector_state").fetchone() != (model.name,):
                _begin_model(writer, model.name, 0)

    @property
    def model_name(self) -> str:
        return self._model.name

    def count(self) -> tuple[int, int]:
        """Return how many vectors there are, and how many memories wait for one."""
        ((vectors, pending),) = self._read(
            "SELECT (SELECT COUNT(*) FROM vector), (SELECT COUNT(*) FROM pending_vector)", ()
        )
        return vectors, pending

    def embed_pending(self) -> bool:
        """Embed some of the memories that wait, newest first; return whether more wait. Raises EmbeddingError.

        Once none waits, what a search compares is read, so that the first search need not.
        """
        rows = self._read(
            "SELECT memory.row, text, language FROM pending_vector CROSS JOIN memory ON memory.row = pending_vector.row "
            "ORDER BY pending_vector.row DESC LIMIT ?",
            (BATCH_ROWS,),
        )
        chosen = [(row, text) for row, text, language in rows if self._knows(language)]
        vectors = self._model.embed([text for _, text in chosen]) if chosen else np.zeros((0, 0), np.float32)
        self._store([row for row, _ in chosen], vectors, [row for row, *_ in rows])
        if self._read("SELECT 1 FROM pending_vector LIMIT 1", ()):
            return True
        ((dimensions,),) = self._read("SELECT dimensions FROM vector_state", ())
        self._get_index(dimensions).refresh()
        return False

    def search(self, text: str, language: str | None, selection: Selection) -> Ranking:
        """Return the memories that are near enough to a text; none for a language that the model does not know."""
        if not self._knows(language):
            return {}
        try:
            query = self._embed_query(text)
        except EmbeddingError:  # full text goes on; the memories that wait report it
            return {}
        found = self._get_index(len(query)).search(query, self._model.floor, selection)
        return {row: cosine >= self._model.sure_floor for row, cosine in found}

    def _embed_query(self, text: str) -> Vectors:
        """Return the vector of a text, which is searched for twice in a turn: among the facts, then for a language model."""
        last_text, query = self._last_query
        if text != last_text:
            (query,) = self._model.embed([text], is_query=True)
            self._last_query = (text, query)
        return query

    def _get_index(self, dimensions: int) -> VectorIndex:
        with self._lock:
            if self._index is None or self._index.dimensions != dimensions:
                self._index = VectorIndex(self._read, self._model.name, dimensions)
            return self._index

    def _knows(self, language: str | None) -> bool:
        return language is None or not self._model.languages or base_language(language) in self._model.languages

    def _store(self, rows: Sequence[int], vectors: Vectors, done: Sequence[int]) -> None:
        """Store the vectors of those rows that are still there."""
        dimensions = vectors.shape[1]
        with self._transaction() as writer:
            if rows and writer.execute("SELECT dimensions FROM vector_state").fetchone() != (dimensions,):
                _begin_model(writer, self._model.name, dimensions)
            writer.executemany(
                "INSERT OR REPLACE INTO vector (row, model, dimensions, value) SELECT row, ?, ?, ? FROM memory WHERE row = ?",
                [
                    (self._model.name, dimensions, to_bytes(vector), row)
                    for row, vector in zip(rows, vectors, strict=True)
                ],
            )
            writer.executemany("DELETE FROM pending_vector WHERE row = ?", [(row,) for row in done])


def _begin_model(writer: sqlite3.Connection, model: str, dimensions: int) -> None:
    writer.execute("DELETE FROM vector")
    writer.execute(_ALL_PENDING)
    writer.execute("UPDATE vector_state SET model = ?, dimensions = ?", (model, dimensions))
