"""Repetition detector: finds out that a model repeats itself endlessly."""

import re
from collections import Counter
from collections.abc import Sequence

MAX_PERIOD = 400
"""Characters of the repeated text."""
MIN_REPEATS = 3
"""Repeats in a row of a text of SENTENCE characters; shorter texts may repeat more often: "ha ha ha", "no, no, no"."""
SENTENCE = 12
MIN_RUN = 64
"""Characters that a shorter text fills before it is a loop."""
MAX_REPEATS = 5
"""Times that an answer may have the same sentence; a refrain has four."""
MIN_WORDS = 4
"""Words of a sentence that is counted; "yes" may come any number of times."""
_LOOKED_AT = MAX_PERIOD * MIN_REPEATS
_EVERY = 16  # characters between two checks
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|[。！？\n]")  # noqa: RUF001 - the punctuation of many scripts is meant
_WORD = re.compile(r"\w+")


class RepetitionDetector:
    """Detects loops in streamed text."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0
        self._sentence = ""
        self._sentences: Counter[str] = Counter()

    def feed(self, text: str) -> bool:
        """Return whether the text so far is a loop."""
        *whole, self._sentence = _SENTENCE_END.split(self._sentence + text)
        self._sentences.update(filter(None, map(_normalize_sentence, whole)))
        self._tail = (self._tail + text)[-_LOOKED_AT:]
        self._unseen += len(text)
        if self._unseen < _EVERY and not whole:
            return False
        self._unseen = 0
        return any(times >= MAX_REPEATS for times in self._sentences.values()) or is_loop(self._tail)


def is_loop(text: str) -> bool:
    """Return whether the text ends with several repeats in a row."""
    backwards = " ".join(text.split())[::-1]
    ends = _compute_prefix_function(backwards)
    return any(_is_long_run(length - end, length) for length, end in enumerate(ends, 1))


def _is_long_run(period: int, length: int) -> bool:
    """Return whether `length` characters with this period are a loop; the last repeat needs no space after it."""
    if period > MAX_PERIOD or length < MIN_REPEATS * period - 1:
        return False
    return period >= SENTENCE or length >= MIN_RUN


def _compute_prefix_function(text: str) -> Sequence[int]:
    """Return, for each prefix of the text, the length of its longest proper prefix that is also its suffix."""
    found = [0] * len(text)
    longest = 0
    for at in range(1, len(text)):
        while longest and text[at] != text[longest]:
            longest = found[longest - 1]
        longest += text[at] == text[longest]
        found[at] = longest
    return found


def _normalize_sentence(sentence: str) -> str:
    """Return a sentence without punctuation, or nothing if it is short."""
    words = _WORD.findall(sentence.casefold())
    enough = len(words) >= MIN_WORDS or (len(words) == 1 and len(words[0]) >= 4 * MIN_WORDS)
    return " ".join(words) if enough else ""
