"""How close two words are, as they are written and as they sound."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

SAME = 1.0
ENDING = 0.97  # lamps for lamp, the lamp's for the lamp
ALIKE = 0.9  # written otherwise, but sounds the same
_CLOSE_ENOUGH = 0.75
_LEAST_LIKENESS = 0.5
_SHORT = 4
"""Letters; in a word that is shorter or as short, one letter is all that may differ."""
_ENDINGS = ("'s", "es", "s", "'")
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


def closeness(heard: str, word: str) -> float:
    """Return how surely a word that was heard is another, 0 to 1; both in small letters."""
    if heard == word:
        return SAME
    if _stem(heard) == _stem(word):
        return ENDING
    likeness = _likeness(heard, word)
    if min(len(heard), len(word)) <= _SHORT:
        differs = round((1 - likeness) * max(len(heard), len(word)))
        close = differs == 1 and len(heard) >= _SHORT - 1
        return _alike(heard, word) if close else 0.0
    if sound(heard) == sound(word) and likeness >= _LEAST_LIKENESS:
        return ALIKE
    return likeness if likeness >= _CLOSE_ENOUGH else 0.0


def like(heard: str, words: Sequence[str]) -> Mapping[str, float]:
    """Return the words that one that was heard may be, with how surely it is each."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    close = process.extract_iter(heard, words, scorer=OSA.normalized_similarity, score_cutoff=_LEAST_LIKENESS)
    return {word: worth for word, _, _ in close if (worth := closeness(heard, word))}


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """Return a word's consonants, one letter for all that sound alike in English and in its neighbours."""
    plain = unicodedata.normalize("NFKD", word.replace("ß", "ss"))
    heard = "".join(letter for letter in plain if letter.isalnum())
    for pattern, instead in _SOUNDS:
        heard = re.sub(pattern, instead, heard)
    return re.sub(r"(.)\1+", r"\1", heard)


def _alike(heard: str, word: str) -> float:
    """Judge short words: one letter of "bed" may be wrong if it sounds the same, of "lamp" any but the first."""
    if sound(heard) == sound(word):
        return ALIKE
    return _CLOSE_ENOUGH if len(heard) >= _SHORT and heard[0] == word[0] else 0.0


def _stem(word: str) -> str:
    return next((word.removesuffix(end) for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2), word)


def _likeness(heard: str, word: str) -> float:
    from rapidfuzz.distance import OSA

    return float(OSA.normalized_similarity(heard, word))
