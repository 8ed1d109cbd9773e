"""Topics of facts: what a sentence is about, so that a newer one about the same replaces it. Pure.

Only sentences that give one thing one value have a topic: "my bin day is Tuesday". Those that may be true beside each other have
none: "I am allergic to nuts", "my sister is a doctor". To keep two that contradict is better than to lose one that does not.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language

_TABLE = Path(__file__).with_name("topics.toml")
_SPACES = re.compile(r"[\s,.;!?]+")
_TIME = re.compile(r"\d{1,2}[:.]\d\d|\d{1,2} ?(?:am|pm|a\.m|p\.m|uhr|h|heures?|uur)\b")
_NUMBER = re.compile(r"\d+")
_MAX_CHARACTERS = 300
_MAX_THING_WORDS = 8


@dataclass(frozen=True)
class _Language:
    """Patterns of one language: `THING VERB VALUE`."""

    statement: re.Pattern[str]
    description: re.Pattern[str]  # beginning of a value that may be true beside others
    people: frozenset[str]  # who may have many such properties at once
    days: re.Pattern[str]
    places: re.Pattern[str]


def find_topic(text: str, language: str | None) -> str | None:
    """Return the topic of a fact, the same for sentences of which the newest is true; None without one."""
    thing, kind = _parse(text, language)
    is_of_many = kind == "name" and not _get_people(language).isdisjoint(thing.split())
    return None if kind is None or is_of_many else f"{thing}|{kind}"


def find_kind(text: str, language: str | None) -> str | None:
    """Return the kind of value that a fact gives to a thing: day, time, place, number or name; None if it gives none."""
    _, kind = _parse(text, language)
    return kind


def find_people(text: str, language: str | None) -> frozenset[str]:
    """Return the words for relatives, friends and pets in a text."""
    words = (word.partition("'")[0] for word in _SPACES.split(text.lower().replace("\u2019", "'")))
    return _get_people(language).intersection(words)


def _get_people(language: str | None) -> frozenset[str]:
    rules = _find_rules(language)
    return frozenset() if rules is None else rules.people


def _parse(text: str, language: str | None) -> tuple[str, str | None]:
    """Return the thing that a fact is about, and the kind of the value that it gives to it."""
    rules = _find_rules(language) if len(text) <= _MAX_CHARACTERS else None
    found = rules.statement.fullmatch(_SPACES.sub(" ", text.lower()).strip()) if rules is not None else None
    if rules is None or found is None or len(found["thing"].split()) > _MAX_THING_WORDS:
        return "", None
    return found["thing"], _kind_of_value(found["value"], rules)


def _kind_of_value(value: str, rules: _Language) -> str | None:
    """Return the kind of a value: one of another kind does not contradict it; None if values of its kind never do."""
    if rules.description.match(value):
        return None
    if rules.days.search(value):
        return "day"
    if _TIME.search(value):
        return "time"
    if rules.places.match(value):
        return "place"
    return "number" if _NUMBER.fullmatch(value.split()[0]) else "name"


def _find_rules(language: str | None) -> _Language | None:
    return _load().get(base_language(language or ""))


@cache
def _load() -> Mapping[str, _Language]:
    tables = tomllib.loads(_TABLE.read_text("utf-8"))
    return {name: _compile(table) for name, table in tables.items()}


def _compile(table: Mapping[str, str]) -> _Language:
    statement = rf"(?:{table['before']} )?(?P<thing>(?:{table['owner']}) ?.+?) (?:{table['verb']}) (?P<value>.+)"
    return _Language(
        re.compile(statement),
        re.compile(rf"(?:{table['description']})\b"),
        frozenset(table["people"].split()),
        re.compile(rf"\b(?:{table['days']})"),
        re.compile(rf"(?:{table['places']})\b"),
    )
