"""What people answer to "which one?": pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie.text import durations
from wyoming_rosie_hub.sentences import words
from wyoming_rosie_hub.timers.model import HubTimer, is_called, same

_NEARLY_SECONDS = 30
"""Of the time left, which people round to minutes."""
_MOST_WORDS = 4  # of one thing that is said


@dataclass(frozen=True)
class NeverMind:
    """None of them."""


Some: TypeAlias = tuple[HubTimer, ...]


@dataclass(frozen=True)
class Chosen:
    """The timers that fit; only one of them is meant, unless `every`."""

    timers: Some
    every: bool = False


def read(text: str, among: Sequence[HubTimer], language: str, now: float) -> Chosen | NeverMind | None:
    """Return what is chosen, no timers when there is no such one; None when it is no choice at all.

    Every word must be accounted for: who says something else gives no answer but a new command.
    """
    reader = _Reader(among, language, now)
    said = _words(_without_durations(text, language))
    if " ".join(said) in words("choose.never", language):
        return NeverMind()
    lengths = [one.total for one in durations.find(text, language)]
    found = reader.narrowed(said)
    if found is None or not (said or lengths):
        return None
    if not reader.has_chosen and not lengths:
        return None
    for seconds in lengths:
        found = _of_length(found, seconds, now)
    return Chosen(found, reader.means_every)


class _Reader:
    def __init__(self, among: Sequence[HubTimer], language: str, now: float) -> None:
        self._among = tuple(among)
        self._language = language
        self._now = now
        self.has_chosen = False
        self.means_every = False

    def narrowed(self, said: Sequence[str]) -> Some | None:
        """Return what is left when each word is taken into account; None when one means nothing here."""
        found, at = self._among, 0
        while at < len(said):
            step = self._step(said, at, found)
            if step is None:
                return None
            found, at = step
        return found

    def _step(self, said: Sequence[str], at: int, found: Some) -> tuple[Some, int] | None:
        for length in range(min(_MOST_WORDS, len(said) - at), 0, -1):
            phrase = " ".join(said[at : at + length])
            if (chosen := self._chosen(phrase, found)) is not None:
                self.has_chosen = True
                return chosen, at + length
            if phrase in words("choose.fillers", self._language):
                return found, at + length
        return None

    def _chosen(self, phrase: str, found: Some) -> Some | None:
        for number, names in enumerate(words("choose.ordinals", self._language)):
            if phrase in names:
                return self._among[number : number + 1]
        if self._means("last", phrase):
            return self._among[-1:]
        if self._means("all", phrase):
            self.means_every = True
            return found
        by_length = sorted(found, key=lambda timer: timer.seconds_left(self._now))
        if self._means("shortest", phrase):
            return tuple(by_length[:1])
        if self._means("longest", phrase):
            return tuple(by_length[-1:])
        return self._by_name(phrase, found)

    def _by_name(self, phrase: str, found: Some) -> Some | None:
        """Return the timers of a name or a room, among all that was asked about, if any has it."""
        if phrase in words("choose.fillers", self._language):
            return None
        if not any(_has(timer, phrase) for timer in self._among):
            return None
        return tuple(timer for timer in found if _has(timer, phrase))

    def _means(self, key: str, phrase: str) -> bool:
        return phrase in words(f"choose.{key}", self._language)


def _has(timer: HubTimer, phrase: str) -> bool:
    return is_called(timer, phrase) or same(timer.area, phrase)


def _of_length(found: Some, seconds: int, now: float) -> Some:
    """Return the timers that were set to a length, or those with about so much time left."""
    exactly = tuple(timer for timer in found if timer.total_seconds == seconds)
    return exactly or tuple(one for one in found if abs(one.seconds_left(now) - seconds) <= _NEARLY_SECONDS)


def _without_durations(text: str, language: str) -> str:
    for one in reversed(durations.find(text, language)):
        text = f"{text[: one.start]} {text[one.end :]}"
    return text


def _words(text: str) -> list[str]:
    return list(_cleaned(re.findall(r"[\w.'\u2019]+", text.casefold().replace("-", " "))))


def _cleaned(found: Iterable[str]) -> Iterable[str]:
    return (word.replace("\u2019", "'").rstrip(".") if not word[0].isdigit() else word for word in found)
