"""What a sentence that fits no template may have been meant to be: names written otherwise, words in between, another order.

A repaired sentence counts only if it fits a template as a whole, so that no word of what was said is left out of account.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.sounds import ENDING, SAME, like

Words: TypeAlias = tuple[str, ...]
Recognise: TypeAlias = Callable[[str], Match | None]
MOST_WORDS = 16
"""Of a sentence that is repaired; commands are short, and talk is long."""
SURE = 0.82
"""What a repair must be worth to be acted on; 1 is what was said."""
SURE_OF_DANGER = 0.96
"""What it must be worth to open, unlock or disarm something."""
NEAR_TIE = 0.07
"""Two repairs that are closer than this, and mean different things, are none."""
DANGEROUS = frozenset({"lock", "cover", "alarm_control_panel", "valve", "garage", "siren"})
_ANSWERS = ("HassGet", "HassClimateGet")
_MOST_TRIES = 12
_OTHER_ORDER = 0.04
_SMALL_WORDS_BETWEEN = 0.01
_REARRANGED = 0.03
_HEARD = 0.85


@dataclass(frozen=True)
class Manners:
    """Words of a language that make no difference to a command, and those that make it none."""

    never: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()  # a question may begin with
    fillers: frozenset[Words] = frozenset()
    beginnings: frozenset[Words] = frozenset()
    small: frozenset[str] = frozenset()  # may stand between the words of a name
    it: frozenset[str] = frozenset()
    heard: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what speech recognisers mistake
    gerunds: Mapping[str, str] = field(default_factory=dict)
    synonyms: tuple[frozenset[str], ...] = ()


def manners(table: Mapping[str, Any]) -> Manners:
    """Read the table `[nearly]` of our supplements to a language."""
    return Manners(
        frozenset(table.get("never", ())),
        frozenset(table.get("asks", ())),
        frozenset(tuple(one.split()) for one in table.get("fillers", ())),
        frozenset(tuple(one.split()) for one in table.get("beginnings", ())),
        frozenset(table.get("small", ())),
        frozenset(table.get("it", ())),
        table.get("heard", {}),
        table.get("gerunds", {}),
        tuple(frozenset(one) for one in table.get("synonyms", ())),
    )


@dataclass(frozen=True)
class _Found:
    """A name that a part of the sentence may mean."""

    name: str
    start: int
    end: int  # the word after the last
    worth: float


@dataclass(frozen=True)
class _Repair:
    text: str
    worth: float


class Nearly:
    """Repairs sentences about the things of one home in one language."""

    def __init__(self, of_language: Manners, known_words: Iterable[str], names: Iterable[str]) -> None:
        self._manners = of_language
        self._known = frozenset(known_words)
        self._by_letter: dict[str, list[str]] = defaultdict(list)
        for word in self._known:
            self._by_letter[word[0]].append(word)
        self._names = _NameIndex(names, of_language, self._known)

    def recognise(self, text: str, exactly: Recognise) -> Match | None:
        """Return what a sentence was meant to say, when that is sure enough and nothing else is nearly as likely."""
        words = _words(text)
        if len(words) > MOST_WORDS or not self._manners.never:
            return None
        told = self._without_manners(words)
        if not told:
            return None
        if told != words and (match := exactly(" ".join(told))) is not None:
            return match
        is_command = self._manners.never.isdisjoint(told)
        if len(told) < 2:  # one word that is nearly another is not enough to go by
            return None
        if not is_command and told[0] not in self._manners.asks:
            return None
        found = list(self._tried(told, exactly, is_command))
        found.sort(key=lambda one: -one[0])
        return _sure(found)

    def _tried(self, words: Words, exactly: Recognise, is_command: bool) -> Iterator[tuple[float, Match]]:
        best, tried = 0.0, set[str]()
        for repair in sorted(self._repairs(words, is_command), key=lambda one: -one.worth):
            if repair.worth < max(SURE, best - NEAR_TIE) or len(tried) >= _MOST_TRIES:
                return
            if repair.text in tried:
                continue
            tried.add(repair.text)
            match = exactly(repair.text)
            if match is not None and (is_command or match.intent.startswith(_ANSWERS)):
                best = max(best, repair.worth)
                yield repair.worth, match

    def _repairs(self, words: Words, is_command: bool) -> Iterator[_Repair]:
        spelt, worth = self._spelt(words)
        for version, spelling in {words: SAME, spelt: worth}.items():
            if version != words:
                yield _Repair(" ".join(version), spelling)
            for found in self._names.within(version):
                for order, cost in self._orders(version, found, is_command):
                    yield _Repair(order, min(spelling, found.worth) - cost)

    def _orders(self, words: Words, found: _Found, is_command: bool) -> Iterator[tuple[str, float]]:
        """Yield the sentence with the name in its place, and where it began with the name, at its end."""
        before, after = words[: found.start], words[found.end :]
        yield " ".join((*before, found.name, *after)), 0.0
        told = tuple(word for word in after if word not in self._manners.it)
        if is_command and told and not set(before) - self._manners.small:
            yield " ".join((*told, found.name)), _REARRANGED

    def _without_manners(self, words: Words) -> Words:
        """Leave out what is only said to be polite, or while thinking, and what is said twice."""
        words = tuple(word for word, following in pairwise((*words, "")) if word != following)
        while True:
            shorter = self._begun(self._ended(words))
            if shorter == words:
                return self._unfilled(words)
            words = shorter

    def _begun(self, words: Words) -> Words:
        for beginning in sorted(self._manners.beginnings | self._manners.fillers, key=len, reverse=True):
            if words[: len(beginning)] == beginning and len(words) > len(beginning):
                rest = words[len(beginning) :]
                return (self._manners.gerunds[rest[0]], *rest[1:]) if rest[0] in self._manners.gerunds else rest
        return words

    def _ended(self, words: Words) -> Words:
        for filler in sorted(self._manners.fillers, key=len, reverse=True):
            if words[-len(filler) :] == filler and len(words) > len(filler):
                return words[: -len(filler)]
        return words

    def _unfilled(self, words: Words) -> Words:
        single = {filler[0] for filler in self._manners.fillers if len(filler) == 1}
        kept = tuple(word for word in words if word not in single)
        return tuple(word for word, following in pairwise((*kept, "")) if word != following)

    def _spelt(self, words: Words) -> tuple[Words, float]:
        """Return the sentence with each word that nobody knows replaced by the one that it must be."""
        spelt = [self._spelling(word) for word in words]
        return tuple(word for word, _ in spelt), min(worth for _, worth in spelt)

    def _spelling(self, word: str) -> tuple[str, float]:
        if mistaken := self._manners.heard.get(word):
            return mistaken[0], _HEARD
        if word in self._known or self._names.knows(word) or len(word) < 4 or not word.isalpha():
            return word, SAME
        close = sorted(((worth, known) for known, worth in like(word, self._by_letter[word[0]]).items()), reverse=True)
        if not close or close[0][0] < _HEARD - 0.1 or (len(close) > 1 and close[0][0] - close[1][0] < 0.02):
            return word, SAME
        return close[0][1], close[0][0]


class _NameIndex:
    """The names of a home by the words in them."""

    def __init__(self, names: Iterable[str], of_language: Manners, known: frozenset[str]) -> None:
        self._manners = of_language
        self._known = known
        self._by_word: dict[str, set[Words]] = defaultdict(set)
        self._spoken: dict[Words, str] = {}
        self._joined: set[str] = set()  # words that are two in the name
        for name in names:
            plain = _words(name)
            for words in _ways(plain):
                self._spoken.setdefault(words, name)
                self._joined.update(set(words) - set(plain))
                for word in words:
                    self._by_word[word].add(words)
        self._words = tuple(self._by_word)

    def knows(self, word: str) -> bool:
        return word in self._by_word

    def within(self, words: Words) -> Iterator[_Found]:
        """Yield the names that a part of the sentence may mean, but those that are there as they are."""
        heard = self._heard(words)
        covered: dict[Words, int] = defaultdict(int)
        for word in {word for closest in heard.values() for word in closest}:
            for name in self._by_word[word]:
                covered[name] += 1
        for name, count in covered.items():
            if count >= len(set(name)) and (found := self._placed(name, heard, words)):
                yield found

    def _heard(self, words: Words) -> dict[tuple[int, int], dict[str, float]]:
        """Return which words of names each word, or two together, may be."""
        parts = {(place, place + 1): word for place, word in enumerate(words)}
        parts.update({(place, place + 2): f"{one}{two}" for place, (one, two) in enumerate(pairwise(words))})
        heard = {part: self._closest(word, alone=part[1] - part[0] == 1) for part, word in parts.items()}
        return {part: closest for part, closest in heard.items() if closest}

    def _closest(self, word: str, *, alone: bool) -> dict[str, float]:
        close = {word: SAME} if word in self._by_word else {}
        for other in self._manners.heard.get(word, ()):
            if other in self._by_word:
                close[other] = _HEARD
        for group in self._manners.synonyms:
            if word in group:
                close.update(dict.fromkeys(group & self._by_word.keys() - close.keys(), 0.93))
        is_known = alone and (word in self._known or word in self._by_word)
        for other, worth in like(word, self._words).items():
            if other not in close and (worth >= ENDING or not (is_known or (other in self._joined and not alone))):
                close[other] = worth
        return close

    def _placed(self, name: Words, heard: Mapping[tuple[int, int], Mapping[str, float]], words: Words) -> _Found | None:
        """Find each word of a name in the sentence; only small words may stand between them."""
        taken: list[tuple[int, int]] = []
        worth = 0.0
        for word in name:
            places = [
                (closest[word], -part[0], part)
                for part, closest in heard.items()
                if word in closest and not any(part[0] < end and start < part[1] for start, end in taken)
            ]
            if not places:
                return None
            best = max(places)
            worth += best[0]
            taken.append(best[2])
        start, end = min(taken)[0], max(taken)[1]
        used = {place for one in taken for place in range(*one)}
        between = [words[place] for place in range(start, end) if place not in used]
        if set(between) - self._manners.small:
            return None
        worth = worth / len(name) - (_OTHER_ORDER if taken != sorted(taken) else 0)
        worth -= _SMALL_WORDS_BETWEEN * len(between)
        return _Found(self._spoken[name], start, end, worth)


def _sure(found: Sequence[tuple[float, Match]]) -> Match | None:
    if not found:
        return None
    worth, best = found[0]
    rivals = [match for other, match in found[1:] if worth - other < NEAR_TIE]
    if any((rival.intent, rival.slots) != (best.intent, best.slots) for rival in rivals):
        return None
    risky = best.domain in DANGEROUS and not best.intent.startswith(_ANSWERS)
    return best if worth >= (SURE_OF_DANGER if risky else SURE) else None


def _ways(words: Words) -> Iterator[Words]:
    """Yield a name's words as they are, and with each two written as one."""
    yield words
    for place in range(len(words) - 1):
        yield (*words[:place], words[place] + words[place + 1], *words[place + 2 :])


def _words(text: str) -> Words:
    plain = (word.strip('.,;:!?"()[]{}…“”') for word in text.casefold().replace("\u2019", "'").split())
    return tuple(word for word in plain if word)
