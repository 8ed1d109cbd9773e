"""Vectors: comparing a few exactly, and finding the nearest of many by their signs."""

from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Vectors: TypeAlias = NDArray[np.float32]
Signs: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.int64]
_SCALE = 127
_BITS = 64
_GROWTH = 1.25


class GrowingArray(Generic[Scalar]):
    """An array that grows at its end; most additions copy nothing of what is there."""

    def __init__(self, scalar: type[Scalar], *shape: int) -> None:
        self._size = 0
        self._array: NDArray[Scalar] = np.empty((0, *shape), scalar)

    @property
    def values(self) -> NDArray[Scalar]:
        return self._array[: self._size]

    def extend(self, values: NDArray[Scalar]) -> None:
        size = self._size + len(values)
        if size > len(self._array):
            grown = np.empty((int(size * _GROWTH), *self._array.shape[1:]), self._array.dtype)
            grown[: self._size] = self.values
            self._array = grown
        self._array[self._size : size] = values
        self._size = size

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Keep what a mask chooses, and nothing else in memory."""
        self._array = self.values[mask]
        self._size = len(self._array)


def normalize(vectors: Vectors) -> Vectors:
    """Return vectors of length 1; one without a direction stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def to_bytes(vector: Vectors) -> bytes:
    """Return a vector as its scale and a byte for each dimension, a quarter of its size."""
    largest = np.float32(max(float(np.abs(vector).max(initial=0.0)), 1e-12))
    return largest.tobytes() + np.round(vector / largest * _SCALE).astype(np.int8).tobytes()


def from_bytes(values: Sequence[bytes]) -> tuple[NDArray[np.int8], Vectors]:
    """Return the bytes of vectors and their scales, of the results of `to_bytes`, all of one model."""
    joined = np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)
    return joined[:, 4:].view(np.int8), joined[:, :4].copy().view(np.float32).ravel()


def compare(values: NDArray[np.int8], scales: Vectors, query: Vectors) -> Vectors:
    """Return the cosines of a query with vectors, of which there are the bytes and scales."""
    return (values.astype(np.float32) @ query) * (scales / np.float32(_SCALE))


def count_words(dimensions: int) -> int:
    """Return the number of words of a vector's signs."""
    return -(-dimensions // _BITS)


def to_signs(vectors: Vectors | NDArray[np.int8]) -> Signs:
    """Return a bit for each dimension, in whole words: a column for each vector, so that a row is compared at once."""
    dimensions = vectors.shape[1]
    padded = np.zeros((len(vectors), count_words(dimensions) * _BITS), np.bool_)
    padded[:, :dimensions] = vectors > 0
    return np.ascontiguousarray(np.packbits(padded, axis=1).view(np.uint64).T)


def rank_by_signs(
    query: Signs, signs: Sequence[NDArray[np.uint64]], allowed: NDArray[np.bool_], most: int
) -> NDArray[np.intp]:
    """Return the positions of the `most` allowed signs that differ least from the query's, in no order; of equal ones the last."""
    if np.count_nonzero(allowed) <= most:
        return np.flatnonzero(allowed)
    distances = np.zeros(len(allowed), np.uint16)
    for words, word in zip(signs, query, strict=True):
        distances += np.bitwise_count(words ^ word)
    distances = np.where(allowed, distances, np.uint16(len(signs) * _BITS + 1))  # farther than any
    largest = np.searchsorted(np.bincount(distances).cumsum(), most)
    near = np.flatnonzero(distances <= largest)
    is_equal = distances[near] == largest
    nearer = near[~is_equal]
    return np.append(nearer, near[is_equal][len(nearer) - most :])
