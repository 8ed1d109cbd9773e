"""Search by words: the memories that have enough of the words of a question, the rarer the better."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wyoming_rosie_intent.memory.ranking import Ranking
from wyoming_rosie_intent.memory.stop_words import get_stop_words
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
_ALL = -1  # as a limit
_REFERENCE_ROWS = 10_000
"""Of the weight of a word. The true number of memories would tell how many there are that may not be found."""


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
    words = [word for word in split_words(text) if word not in get_stop_words(language)]
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
        total = sum(term.weight for term in terms)
        coverage = {row: weight / total for row, weight in self._sum_weights(self._find_candidates(terms)).items()}
        found = [row for row, share in coverage.items() if share >= MIN_COVERAGE[self.name]]
        found.sort(key=lambda row: (coverage[row], row), reverse=True)
        return {row: coverage[row] >= SURE_COVERAGE for row in found[:CANDIDATES]}

    def _look_up(self, text: str) -> _Term:
        rows = self._match(quote(text), COMMON_ROWS + 1)
        weight = 1.0 if self.name == "trigram" else math.log(1 + _REFERENCE_ROWS / (len(rows) + 0.5))
        return _Term(text, rows, weight)

    def _find_candidates(self, terms: Sequence[_Term]) -> list[_Term]:
        """Return the terms with the candidates that have them: all with a rare term; without one, the newest with all terms."""
        known = [term for term in terms if term.rows]
        if not known:
            return []
        if rare := [quote(term.text) for term in known if not term.is_common]:
            return [self._narrow(term, " OR ".join(rare)) if term.is_common else term for term in known]
        rows = self._match(" AND ".join(quote(term.text) for term in known), CANDIDATES)
        return [replace(term, rows=rows) for term in known]

    def _narrow(self, term: _Term, query: str) -> _Term:
        """Return a term with those of its memories that match a query; one query for all is much faster than one for each."""
        return replace(term, rows=self._match(f"{quote(term.text)} AND ({query})", _ALL))

    def _sum_weights(self, terms: Sequence[_Term]) -> Mapping[int, float]:
        shares: dict[int, float] = defaultdict(float)
        for term in terms:
            for row in term.rows:
                shares[row] += term.weight
        return shares

    def _match(self, query: str, most: int) -> tuple[int, ...]:
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
        return tuple(row for (row,) in found)
