"""Questions: whether a fact that is near to one answers it, by whom and what it asks for. Pure."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.memory.topics import find_kind, find_people

_TABLE = Path(__file__).with_name("questions.toml")
_NUMBER, _NAME = "number", "name"
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Language:
    possessive: re.Pattern[str]
    has_names: bool
    asks: Mapping[str, re.Pattern[str]]


def is_answered_by(question: str, fact: str, language: str | None) -> bool:
    """Return whether a fact may answer a question in its language: about the same people, with a value of the kind asked for.

    "When is my birthday?" is not answered by "my sister's birthday is on Sunday", nor by "my birthday present is a book".
    """
    rules = _load().get(base_language(language or ""))
    if rules is None:
        return True
    return (
        _is_about_same_people(question, fact, language, rules)
        and _has_kind(question, fact, language, rules)
        and (not rules.has_names or _has_names(question, fact))
    )


def prepare() -> None:
    """Load the words of all languages. Blocks."""
    _load()


def _is_about_same_people(question: str, fact: str, language: str | None, rules: _Language) -> bool:
    asked, told = find_people(question, language), find_people(fact, language)
    is_of_speaker = rules.possessive.search(question.lower()) is not None
    return asked <= told and (asked == told or not is_of_speaker)


def _has_kind(question: str, fact: str, language: str | None, rules: _Language) -> bool:
    kind = find_kind(fact, language)
    wanted = {name for name, pattern in rules.asks.items() if pattern.search(question.lower())}
    if _NUMBER in wanted:
        wanted.add(_NAME)  # "ten years old"
    return kind is None or not wanted or kind in wanted


def _has_names(question: str, fact: str) -> bool:
    """Return whether the names in a question, words with a capital letter but the first, are in the fact."""
    _, *words = _WORD.findall(question) or [""]
    known = {word.lower() for word in _WORD.findall(fact)}
    return all(word.lower() in known for word in words if word[0].isupper() and len(word) > 1)


@cache
def _load() -> Mapping[str, _Language]:
    tables = tomllib.loads(_TABLE.read_text("utf-8"))
    return {name: _compile(table) for name, table in tables.items()}


def _compile(table: Mapping[str, object]) -> _Language:
    asks = table["asks"]
    assert isinstance(asks, Mapping)
    return _Language(
        re.compile(rf"\b(?:{table['possessives']})\b"),
        table["names"] is True,
        {name: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for name, words in asks.items()},
    )
