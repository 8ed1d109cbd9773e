"""Answer length: limits an answer to about a minute of speech and offers the rest."""

import re
from collections.abc import Sequence

OFFER_SECONDS = 60.0
"""Seconds of speech after which the answer stops at the end of its sentence."""
MAX_SECONDS = 75.0
"""Seconds of speech; an answer that is no longer is spoken in full."""
_CHARACTERS_PER_SECOND = 15.0
_WIDE_CHARACTERS_PER_SECOND = 6.0
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SENTENCE_END = re.compile(r"[.!?…。！？\n][\"'”’»)]*\s*\Z")  # noqa: RUF001 - the punctuation of many scripts is meant


def estimate_speech_seconds(text: str) -> float:
    """Estimate the seconds that it takes to speak a text."""
    wide = len(_WIDE.findall(text))
    return wide / _WIDE_CHARACTERS_PER_SECOND + (len(text) - wide) / _CHARACTERS_PER_SECOND


class AnswerLimiter:
    """Passes the clauses of an answer on until the rest is to be offered."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._is_at_end = False  # a sentence ended after OFFER_SECONDS
        self._withheld: list[str] = []  # clauses after that sentence

    @property
    def has_more(self) -> bool:
        """Whether the answer is too long to be spoken at once."""
        return self._seconds > MAX_SECONDS and bool(self._withheld)

    def feed(self, clause: str) -> Sequence[str]:
        """Return the clauses that may be spoken now."""
        self._seconds += estimate_speech_seconds(clause)
        if self._is_at_end:
            self._withheld.append(clause)
            return ()
        self._is_at_end = self._seconds >= OFFER_SECONDS and (
            _SENTENCE_END.search(clause) is not None or self._seconds > MAX_SECONDS
        )
        return (clause,)

    def flush(self) -> Sequence[str]:
        """Return the withheld clauses at the end of an answer that is not too long."""
        withheld, self._withheld = ([] if self.has_more else self._withheld), []
        return withheld
