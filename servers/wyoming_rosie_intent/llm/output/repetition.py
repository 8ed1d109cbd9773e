"""A model that has begun to repeat itself, told from one that says a thing twice."""

import re
from collections import Counter
from collections.abc import Sequence

MAX_PERIOD = 400
"""Characters of what is said over and over."""
MIN_REPEATS = 3
"""In a row, for what has SENTENCE characters; a short thing may be said more often: "ha ha ha", "no, no, no"."""
SENTENCE = 12
MIN_RUN = 64
"""Characters that a short thing fills before it is a loop."""
MAX_REPEATS = 5
"""One sentence in one answer, wherever it stands; a refrain is sung four times."""
MIN_WORDS = 4
"""Of a sentence that is counted; "yes" may come as often as it likes."""
_LOOKED_AT = MAX_PERIOD * MIN_REPEATS
_EVERY = 16  # characters between two looks
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|[。！？\n]")  # noqa: RUF001 - the punctuation of many scripts is meant
_WORD = re.compile(r"\w+")


class RepetitionDetector:
    """Takes a text in any pieces and tells when it goes round in a circle."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0
        self._sentence = ""
        self._said: Counter[str] = Counter()

    def feed(self, text: str) -> bool:
        """Return whether what was heard so far is a loop."""
        *whole, self._sentence = _SENTENCE_END.split(self._sentence + text)
        self._said.update(filter(None, map(_normalize_sentence, whole)))
        self._tail = (self._tail + text)[-_LOOKED_AT:]
        self._unseen += len(text)
        if self._unseen < _EVERY and not whole:
            return False
        self._unseen = 0
        return any(times >= MAX_REPEATS for times in self._said.values()) or is_loop(self._tail)


def is_loop(text: str) -> bool:
    """Tell whether the text ends with the same thing several times in a row."""
    backwards = " ".join(text.split())[::-1]
    ends = _compute_prefix_function(backwards)
    return any(_is_long_run(length - end, length) for length, end in enumerate(ends, 1))


def _is_long_run(period: int, length: int) -> bool:
    """Tell whether `length` characters that repeat every `period` are a loop; the last needs no space behind it."""
    if period > MAX_PERIOD or length < MIN_REPEATS * period - 1:
        return False
    return period >= SENTENCE or length >= MIN_RUN


def _compute_prefix_function(text: str) -> Sequence[int]:
    """Return for each beginning of the text how long a part is both its proper beginning and its end."""
    found = [0] * len(text)
    longest = 0
    for at in range(1, len(text)):
        while longest and text[at] != text[longest]:
            longest = found[longest - 1]
        longest += text[at] == text[longest]
        found[at] = longest
    return found


def _normalize_sentence(sentence: str) -> str:
    """Return a sentence without its marks; nothing of a short one."""
    words = _WORD.findall(sentence.casefold())
    enough = len(words) >= MIN_WORDS or (len(words) == 1 and len(words[0]) >= 4 * MIN_WORDS)
    return " ".join(words) if enough else ""
