"""Split points of a sentence: conjunctions and punctuation between commands, outside names, durations and numbers."""

import re
from collections.abc import Iterable, Sequence

_THEN = r"and then|and also|and|then|as well as|after that|und dann|und auch|und|dann|danach|sowie|et puis|et|puis|y luego|y|e poi|e|en dan|en"
_SPLIT_POINT = re.compile(rf"(?: ?[,;.] (?:(?:{_THEN}) )*| (?:(?:{_THEN}) )+)", re.IGNORECASE)
_ONE = r"an?|one|eine?[nr]?|une?|una|uno|un'|een"
_UNITS = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (
        r"days?|tage?n?|jours?|d[ií]as?|giorn[oi]|dag(?:en)?",
        r"hours?|hrs?|h|stunden?|std|heures?|horas?|or[ae]|uur|uren",
        r"min(?:s|ut[eo][sn]?|uti|uut)?",
        r"s|secs?|sec(?:onds?|onde[sn]?|ond[oi])|sek(?:unden?)?|seg(?:undos?)?",
    )
)
"""Units of time, the longest first."""
_FRACTION = re.compile(
    rf"(?:(?:{_ONE}|three|drei|trois|tres|tre|drie) )?"
    r"(?:half|halbe?[nrs]?|halve|(?:drei)?viertel(?:stunde)?|quarters?|demie?|quarts?|medi[ao]|cuartos?|mezz[ao]|quarto|kwart(?:ier)?)\b",
    re.IGNORECASE,
)
_HUNDREDS = re.compile(r"\w*(?:hundred|thousand|hundert|tausend|honderd|duizend)|cents?|mille|cien(?:to)?|mil|cento", re.IGNORECASE)  # fmt: skip
_DIGITS = re.compile(r"\d+(?:[.,]\d+)?")
_MAX_NUMBER_WORDS = 4


class SplitPoints:
    """Finds split points by the names of a home and the number words of a language."""

    def __init__(self, names: Iterable[str] = (), numbers: frozenset[str] = frozenset()) -> None:
        phrases = [" ".join(name.casefold().split()) for name in names if " " in name]
        joined = sorted(filter(has_split_point, phrases), key=len, reverse=True)
        self._whole_names = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in joined) or r"(?!)", re.IGNORECASE)
        self._phrases = frozenset(phrases)  # not a pattern: compiling ten thousand names takes a minute
        self._max_words = max((name.count(" ") + 1 for name in phrases), default=0)
        self._numbers = numbers

    def find(self, text: str) -> Sequence[re.Match[str]]:
        """Return the split points of a text."""
        named = [found.span() for found in self._whole_names.finditer(text)]
        return [
            point
            for point in _SPLIT_POINT.finditer(text)
            if not any(start < point.start() and point.end() < end for start, end in named)
            and not self._continues_amount(text[: point.start()], text[point.end() :])
        ]

    def is_inside_name(self, text: str, place: int) -> bool:
        """Return whether a position in a text lies inside a name of the home."""
        words = [found.span() for found in re.finditer(r"\S+", text)]
        return any(
            words[first][0] < place < words[last][1]
            and " ".join(text[words[first][0] : words[last][1]].casefold().split()) in self._phrases
            for first in range(len(words))
            for last in range(first + 1, min(first + self._max_words, len(words)))
        )

    def _continues_amount(self, before: str, after: str) -> bool:
        """Return whether an amount continues: "an hour | 15 minutes", "two | a half", "one hundred | twenty"."""
        last, first = re.split(r"[ '\u2019]", before)[-1], after.partition(" ")[0]
        rank = _unit_index(last)
        if _FRACTION.match(after):
            return rank is not None or self._is_number(last)
        if rank is None:
            return _HUNDREDS.fullmatch(last) is not None and self._is_number(first)
        following = self._first_unit_index(after)
        return following is not None and following > rank

    def _first_unit_index(self, text: str) -> int | None:
        """Return the index of the unit of time in the amount that a text begins with."""
        words = re.split(r"[ -]", re.sub(r"(\d)([^\W\d_])", r"\1 \2", text))
        for word in words[: _MAX_NUMBER_WORDS + 1]:
            if not self._is_number(word):
                return _unit_index(word) if word is not words[0] else None
        return None

    def _is_number(self, word: str) -> bool:
        return (
            _DIGITS.fullmatch(word) is not None
            or word.casefold() in self._numbers
            or re.fullmatch(_ONE, word, re.IGNORECASE) is not None
        )


def has_split_point(text: str) -> bool:
    """Return whether a text contains a conjunction or punctuation between parts, also as its first or last word."""
    return _SPLIT_POINT.search(f" {text} ") is not None


def _unit_index(word: str) -> int | None:
    plain = re.sub(r"^\d+(?:[.,]\d+)?|\W+$", "", word)
    return next((rank for rank, units in enumerate(_UNITS) if units.fullmatch(plain)), None)
