"""Timer selection: parses the answer to "which one?"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_rosie.text import durations
from wyoming_rosie.text.sentences import get_entry
from wyoming_rosie.timers.model import HubTimer, has_name, matches_name

_ROUNDING_SECONDS = 30  # people round the time left to minutes
_MAX_PHRASE_WORDS = 4


@dataclass(frozen=True)
class SelectionCancelled:
    """The user wants none of them."""


@dataclass(frozen=True)
class TimerSelection:
    """The timers that fit the answer; unless `is_all`, the user means one of them."""

    timers: tuple[HubTimer, ...]
    is_all: bool = False


def parse_selection(
    text: str, candidates: Sequence[HubTimer], language: str, now: float
) -> TimerSelection | SelectionCancelled | None:
    """Return the selection, which is empty if no candidate fits; None if the text is no answer to the question.

    Every word must be understood: other words mean a new command, not an answer.
    """
    tokens = _tokenize(_strip_duration(text, language))
    if " ".join(tokens) in get_entry("choose.never", language):
        return SelectionCancelled()
    lengths = [duration.total for duration in durations.find(text, language)]
    parser = _SelectionParser(candidates, language, now)
    selected = parser.parse(tokens)
    if selected is None or not (parser.has_selection or lengths):
        return None
    for seconds in lengths:
        selected = _select_by_length(selected, seconds, now)
    return TimerSelection(selected, parser.is_all)


class _SelectionParser:
    def __init__(self, candidates: Sequence[HubTimer], language: str, now: float) -> None:
        self._candidates = tuple(candidates)
        self._language = language
        self._now = now
        self.has_selection = False
        self.is_all = False

    def parse(self, tokens: Sequence[str]) -> tuple[HubTimer, ...] | None:
        """Narrow the candidates down phrase by phrase and return the rest; None at an unknown word."""
        selected, position = self._candidates, 0
        while position < len(tokens):
            step = self._consume_phrase(tokens, position, selected)
            if step is None:
                return None
            selected, position = step
        return selected

    def _consume_phrase(
        self, tokens: Sequence[str], position: int, selected: tuple[HubTimer, ...]
    ) -> tuple[tuple[HubTimer, ...], int] | None:
        """Apply the longest known phrase at a position; return the selection and the next position."""
        for length in range(min(_MAX_PHRASE_WORDS, len(tokens) - position), 0, -1):
            phrase = " ".join(tokens[position : position + length])
            if (narrowed := self._select(phrase, selected)) is not None:
                self.has_selection = True
                return narrowed, position + length
            if self._is_entry("fillers", phrase):
                return selected, position + length
        return None

    def _select(self, phrase: str, selected: tuple[HubTimer, ...]) -> tuple[HubTimer, ...] | None:
        """Return the timers that a phrase selects; None if it selects by nothing."""
        for index, names in enumerate(get_entry("choose.ordinals", self._language)):
            if phrase in names:
                return self._candidates[index : index + 1]
        if self._is_entry("last", phrase):
            return self._candidates[-1:]
        if self._is_entry("all", phrase):
            self.is_all = True
            return selected
        by_length = sorted(selected, key=lambda timer: timer.seconds_left(self._now))
        if self._is_entry("shortest", phrase):
            return tuple(by_length[:1])
        if self._is_entry("longest", phrase):
            return tuple(by_length[-1:])
        return self._select_by_name(phrase, selected)

    def _select_by_name(self, phrase: str, selected: tuple[HubTimer, ...]) -> tuple[HubTimer, ...] | None:
        """Return the timers with a name or an area; None if no candidate has it."""
        if self._is_entry("fillers", phrase) or not any(_matches_phrase(timer, phrase) for timer in self._candidates):
            return None
        return tuple(timer for timer in selected if _matches_phrase(timer, phrase))

    def _is_entry(self, key: str, phrase: str) -> bool:
        return phrase in get_entry(f"choose.{key}", self._language)


def _matches_phrase(timer: HubTimer, phrase: str) -> bool:
    return has_name(timer, phrase) or matches_name(timer.area, phrase)


def _select_by_length(timers: tuple[HubTimer, ...], seconds: int, now: float) -> tuple[HubTimer, ...]:
    """Return the timers of a length, else those with about that much time left."""
    exact = tuple(timer for timer in timers if timer.total_seconds == seconds)
    return exact or tuple(timer for timer in timers if abs(timer.seconds_left(now) - seconds) <= _ROUNDING_SECONDS)


def _strip_duration(text: str, language: str) -> str:
    for duration in reversed(durations.find(text, language)):
        text = f"{text[: duration.start]} {text[duration.end :]}"
    return text


def _tokenize(text: str) -> list[str]:
    words = re.findall(r"[\w.'\u2019]+", text.casefold().replace("-", " "))
    return [word if word[0].isdigit() else word.replace("\u2019", "'").rstrip(".") for word in words]
