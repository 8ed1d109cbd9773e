"""Search by words: the memories that have enough of the words of a question, the rarer the better."""

import math
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from wyoming_rosie_intent.memory.ranking import Ranking
from wyoming_rosie_intent.memory.stores.sqlite.audiences import Read, Selection
from wyoming_rosie_intent.memory.stores.sqlite.full_text import quote, split_terms, split_words
from wyoming_rosie_intent.memory.stores.sqlite.schema import TOKENIZERS

MIN_COVERAGE = {"porter": 0.55, "words": 0.55, "trigram": 0.3}
"""Share of a question's words, weighted by rarity, that a memory needs: with half of two words it is about something else.

Of trigrams, which all weigh the same, a third: the others are of question words and endings, which have no list here.
"""
SURE_COVERAGE = 0.8
CANDIDATES = 50
"""Best results of a table."""
COMMON_ROWS = 200
"""Memories that have a word, beyond which it is common: the newest of them are enough."""
_REFERENCE_ROWS = 10_000
"""Of the weight of a word. The true number of memories would tell how many there are that may not be found."""
_STOP_WORDS = Path(__file__).parents[2] / "stop_words.toml"


@dataclass(frozen=True)
class _Term:
    """A word of a question in one table, and the newest memories that have it."""

    text: str
    rows: tuple[int, ...]
    weight: float

    @property
    def is_common(self) -> bool:
        return len(self.rows) > COMMON_ROWS


def rank_by_words(read: Read, text: str, language: str | None, selection: Selection) -> list[Ranking]:
    """Return the rankings of the full-text tables."""
    words = [word for word in split_words(text) if word not in _stop_words(language)]
    terms = {table: split_terms(words, table) for table in TOKENIZERS}
    return [_Table(read, table, selection).rank(found) for table, found in terms.items() if found]


@dataclass(frozen=True)
class _Table:
    """A full-text table, as far as it may be searched."""

    read: Read
    name: str
    selection: Selection

    def rank(self, texts: Sequence[str]) -> Ranking:
        """Return the memories that have enough of the terms, the most first, then the newest."""
        terms = [self._look_up(text) for text in texts]
        coverage = self._measure_coverage(terms, self._find_candidates(terms))
        found = [row for row, share in coverage.items() if share >= MIN_COVERAGE[self.name]]
        found.sort(key=lambda row: (coverage[row], row), reverse=True)
        return {row: coverage[row] >= SURE_COVERAGE for row in found}

    def _look_up(self, text: str) -> _Term:
        rows = tuple(self._match(quote(text), COMMON_ROWS + 1))
        weight = 1.0 if self.name == "trigram" else math.log(1 + _REFERENCE_ROWS / (len(rows) + 0.5))
        return _Term(text, rows, weight)

    def _find_candidates(self, terms: Sequence[_Term]) -> list[int]:
        """Return the memories that have most of the rare terms; without a rare one, the newest that have all."""
        rare = [term for term in terms if term.rows and not term.is_common]
        if rare:
            shares = self._sum_weights(rare)
            return sorted(shares, key=lambda row: (shares[row], row), reverse=True)[:CANDIDATES]
        common = [quote(term.text) for term in terms if term.rows]
        return self._match(" AND ".join(common), CANDIDATES) if common else []

    def _measure_coverage(self, terms: Sequence[_Term], rows: Sequence[int]) -> Mapping[int, float]:
        """Return for each memory the share of the terms' weight that it has."""
        total = sum(term.weight for term in terms)
        having = [replace(term, rows=self._having(term, rows)) for term in terms]
        shares = self._sum_weights(having)
        return {row: shares[row] / total for row in rows}

    def _having(self, term: _Term, rows: Sequence[int]) -> tuple[int, ...]:
        if not term.is_common:
            return tuple(set(rows).intersection(term.rows))
        among = ", ".join(map(str, rows)) or "NULL"
        query = f"SELECT rowid FROM text_{self.name} WHERE text_{self.name} MATCH ? AND rowid IN ({among})"
        return tuple(row for (row,) in self.read(query, (f"text : {quote(term.text)}",)))

    def _sum_weights(self, terms: Sequence[_Term]) -> Mapping[int, float]:
        shares: dict[int, float] = defaultdict(float)
        for term in terms:
            for row in term.rows:
                shares[row] += term.weight
        return shares

    def _match(self, query: str, most: int) -> list[int]:
        """Return the newest selected memories that match; the audience is part of the index."""
        expression, parameters = self.selection.condition
        scoped = f"text : ({query})"
        if not self.selection.is_whole:
            scoped += f" AND audience : ({' OR '.join(map(quote, self.selection.tokens)) or quote('nobody')})"
        found = self.read(
            f"SELECT memory.row FROM text_{self.name} CROSS JOIN memory ON memory.row = text_{self.name}.rowid "
            f"WHERE text_{self.name} MATCH ? AND {expression} ORDER BY text_{self.name}.rowid DESC LIMIT {most}",
            (scoped, *parameters),
        )
        return [row for (row,) in found]


def _stop_words(language: str | None) -> frozenset[str]:
    """Return the words that a question's language has in any question; those of all languages for an unknown one."""
    tables = _load_stop_words()
    known = tables.get((language or "").partition("-")[0])
    if known is not None:
        return known
    return frozenset().union(*tables.values()) if language is None else frozenset()


@cache
def _load_stop_words() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in tomllib.loads(_STOP_WORDS.read_text("utf-8")).items()}
