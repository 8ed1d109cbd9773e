"""Search by words: the memories that have enough of the words of a question, the rarer the better."""

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from wyoming_rosie_intent.memory.ranking import Ranking
from wyoming_rosie_intent.memory.stores.sqlite.conditions import Condition
from wyoming_rosie_intent.memory.stores.sqlite.database import TOKENIZERS
from wyoming_rosie_intent.memory.stores.sqlite.full_text import quote, split_terms, split_words

Read: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
CANDIDATES = 50
"""Best results of a table."""
MIN_COVERAGE = {"porter": 0.55, "words": 0.55, "trigram": 0.3}
"""Share of a question's words, weighted by rarity, that a memory needs: with half of two words it is about something else.

Of trigrams, which all weigh the same, a third: the others are of question words and endings, which have no list here.
"""
SURE_COVERAGE = 0.8
COMMON_ROWS = 400
"""Memories that have a word, beyond which it is common: its memories are not listed."""
MAX_RANKED_ROWS = 5_000
"""Memories that have any of the words; of more, the newest are taken, since ranking all would take too long."""
_STOP_WORDS = Path(__file__).parents[2] / "stop_words.toml"


@dataclass(frozen=True)
class _Term:
    """A word of a question in one table: its weight, and the memories that have it; None for a common one."""

    text: str
    weight: float
    count: int
    rows: frozenset[int] | None


def rank_by_words(read: Read, text: str, language: str | None, condition: Condition) -> list[Ranking]:
    """Return the rankings of the full-text tables, as rows of `memory`."""
    words = [word for word in split_words(text) if word not in _stop_words(language)]
    terms = {table: split_terms(words, table) for table in TOKENIZERS}
    return [_rank(read, table, found, condition) for table, found in terms.items() if found]


def _rank(read: Read, table: str, texts: Sequence[str], condition: Condition) -> Ranking:
    total = next(iter(read("SELECT COALESCE(MAX(row), 0) FROM memory", ())))[0]
    terms = [_look_up(read, table, text, total) for text in texts]
    if not any(term.count for term in terms):
        return {}
    found = _find_candidates(read, table, terms, condition)
    coverage = _measure_coverage(read, table, terms, found)
    return {row: coverage[row] >= SURE_COVERAGE for row in found if coverage[row] >= MIN_COVERAGE[table]}


def _look_up(read: Read, table: str, text: str, total: int) -> _Term:
    having = f"SELECT rowid FROM text_{table} WHERE text_{table} MATCH ?"
    rows = read(f"{having} LIMIT {COMMON_ROWS + 1}", (quote(text),))
    if len(rows) <= COMMON_ROWS:
        count, listed = len(rows), frozenset(row for (row,) in rows)
    else:
        ((count,),) = read(f"SELECT COUNT(*) FROM ({having} LIMIT {MAX_RANKED_ROWS + 1})", (quote(text),))
        listed = None
    weight = 1.0 if table == "trigram" else math.log(1 + total / (count + 0.5))
    return _Term(text, weight, count, listed)


def _find_candidates(read: Read, table: str, terms: Sequence[_Term], condition: Condition) -> list[int]:
    """Return the best memories that have any of the words, or the newest if there are too many."""
    chosen, ranked = _choose_terms(terms)
    operator, order = (" OR ", f"bm25(text_{table})") if ranked else (" AND ", "memory.row DESC")
    expression, parameters = condition
    found = read(
        f"SELECT memory.row FROM text_{table} JOIN memory ON memory.row = text_{table}.rowid "
        f"WHERE text_{table} MATCH ? AND {expression} ORDER BY {order} LIMIT {CANDIDATES}",
        (operator.join(quote(term.text) for term in chosen), *parameters),
    )
    return [row for (row,) in found]


def _choose_terms(terms: Sequence[_Term]) -> tuple[list[_Term], bool]:
    """Return the rarest words whose memories are few enough to be ranked; else all, which are not ranked."""
    chosen, rows = [], 0
    for term in sorted((term for term in terms if term.count), key=lambda term: term.count):
        rows += term.count
        if rows > MAX_RANKED_ROWS:
            break
        chosen.append(term)
    return (chosen, True) if chosen else ([term for term in terms if term.count], False)


def _measure_coverage(read: Read, table: str, terms: Sequence[_Term], rows: Sequence[int]) -> Mapping[int, float]:
    """Return for each memory the share of the words' weight that it has."""
    total = sum(term.weight for term in terms)
    coverage = dict.fromkeys(rows, 0.0)
    for term in terms:
        having = _rows_with(read, table, term, rows) if term.rows is None else term.rows.intersection(rows)
        for row in having:
            coverage[row] += term.weight / total
    return coverage


def _rows_with(read: Read, table: str, term: _Term, rows: Sequence[int]) -> list[int]:
    among = ", ".join(map(str, rows)) or "NULL"
    query = f"SELECT rowid FROM text_{table} WHERE text_{table} MATCH ? AND rowid IN ({among})"
    return [row for (row,) in read(query, (quote(term.text),))]


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
