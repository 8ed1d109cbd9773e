"""Names of what a service knows, also as speech recognition writes them otherwise, for the plugins of services."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from wyoming_rosie_intent.rules.filler_words import LanguageHints, normalize_words, split_words
from wyoming_rosie_intent.rules.name_index import NameIndex
from wyoming_rosie_intent.rules.phonetics import EXACT_SCORE, SUFFIX_SCORE

MIN_SCORE = 0.79
"""Least score of a name that is written otherwise: Jon is John (0.795), and Tim is not Tom (0.77)."""
TIE_MARGIN = 0.07
"""Names that score less below the best one are as likely."""
MAX_NAME_WORDS = 4
"""Words of the longest name at the beginning of a text."""
Item = TypeVar("Item")


@dataclass(frozen=True)
class NamedItems(Generic[Item]):
    """What a name may mean, and how well it fits, from 0 to 1."""

    items: tuple[Item, ...] = ()
    score: float = 0.0


class SpokenNames(Generic[Item]):
    """Items by their names; an item may have several, and several items the same."""

    def __init__(self, named: Iterable[tuple[str, Item]]) -> None:
        self._items: dict[str, list[Item]] = defaultdict(list)
        for name, item in named:
            key = " ".join(normalize_words(name))
            if key and item not in self._items[key]:
                self._items[key].append(item)
        self._index = NameIndex(self._items, LanguageHints(), frozenset())

    def find(self, text: str) -> NamedItems[Item]:
        """Return the items whose name a text is as a whole."""
        words = normalize_words(text)
        found: list[tuple[float, Item]] = []
        for match in self._index.find_names(words) if words else ():
            if (match.start, match.end) == (0, len(words)) and match.score >= MIN_SCORE:
                found.extend((match.score, item) for item in self._items[match.name])
        best = max((score for score, _ in found), default=0.0)
        least = EXACT_SCORE if best == EXACT_SCORE else best - TIE_MARGIN
        items: list[Item] = []
        for score, item in found:
            if score >= least and item not in items:
                items.append(item)
        return NamedItems(tuple(items), best)

    def find_first(self, text: str) -> tuple[NamedItems[Item], str]:
        """Return the items whose name a text begins with, the longest one, and the rest of the text."""
        words = tuple(split_words(text))
        lengths = range(1, min(MAX_NAME_WORDS, len(words)) + 1)
        found = {length: self.find(" ".join(words[:length])) for length in lengths}
        length = max(found, key=lambda one: (found[one].score >= SUFFIX_SCORE, found[one].score > 0, one), default=0)
        return found.get(length, NamedItems()), " ".join(text.split()[length:])
