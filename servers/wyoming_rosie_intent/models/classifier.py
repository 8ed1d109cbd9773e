"""How hard a request is, judged by its words; explainable, and too quick to matter."""

from dataclasses import dataclass
from enum import StrEnum


class Complexity(StrEnum):
    SIMPLE = "simple"  # facts, weather, small talk, the home
    MEDIUM = "medium"  # an explanation, a recipe, a few sentences of one's own
    COMPLEX = "complex"  # long texts, comparisons, plans, code, sums of several steps


@dataclass(frozen=True)
class Route:
    """How hard a request is, and why."""

    complexity: Complexity
    reasons: tuple[str, ...] = ()


def classify(text: str) -> Route:
    return Route(Complexity.SIMPLE)
