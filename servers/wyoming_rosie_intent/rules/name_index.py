"""Index of a home's names by their words, for finding names in misrecognized sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from wyoming_rosie_intent.rules.filler_words import LanguageHints, Words, normalize_words
from wyoming_rosie_intent.rules.phonetics import EXACT_SCORE, SUFFIX_SCORE, Vocabulary

MISRECOGNITION_SCORE = 0.85
"""Score of a word that speech recognition is known to confuse with another."""
_SYNONYM_SCORE = 0.93
_REORDER_COST = 0.04
_INNER_WORD_COST = 0.01


@dataclass(frozen=True)
class NameMatch:
    """A name found in a part of the sentence."""

    name: str
    start: int
    end: int  # exclusive
    score: float
    min_word_score: float  # of its words


class NameIndex:
    """Names of a home, indexed by their rarest word."""

    def __init__(self, names: Iterable[str], hints: LanguageHints, known: frozenset[str]) -> None:
        self._hints = hints
        self._known = known
        self._names_by_words: dict[Words, str] = {}
        self._joined_words: set[str] = set()  # written as one word, but two in the name
        for name in names:
            plain = normalize_words(name)
            for words in _join_word_pairs(plain):
                self._names_by_words.setdefault(words, name)
                self._joined_words.update(set(words) - set(plain))
        named = Counter(word for words in self._names_by_words for word in words)
        self._by_rarest: dict[str, list[Words]] = defaultdict(list)
        for words in filter(None, self._names_by_words):
            self._by_rarest[min(words, key=named.__getitem__)].append(words)
        self._words = named.keys()
        self.vocabulary = Vocabulary(named)

    def has_word(self, word: str) -> bool:
        return word in self._words

    def find_names(self, words: Words) -> Iterator[NameMatch]:
        """Yield the names found in the sentence."""
        similar = self._match_words(words)
        all_similar = {word for closest in similar.values() for word in closest}
        for word in all_similar:
            for name in self._by_rarest.get(word, ()):
                if all_similar.issuperset(name) and (found := self._match_name(name, similar, words)):
                    yield found

    def _match_words(self, words: Words) -> dict[tuple[int, int], dict[str, float]]:
        """Return the similar words of names for each word and each pair of words."""
        parts = {(place, place + 1): word for place, word in enumerate(words)}
        parts.update({(place, place + 2): f"{first}{second}" for place, (first, second) in enumerate(pairwise(words))})
        similar = {part: self._find_similar_words(word, alone=part[1] - part[0] == 1) for part, word in parts.items()}
        return {part: closest for part, closest in similar.items() if closest}

    def _find_similar_words(self, word: str, *, alone: bool) -> dict[str, float]:
        close = {word: EXACT_SCORE} if word in self._words else {}
        for other in self._hints.misrecognitions.get(word, ()):
            if other in self._words:
                close[other] = MISRECOGNITION_SCORE
        for group in self._hints.synonyms:
            if word in group:
                close.update(dict.fromkeys(group & self._words - close.keys(), _SYNONYM_SCORE))
        is_known = alone and (word in self._known or word in self._words)
        for other, score in self.vocabulary.find_similar(word).items():
            if other not in close and (
                score >= SUFFIX_SCORE or not (is_known or (other in self._joined_words and not alone))
            ):
                close[other] = score
        return close

    def _match_name(
        self, name: Words, similar: Mapping[tuple[int, int], Mapping[str, float]], words: Words
    ) -> NameMatch | None:
        """Match each word of a name; only inner words ("the", "of") may stand between them."""
        matched: list[tuple[int, int]] = []
        scores: list[float] = []
        for word in name:
            places = [
                (closest[word], -part[0], part)
                for part, closest in similar.items()
                if word in closest and not any(part[0] < end and start < part[1] for start, end in matched)
            ]
            if not places:
                return None
            best = max(places)
            scores.append(best[0])
            matched.append(best[2])
        start, end = min(matched)[0], max(matched)[1]
        used = {place for span in matched for place in range(*span)}
        between = [words[place] for place in range(start, end) if place not in used]
        if set(between) - self._hints.inner_words:
            return None
        cost = (_REORDER_COST if matched != sorted(matched) else 0) + _INNER_WORD_COST * len(between)
        return NameMatch(self._names_by_words[name], start, end, sum(scores) / len(scores) - cost, min(scores))


def _join_word_pairs(words: Words) -> Iterator[Words]:
    """Yield the words of a name unchanged, and with each neighbouring pair as one word."""
    yield words
    for place in range(len(words) - 1):
        yield (*words[:place], words[place] + words[place + 1], *words[place + 2 :])
