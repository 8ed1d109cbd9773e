"""What a sentence that fits no template may have been meant to be: names written otherwise, words in between, another order.

A repaired sentence counts only if it fits a template as a whole, so that no word of what was said is left out of account.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Protocol

from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules.filler_words import Manners, Words, words_of, written_words
from wyoming_rosie_intent.rules.name_index import HEARD, Found, NameIndex
from wyoming_rosie_intent.rules.phonetics import SAME, Vocabulary, sound

MOST_WORDS = 16
"""Of a sentence that is repaired; commands are short, and talk is long."""
SURE = 0.82
"""What a repair must be worth to be acted on; 1 is what was said."""
SURE_OF_ONE_WORD = 0.8
"""What it must be worth when all that is wrong is the spelling of one word."""
SURE_OF_DANGER = 0.96
"""What every word must be worth to act on what could let somebody in, or set the house on fire."""
NEAR_TIE = 0.07
"""Two repairs that are closer than this, and come to different things, are none."""
_ANSWERS = ("HassGet", "HassClimateGet")
_MOST_TRIES = 12
_MOST_VERSIONS = 4
"""Ways to spell one sentence that are looked at."""
_REARRANGED = 0.03
_INFLECTED = frozenset({"s", "es", "d", "ed", "ing"})
_SHORTEST = 4
"""Letters of a word that may be misspelt."""


@dataclass(frozen=True)
class Outcome:
    """What a sentence comes to: the same `what` for all that have the same done."""

    what: object
    dangerous: bool = False


class Understanding(Protocol):
    """Understands sentences that fit a template as a whole, said in one place."""

    def exactly(self, text: str) -> Match | None: ...

    def mended(self, text: str) -> Match | None:
        """As `exactly`, but nothing that counts only if it was said like that."""
        ...

    def comes_to(self, match: Match) -> Outcome: ...


@dataclass(frozen=True)
class _Repair:
    text: str
    worth: float
    weakest: float  # of all words that were mended
    only_one_word: bool = False  # is spelt otherwise, and nothing else is changed


@dataclass(frozen=True)
class _Meant:
    repair: _Repair
    match: Match
    outcome: Outcome

    @property
    def is_sure(self) -> bool:
        if self.outcome.dangerous and not self.match.intent.startswith(_ANSWERS):
            return min(self.repair.worth, self.repair.weakest) >= SURE_OF_DANGER
        return self.repair.worth >= (SURE_OF_ONE_WORD if self.repair.only_one_word else SURE)


class Nearly:
    """Repairs sentences about the things of one home in one language."""

    def __init__(
        self, of_language: Manners, vocabulary: Vocabulary, known_words: Iterable[str], names: Iterable[str]
    ) -> None:
        self._manners = of_language
        self._vocabulary = vocabulary
        self._known = frozenset((*known_words, *vocabulary.words))
        self._names = NameIndex(names, of_language, self._known)

    def recognise(self, text: str, understanding: Understanding) -> Match | None:
        """Return what a sentence was meant to say, when that is sure enough and nothing else is nearly as likely."""
        words = words_of(text)
        if len(words) > MOST_WORDS or not self._manners.never:
            return None
        told = self._manners.without(words)
        attempts = _Attempts(text, told, understanding, is_command=self._manners.never.isdisjoint(told))
        if told != words and (match := attempts.as_told()) is not None:
            return match
        if len(told) < 2:  # one word that is nearly another is not enough to go by
            return None
        if not attempts.is_command and told[0] not in self._manners.asks:
            return None
        return self._mended(told, attempts)

    def _mended(self, words: Words, attempts: "_Attempts") -> Match | None:
        """Take what fits with words only spelt otherwise; else the likeliest of what has other names and another order."""
        spelt = [meant for one in self._spelt(words) if (meant := attempts.try_out(one)) is not None]
        return _likeliest(spelt) or _likeliest(list(self._tried(words, attempts)))

    def _tried(self, words: Words, attempts: "_Attempts") -> Iterator[_Meant]:
        best = 0.0
        for repair in sorted(self._repairs(words, is_command=attempts.is_command), key=lambda one: -one.worth):
            if repair.worth < max(SURE, best - NEAR_TIE) or attempts.count >= _MOST_TRIES:
                return
            if (meant := attempts.try_out(repair)) is not None:
                best = max(best, repair.worth)
                yield meant

    def _repairs(self, words: Words, *, is_command: bool) -> Iterator[_Repair]:
        heard = tuple(self._manners.heard.get(word, (word,))[0] for word in words)
        for version, worth in {words: SAME, heard: SAME if heard == words else HEARD}.items():
            yield from self._with_names(version, worth, is_command=is_command)
            for spelt in self._spelt(version):
                yield from self._with_names(tuple(spelt.text.split()), min(worth, spelt.worth), is_command=is_command)

    def _with_names(self, words: Words, worth: float, *, is_command: bool) -> Iterator[_Repair]:
        yield _Repair(" ".join(words), worth, worth)
        for found in self._names.within(words):
            weakest = min(worth, found.weakest)
            for order, cost in self._orders(words, found, is_command=is_command):
                yield _Repair(order, min(worth, found.worth) - cost, weakest)

    def _orders(self, words: Words, found: Found, *, is_command: bool) -> Iterator[tuple[str, float]]:
        """Yield the sentence with the name in its place, and where it began with the name, at its end."""
        before, after = words[: found.start], words[found.end :]
        yield " ".join((*before, found.name, *after)), 0.0
        told = tuple(word for word in after if word not in self._manners.it)
        if is_command and not set(before) - self._manners.small and not all(map(self._names.knows, told)):
            yield " ".join((*told, found.name)), _REARRANGED

    def _spelt(self, words: Words) -> Iterator[_Repair]:
        """Yield the sentence with each word that nobody knows replaced by one that it may be."""
        likely = [self._spellings(word) for word in words]
        if all(spellings.keys() == {word} for word, spellings in zip(words, likely, strict=True)):
            return
        for version in islice(product(*(spellings.items() for spellings in likely)), _MOST_VERSIONS):
            mended = [worth for _, worth in version if worth < SAME]
            yield _Repair(
                " ".join(word for word, _ in version), min(mended), min(mended), only_one_word=len(mended) == 1
            )

    def _spellings(self, word: str) -> Mapping[str, float]:
        """Return what a word may be, with how surely it is; the likeliest and those that are nearly as likely."""
        if word in self._known or self._names.knows(word) or len(word) < _SHORTEST or not word.isalpha():
            return {word: SAME}
        close = {**self._names.words.like(word), **self._vocabulary.like(word)}
        close = {other: worth for other, worth in close.items() if _may_be_misspelt(word, other)}
        least = max(close.values(), default=SAME) - NEAR_TIE
        return {other: worth for other, worth in close.items() if worth > least} or {word: SAME}


class _Attempts:
    """One sentence and what has been made of it."""

    def __init__(self, text: str, told: Words, understanding: Understanding, *, is_command: bool) -> None:
        self.is_command = is_command
        self._told = told
        self._written = {word.casefold(): word for word in written_words(text)}
        self._understanding = understanding
        self._tried: dict[str, tuple[Match, Outcome] | None] = {self._as_written(" ".join(told)).lower(): None}

    @property
    def count(self) -> int:
        return len(self._tried)

    def as_told(self) -> Match | None:
        """Understand the sentence without what was only polite."""
        return self._understanding.exactly(self._as_written(" ".join(self._told)))

    def try_out(self, repair: _Repair) -> _Meant | None:
        """Understand a repaired sentence; the sentence itself means nothing."""
        text = self._as_written(repair.text)
        if text.lower() not in self._tried:
            self._tried[text.lower()] = self._understood(text)
        understood = self._tried[text.lower()]
        return _Meant(repair, *understood) if understood else None

    def _understood(self, text: str) -> tuple[Match, Outcome] | None:
        match = self._understanding.mended(text)
        if match is None or not (self.is_command or match.intent.startswith(_ANSWERS)):
            return None
        return match, self._understanding.comes_to(match)

    def _as_written(self, text: str) -> str:
        """Give words that were said their capital letters again; names have their own."""
        return " ".join(self._written.get(word, word) for word in text.split())


def _may_be_misspelt(word: str, other: str) -> bool:
    """Tell whether one word may be another; "turns" and "turned" are no slips, but tell of what was done."""
    if word.startswith(other) and word.removeprefix(other) in _INFLECTED:
        return False
    return word[0] == other[0] or sound(word) == sound(other)


def _likeliest(found: Sequence[_Meant]) -> Match | None:
    if not found:
        return None
    best = max(found, key=lambda meant: meant.repair.worth)
    rivals = (meant for meant in found if best.repair.worth - meant.repair.worth < NEAR_TIE)
    if any(rival.outcome.what != best.outcome.what for rival in rivals):
        return None
    return best.match if best.is_sure else None
