"""Ranking of what a search found: rankings of several kinds joined, newer talk before older."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from wyoming_rosie_intent.memory.model import MemoryKind

RANK_OFFSET = 60
"""Of reciprocal rank fusion: the larger, the less the first ranks differ."""
HALF_LIFE_SECONDS = 30 * 86_400.0
"""Age at which talk counts half; facts and documents do not age."""

Ranking: TypeAlias = Mapping[int, bool]
"""What one kind of search found, best first, and whether each is near enough to be told without a doubt."""


def fuse(rankings: Iterable[Ranking]) -> Mapping[int, float]:
    """Return the score of each item by reciprocal rank fusion."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (RANK_OFFSET + rank)
    return scores


def weigh_age(kind: MemoryKind | str, at: float, now: float) -> float:
    """Return the factor of a record's age, from 0 to 1."""
    if kind != MemoryKind.CONVERSATION:
        return 1.0
    return float(0.5 ** (max(0.0, now - at) / HALF_LIFE_SECONDS))
