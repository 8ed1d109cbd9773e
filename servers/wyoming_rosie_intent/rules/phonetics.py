"""Similarity of words, in spelling and in sound."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

EXACT_SCORE = 1.0
SUFFIX_SCORE = 0.97  # lamps for lamp, the lamp's for the lamp, kueche for küche
_SWAP_SCORE = 0.87  # two neighbouring letters have changed places
_MIN_SCORE = 0.8
_SHORT_WORD_SCORE = 0.75
_MIN_SIMILARITY = 0.5
_MAX_CACHED = 2048
"""Words whose results are cached."""
_SHORT_LENGTH = 4
"""Letters; words up to this length may differ in one letter only."""
_ENDINGS = ("'s", "es", "s", "'")
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_SOUNDS = (
    (r"tsch|tch|sch|ch(?!r)|sh|ti(?=on)", "x"),
    (r"ph", "f"),
    (r"(?<=[aeiou])gh", ""),
    (r"^kn|^gn", "n"),
    (r"^wr", "r"),
    (r"c(?=[eiy])", "s"),
    (r"ck|ch|[cqg]", "k"),
    (r"th|d", "t"),
    (r"b", "p"),
    (r"v", "f"),
    (r"z", "s"),
    (r"x(?=x)|(?<=.)[aeiouyhw]", ""),
    (r"^[aeiouyh]+", "a"),
)


class Vocabulary:
    """Known words, searched for those similar to another word."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for word in self.words:
            self._by_sound[phonetic_key(word)].append(word)
            self._by_stem[_stem(word)].append(word)
        self._cache: dict[str, Mapping[str, float]] = {}

    def find_similar(self, token: str) -> Mapping[str, float]:
        """Return the words similar to a recognized one, with their scores."""
        found = self._cache.get(token)
        if found is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            found = self._cache[token] = self._score_words(token)
        return found

    def _score_words(self, token: str) -> Mapping[str, float]:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        close = process.extract(
            token, self.words, scorer=OSA.normalized_similarity, score_cutoff=_SHORT_WORD_SCORE, limit=None
        )
        related = (*self._by_sound.get(phonetic_key(token), ()), *self._by_stem.get(_stem(token), ()))
        words = dict.fromkeys((*(word for word, _, _ in close), *related))
        return {word: score for word in words if (score := score_similarity(token, word))}


def score_similarity(token: str, word: str) -> float:
    """Score the similarity of a recognized word to another, 0 to 1; both in lower case."""
    if token == word:
        return EXACT_SCORE
    if _differs_in_suffix(token, word) or _expand_umlauts(token) == _expand_umlauts(word):
        return SUFFIX_SCORE
    similarity = _normalized_similarity(token, word)
    if _has_swapped_letters(token, word, similarity):
        return _SWAP_SCORE
    if min(len(token), len(word)) <= _SHORT_LENGTH:
        differs = round((1 - similarity) * max(len(token), len(word)))
        close = differs == 1 and len(token) >= _SHORT_LENGTH - 1
        return _score_short_words(token, word, similarity) if close else 0.0
    if phonetic_key(token) == phonetic_key(word) and similarity >= _MIN_SIMILARITY:
        return _score_same_sound(similarity)
    return similarity if similarity >= _MIN_SCORE else 0.0


@lru_cache(maxsize=4096)
def phonetic_key(word: str) -> str:
    """Return a word's consonants, with one letter for each group of similar sounds in the supported languages."""
    plain = unicodedata.normalize("NFKD", word.replace("ß", "ss"))
    key = "".join(letter for letter in plain if letter.isalnum())
    for pattern, replacement in _SOUNDS:
        key = re.sub(pattern, replacement, key)
    return re.sub(r"(.)\1+", r"\1", key)


def _expand_umlauts(word: str) -> str:
    return word.translate(_SPELT_OUT)


def _differs_in_suffix(first: str, second: str) -> bool:
    if _stem(first) != _stem(second):
        return False
    return "'" in first + second or first.startswith(second) or second.startswith(first)


def _score_short_words(token: str, word: str, similarity: float) -> float:
    """Score short words: one letter of "bed" may differ if the sound is the same, of "lamp" any but the first."""
    if phonetic_key(token) == phonetic_key(word):
        return _score_same_sound(similarity)
    return _SHORT_WORD_SCORE if len(token) >= _SHORT_LENGTH and token[0] == word[0] else 0.0


def _score_same_sound(similarity: float) -> float:
    """Score words with the same phonetic key; the key alone must not turn "paper" into "power"."""
    return max(similarity, 0.57 + 0.3 * similarity)


def _has_swapped_letters(token: str, word: str, similarity: float) -> bool:
    if len(token) < _SHORT_LENGTH or token[0] != word[0] or sorted(token) != sorted(word):
        return False
    return round((1 - similarity) * len(token)) == 1


def _stem(word: str) -> str:
    return next((word.removesuffix(end) for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2), word)


def _normalized_similarity(token: str, word: str) -> float:
    from rapidfuzz.distance import OSA

    return float(OSA.normalized_similarity(token, word))
