"""How long an answer is when it is spoken, and where to stop and offer the rest."""

import re
from collections.abc import Sequence

OFFER_SECONDS = 60.0
"""Of speech; then the answer stops at the end of its sentence."""
LATEST_SECONDS = 75.0
"""Of speech; an answer that ends by then is said to its end."""
_SIGNS_A_SECOND = 15.0
_WIDE_SIGNS_A_SECOND = 6.0
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SENTENCE_END = re.compile(r"[.!?…。！？\n][\"'”’»)]*\s*\Z")  # noqa: RUF001 - the punctuation of many scripts is meant


def estimate_speech_seconds(text: str) -> float:
    """Return about how long it takes to say a text."""
    wide = len(_WIDE.findall(text))
    return wide / _WIDE_SIGNS_A_SECOND + (len(text) - wide) / _SIGNS_A_SECOND


class AnswerLimiter:
    """Takes an answer's clauses and gives back those that are said before the rest is offered."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._is_at_end = False  # a sentence ended behind OFFER_SECONDS
        self._kept: list[str] = []  # what comes after it

    @property
    def has_more(self) -> bool:
        """Whether there is more than may be said at once."""
        return self._seconds > LATEST_SECONDS and bool(self._kept)

    def feed(self, clause: str) -> Sequence[str]:
        """Return the clauses that may be said now."""
        self._seconds += estimate_speech_seconds(clause)
        if self._is_at_end:
            self._kept.append(clause)
            return ()
        self._is_at_end = self._seconds >= OFFER_SECONDS and (
            _SENTENCE_END.search(clause) is not None or self._seconds > LATEST_SECONDS
        )
        return (clause,)

    def flush(self) -> Sequence[str]:
        """Return what was kept back of an answer that is at its end."""
        kept, self._kept = ([] if self.has_more else self._kept), []
        return kept
