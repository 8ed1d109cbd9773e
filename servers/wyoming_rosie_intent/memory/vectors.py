"""Vectors: comparing a few exactly, and finding the nearest of many by their signs."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
Signs: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.int64]
_SCALE = 127
_BITS = 64
_FARTHEST = np.iinfo(np.uint16).max


def normalize(vectors: Vectors) -> Vectors:
    """Return vectors of length 1; one without a direction stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def to_bytes(vector: Vectors) -> bytes:
    """Return a vector as its scale and a byte for each dimension, a quarter of its size."""
    largest = np.float32(max(float(np.abs(vector).max(initial=0.0)), 1e-12))
    return largest.tobytes() + np.round(vector / largest * _SCALE).astype(np.int8).tobytes()


def from_bytes(values: Sequence[bytes]) -> Vectors:
    """Return the vectors of `to_bytes`, all of one model."""
    joined = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)
    scales = joined[:, :4].copy().view(np.float32)
    return joined[:, 4:].view(np.int8).astype(np.float32) * (scales / np.float32(_SCALE))


def to_signs(vectors: Vectors) -> Signs:
    """Return a bit for each dimension, in whole words: a column for each vector, so that a row is compared at once."""
    dimensions = vectors.shape[1]
    padded = np.zeros((len(vectors), -(-dimensions // _BITS) * _BITS), np.bool_)
    padded[:, :dimensions] = vectors > 0
    return np.ascontiguousarray(np.packbits(padded, axis=1).view(np.uint64).T)


def rank_by_signs(query: Signs, signs: Signs, allowed: NDArray[np.bool_], most: int) -> Rows:
    """Return the positions of the `most` allowed signs that differ least from the query's, in no order; of equal ones the last."""
    if np.count_nonzero(allowed) <= most:
        return np.flatnonzero(allowed)
    distances = np.zeros(len(allowed), np.uint16)
    for words, word in zip(signs, query, strict=True):
        distances += np.bitwise_count(words ^ word)
    distances[~allowed] = _FARTHEST
    largest = np.searchsorted(np.bincount(distances).cumsum(), most)
    nearer, equal = np.flatnonzero(distances < largest), np.flatnonzero(distances == largest)
    return np.append(nearer, equal[len(nearer) - most :])
