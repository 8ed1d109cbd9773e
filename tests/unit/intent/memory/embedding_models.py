"""Embedding models that need no download."""

import zlib
from collections.abc import Sequence

import numpy as np

from wyoming_rosie_intent.memory.embedding import EmbeddingError
from wyoming_rosie_intent.memory.vectors import Vectors, normalize


class SynonymModel:
    """Knows which words mean the same: one dimension, drawn from the checksum, for each meaning."""

    floor = 0.4
    sure_floor = 0.7

    def __init__(self, name: str = "synonyms", dimensions: int = 256, languages: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.languages = languages
        self.is_away = False
        self.is_closed = False
        self.embedded: list[str] = []
        self._dimensions = dimensions
        self._meanings = {"rubbish": "bin", "garbage": "bin", "sibling": "sister"}

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Vectors:
        if self.is_away:
            raise EmbeddingError("the model is away")
        self.embedded += texts
        return normalize(np.stack([self._sum(text.lower().split()) for text in texts]))

    def close(self) -> None:
        self.is_closed = True

    def _sum(self, words: list[str]) -> Vectors:
        vectors = [self._draw(self._meanings.get(word, word)) for word in words]
        return np.asarray(np.sum([np.zeros(self._dimensions, np.float32), *vectors], axis=0), np.float32)

    def _draw(self, word: str) -> Vectors:
        draw = np.random.default_rng(zlib.crc32(word.encode()))
        return draw.standard_normal(self._dimensions).astype(np.float32)
