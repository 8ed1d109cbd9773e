"""What people answer to "which one?": pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie.text import durations
from wyoming_rosie_hub.sentences import get_entry
from wyoming_rosie_hub.timers.model import HubTimer, has_name, matches_name

_ROUNDING_SECONDS = 30
"""Of the time left, which people round to minutes."""
_MAX_PHRASE_WORDS = 4  # of one thing that is said


@dataclass(frozen=True)
class SelectionCancelled:
    """None of them."""


Some: TypeAlias = tuple[HubTimer, ...]


@dataclass(frozen=True)
class TimerSelection:
    """The timers that fit; only one of them is meant, unless `every`."""

    timers: Some
    is_all: bool = False


def parse_selection(
    text: str, candidates: Sequence[HubTimer], language: str, now: float
) -> TimerSelection | SelectionCancelled | None:
    """Return what is chosen, no timers when there is no such one; None when it is no choice at all.

    Every word must be accounted for: who says something else gives no answer but a new command.
    """
    reader = _SelectionParser(candidates, language, now)
    said = _tokenize(_strip_duration(text, language))
    if " ".join(said) in get_entry("choose.never", language):
        return SelectionCancelled()
    lengths = [one.total for one in durations.find(text, language)]
    found = reader.parse(said)
    if found is None or not (said or lengths):
        return None
    if not reader.has_selection and not lengths:
        return None
    for seconds in lengths:
        found = _select_by_length(found, seconds, now)
    return TimerSelection(found, reader.is_all)


class _SelectionParser:
    def __init__(self, candidates: Sequence[HubTimer], language: str, now: float) -> None:
        self._candidates = tuple(candidates)
        self._language = language
        self._now = now
        self.has_selection = False
        self.is_all = False

    def parse(self, tokens: Sequence[str]) -> Some | None:
        """Return what is left when each word is taken into account; None when one means nothing here."""
        found, at = self._candidates, 0
        while at < len(tokens):
            step = self._consume_phrase(tokens, at, found)
            if step is None:
                return None
            found, at = step
        return found

    def _consume_phrase(self, tokens: Sequence[str], at: int, found: Some) -> tuple[Some, int] | None:
        for length in range(min(_MAX_PHRASE_WORDS, len(tokens) - at), 0, -1):
            phrase = " ".join(tokens[at : at + length])
            if (chosen := self._select(phrase, found)) is not None:
                self.has_selection = True
                return chosen, at + length
            if phrase in get_entry("choose.fillers", self._language):
                return found, at + length
        return None

    def _select(self, phrase: str, found: Some) -> Some | None:
        for number, names in enumerate(get_entry("choose.ordinals", self._language)):
            if phrase in names:
                return self._candidates[number : number + 1]
        if self._is_entry("last", phrase):
            return self._candidates[-1:]
        if self._is_entry("all", phrase):
            self.is_all = True
            return found
        by_length = sorted(found, key=lambda timer: timer.seconds_left(self._now))
        if self._is_entry("shortest", phrase):
            return tuple(by_length[:1])
        if self._is_entry("longest", phrase):
            return tuple(by_length[-1:])
        return self._select_by_name(phrase, found)

    def _select_by_name(self, phrase: str, found: Some) -> Some | None:
        """Return the timers of a name or a room, among all that was asked about, if any has it."""
        if phrase in get_entry("choose.fillers", self._language):
            return None
        if not any(_matches_phrase(timer, phrase) for timer in self._candidates):
            return None
        return tuple(timer for timer in found if _matches_phrase(timer, phrase))

    def _is_entry(self, key: str, phrase: str) -> bool:
        return phrase in get_entry(f"choose.{key}", self._language)


def _matches_phrase(timer: HubTimer, phrase: str) -> bool:
    return has_name(timer, phrase) or matches_name(timer.area, phrase)


def _select_by_length(found: Some, seconds: int, now: float) -> Some:
    """Return the timers that were set to a length, or those with about so much time left."""
    exactly = tuple(timer for timer in found if timer.total_seconds == seconds)
    return exactly or tuple(one for one in found if abs(one.seconds_left(now) - seconds) <= _ROUNDING_SECONDS)


def _strip_duration(text: str, language: str) -> str:
    for one in reversed(durations.find(text, language)):
        text = f"{text[: one.start]} {text[one.end :]}"
    return text


def _tokenize(text: str) -> list[str]:
    return list(_strip_dots(re.findall(r"[\w.'\u2019]+", text.casefold().replace("-", " "))))


def _strip_dots(found: Iterable[str]) -> Iterable[str]:
    return (word.replace("\u2019", "'").rstrip(".") if not word[0].isdigit() else word for word in found)
