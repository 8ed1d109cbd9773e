"""Parsing and formatting of spoken durations, in the languages of the folder `durations`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from wyoming_rosie.text.language_tags import base_language

Words: TypeAlias = tuple[str, ...]
_Value: TypeAlias = tuple[float, int]
"""A number, and the index of the word after it."""
_Amount: TypeAlias = tuple[dict[str, float], str, int]
"""Amounts by unit, the smallest of these units, and the index of the word after them."""
FOLDER = Path(__file__).with_name("durations")
DEFAULT_LANGUAGE = "en"
"""The language of `format_duration` for languages without a table."""
SECONDS = {"hour": 3600, "minute": 60, "second": 1}
MAX_AMOUNT = 100_000
"""A larger amount of a unit is not taken for a duration."""
_TOKEN = re.compile(
    r"\d{1,3}:\d{2}(?::\d{2})?(?!\d)|[13]/[24](?!\d)|\d+(?:[.,]\d+)?|[^\W\d_]+['\u2019]?|['\u2019][^\W\d_]+|[½¼¾,]"
)
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "1/2": 0.5, "1/4": 0.25, "3/4": 0.75}
_MAX_PHRASE_WORDS = 5


@dataclass(frozen=True)
class Duration:
    """A duration in a text, from character `start` to `end`. Amounts are as spoken: 90 minutes stay 90 minutes."""

    start: int
    end: int
    hours: int
    minutes: int
    seconds: int
    is_extra: bool = False  # "five more minutes"

    @property
    def total(self) -> int:
        """The whole duration in seconds."""
        return 3600 * self.hours + 60 * self.minutes + self.seconds


def languages() -> frozenset[str]:
    """Return the languages that have a table."""
    return frozenset(_TABLES)


def find(text: str, language: str) -> list[Duration]:
    """Return the durations in a text, in order; none in a language without a table."""
    table = _TABLES.get(base_language(language))
    return [found for found in _DurationParser(text, table).parse() if found.total] if table else []


def format_duration(seconds: float, language: str = DEFAULT_LANGUAGE) -> str:
    """Return a duration in words: "1 hour and 5 minutes"."""
    table = _TABLES.get(base_language(language), _TABLES[DEFAULT_LANGUAGE])
    names = [(count, table.units[unit]) for unit, count in _split_units(seconds)] or [(0, table.units["second"])]
    return join_list([f"{count} {forms[0] if count == 1 else forms[1]}" for count, forms in names], table.conjunction)


def format_modifier(seconds: float, language: str = DEFAULT_LANGUAGE) -> str:
    """Return a duration as it stands before a noun: "1 hour and 5 minute" (timer)."""
    table = _TABLES.get(base_language(language), _TABLES[DEFAULT_LANGUAGE])
    names = _split_units(seconds) or [("second", 0)]
    return join_list([f"{count} {table.units[unit][0]}" for unit, count in names], table.conjunction)


def join_list(words: list[str], last: str) -> str:
    """Return "a, b and c"; `last` is the separator before the last word, with its spaces."""
    return last.join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def format_minutes(minutes: int, language: str) -> str:
    """Return "5 minutes"."""
    return f"{minutes} {_TABLES[base_language(language)].units['minute'][1]}"


def _split_units(seconds: float) -> list[tuple[str, int]]:
    whole = round(seconds)
    amounts = {"hour": whole // 3600, "minute": whole % 3600 // 60, "second": whole % 60}
    return [(unit, count) for unit, count in amounts.items() if count]


@dataclass(frozen=True)
class _LanguageTable:
    """The table of one language. Phrases are tuples of lower-case words."""

    raw: Mapping[str, Any]

    @property
    def conjunction(self) -> str:
        return str(self.raw["joined"])

    @property
    def units(self) -> Mapping[str, list[str]]:
        units: Mapping[str, list[str]] = self.raw["units"]
        return units

    @cached_property
    def numbers(self) -> Mapping[Words, float]:
        words: dict[str, float] = {word: number for number, word in enumerate(self.raw["numbers"])}
        return _tokenize_keys({**words, **dict.fromkeys(self.raw["one"], 1), **self.raw["more"]})

    @cached_property
    def units_by_name(self) -> Mapping[Words, str]:
        return {_tokenize(name): unit for unit, names in self.units.items() for name in names}

    @cached_property
    def parts(self) -> Mapping[Words, float]:
        return _tokenize_keys(self.raw["parts"])

    @cached_property
    def mixed(self) -> Mapping[Words, float]:
        return _tokenize_keys(self.raw["whole"])

    @cached_property
    def single(self) -> Mapping[Words, float]:
        return _tokenize_keys(self.raw.get("single", {}))

    @cached_property
    def of(self) -> Mapping[Words, float]:
        return _tokenize_keys(dict.fromkeys(self.raw["of"], 0))

    def has(self, key: str, word: str | None) -> bool:
        return word is not None and word in self.raw[key]


def _tokenize_keys(table: Mapping[str, float]) -> Mapping[Words, float]:
    return {_tokenize(phrase): value for phrase, value in table.items()}


def _tokenize(text: str) -> Words:
    return tuple(found[0].casefold().replace("\u2019", "'") for found in _TOKEN.finditer(text))


class _DurationParser:
    """Parses one text. Its methods take the index of a word, and return a value and the index of the word after it."""

    def __init__(self, text: str, table: _LanguageTable) -> None:
        self._table = table
        self._text = text
        self._matches = list(_TOKEN.finditer(text))
        self._words = _tokenize(text)

    def parse(self) -> Iterator[Duration]:
        at = 0
        while at < len(self._words):
            read = self._parse_duration(at)
            if read is None:
                at += 1
            else:
                seconds, end = read
                yield self._create_duration(at, end, seconds)
                at = end

    def _create_duration(self, begin: int, end: int, amounts: Mapping[str, float]) -> Duration:
        """Return a duration whose fractions of hours and minutes are carried to the next unit."""
        hours = amounts.get("hour", 0.0)
        minutes = amounts.get("minute", 0.0) + 60 * (hours % 1)
        seconds = amounts.get("second", 0.0) + 60 * (round(minutes, 6) % 1)
        start, stop = self._matches[begin].start(), self._matches[end - 1].end()
        is_extra = any(self._table.has("extra", word) for word in self._words[begin:end])
        return Duration(start, stop, int(hours), int(round(minutes, 6)), round(seconds), is_extra)

    def _parse_duration(self, at: int) -> tuple[dict[str, float], int] | None:
        if (clock := self._parse_clock(at)) is not None:
            return clock
        first = self._parse_single_unit(at)
        if first is None:
            return None
        amounts, unit, end = first
        while unit != "second" and (more := self._parse_next(end, unit)) is not None:
            added, unit, end = more
            amounts = {key: amounts.get(key, 0.0) + added.get(key, 0.0) for key in SECONDS}
        return amounts, end

    def _parse_next(self, at: int, unit: str) -> _Amount | None:
        """Parse the amount of a smaller unit after an amount, which needs no unit at the end of the duration."""
        after = at + self._separator_length(at)
        part = self._parse_single_unit(after)
        if part is not None and SECONDS[part[1]] < SECONDS[unit]:
            return part
        smaller = "minute" if unit == "hour" else "second"
        number = self._parse_number(at)
        if part is None and number is not None and number[0] < 60 and self._can_end(at, number[1]):
            return {smaller: number[0]}, "second", number[1]
        return None

    def _can_end(self, begin: int, end: int) -> bool:
        is_attached = self._matches[begin - 1].end() == self._matches[begin].start()
        return is_attached or end == len(self._words) or self._table.has("end", self._get_word(end))

    def _separator_length(self, at: int) -> int:
        """Return the number of words here that join two amounts: "," and "and"."""
        comma = 1 if self._get_word(at) == "," else 0
        return comma + (1 if self._table.has("and", self._get_word(at + comma)) else 0)

    def _parse_single_unit(self, at: int) -> _Amount | None:
        """Parse an amount of one unit: "two and a half hours", "an hour and a quarter", "half an hour"."""
        return self._parse_fraction_of_unit(at) or self._parse_amount(at) or self._parse_named(at)

    def _parse_named(self, at: int) -> _Amount | None:
        for begin in (at, at + 1 if self._parse_number(at) == (1, at + 1) else at):
            if (read := self._match_phrase(self._table.single, begin)) is not None and self._is_adjacent(at, read[1]):
                return {"minute": read[0] / 60}, "minute", read[1]
        return None

    def _parse_fraction_of_unit(self, at: int) -> _Amount | None:
        part = self._parse_factor(at)
        if part is None:
            return None
        share, end = part
        of = self._match_phrase(self._table.of, end)
        for after in (of[1] if of else end, end):
            if (unit := self._parse_unit(after)) is not None and self._is_adjacent(at, unit[1]):
                return {unit[0]: share}, unit[0], unit[1]
        return None

    def _parse_amount(self, at: int) -> _Amount | None:
        number = self._match_phrase(self._table.mixed, at) or self._parse_number(at)
        if number is None:
            return None
        value, end = number
        half = self._parse_and_part(end)
        if half is not None and (unit := self._parse_unit(half[1])) is not None and not self._is_article(at):
            return {unit[0]: value + half[0]}, unit[0], unit[1]  # two and a half hours
        unit = self._parse_unit(end + 1 if self._table.has("extra", self._get_word(end)) else end)
        if unit is None or value > MAX_AMOUNT or not self._is_adjacent(at, unit[1]):
            return None
        name, end = unit
        half = self._parse_and_part(end)
        if half is not None and self._parse_fraction_of_unit(end + 1) is None:  # not an hour and half a minute
            return {name: value + half[0]}, name, half[1]  # an hour and a half
        return {name: value}, name, end

    def _parse_and_part(self, at: int) -> _Value | None:
        return self._parse_factor(at + 1) if self._table.has("and", self._get_word(at)) else None

    def _is_article(self, at: int) -> bool:
        """Return whether this word is an article, as in "an hour and a half"."""
        return self._get_word(at) in self._table.raw["one"]

    def _parse_factor(self, at: int) -> _Value | None:
        if (sign := _SIGNS.get(self._get_word(at) or "")) is not None:
            return sign, at + 1
        return self._match_phrase(self._table.parts, at)

    def _parse_unit(self, at: int) -> tuple[str, int] | None:
        for length in range(min(_MAX_PHRASE_WORDS, len(self._words) - at), 0, -1):
            if (unit := self._table.units_by_name.get(self._words[at : at + length])) is not None:
                return unit, at + length
        return None

    def _parse_number(self, at: int) -> _Value | None:
        """Parse a number in digits or words, up to hundreds."""
        word = self._get_word(at)
        if word is None:
            return None
        if word[0].isdecimal():
            return None if ":" in word or "/" in word else (float(word.replace(",", ".")), at + 1)
        low = self._match_phrase(self._table.numbers, at)
        if self._table.has("hundred", self._get_word(low[1] if low else at)):
            return self._parse_hundreds(*low) if low else self._parse_hundreds(1, at)
        return low or self._parse_joined(word, at)

    def _parse_hundreds(self, hundreds: float, at: int) -> _Value:
        after = at + 1
        if self._table.has("and", self._get_word(after)) and self._match_phrase(self._table.numbers, after + 1):
            after += 1
        low = self._match_phrase(self._table.numbers, after)
        return (100 * hundreds + low[0], low[1]) if low and low[0] < 100 else (100 * hundreds, at + 1)

    def _parse_joined(self, word: str, at: int) -> _Value | None:
        """Parse hundreds that are written as one word: zweihundertzwanzig, centoventi."""
        for hundred in self._table.raw["hundred"]:
            before, found, remaining = word.partition(hundred)
            remaining = remaining.removeprefix("und") if remaining else remaining
            high, low = self._table.numbers.get((before,)), self._table.numbers.get((remaining,))
            if found and (high or not before) and (low or not remaining):
                return 100 * (high or 1) + (low or 0), at + 1
        return None

    def _match_phrase(self, table: Mapping[Words, float], at: int) -> _Value | None:
        for length in range(min(_MAX_PHRASE_WORDS, len(self._words) - at), 0, -1):
            value = table.get(self._words[at : at + length])
            if value is not None and self._is_adjacent(at, at + length):
                return value, at + length
        return None

    def _parse_clock(self, at: int) -> tuple[dict[str, float], int] | None:
        """Parse 1:30 as an hour and a half, and 1:30 minutes as minutes, unless it is a time of day."""
        word = self._get_word(at)
        if word is None or ":" not in word or self._table.has("of_day", self._get_word(at - 1) if at else None):
            return None
        if self._table.has("day_units", self._get_word(at + 1)):
            return None
        amounts = [float(part) for part in word.split(":")]
        unit = self._parse_unit(at + 1)
        units = ["minute", "second"] if unit and unit[0] == "minute" and len(amounts) == 2 else list(SECONDS)
        return dict(zip(units, amounts, strict=False)), unit[1] if unit else at + 1

    def _get_word(self, at: int) -> str | None:
        return self._words[at] if 0 <= at < len(self._words) else None

    def _is_adjacent(self, begin: int, end: int) -> bool:
        """Return whether only spaces, hyphens and full stops separate the words."""
        between = (self._text[first.end() : second.start()] for first, second in pairwise(self._matches[begin:end]))
        return all(not gap.strip(" -\u00a0\u2011.") for gap in between)


_TABLES = {file.stem: _LanguageTable(tomllib.loads(file.read_text("utf-8"))) for file in sorted(FOLDER.glob("*.toml"))}
