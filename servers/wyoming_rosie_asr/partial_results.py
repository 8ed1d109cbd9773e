"""Partial results by local agreement: the words that two hypotheses in a row share are stable and sent, never revised.

Macháček, Dabre and Bojar (2023), "Turning Whisper into Real-Time Transcription System".
"""

from itertools import takewhile

MAX_SHARE = 0.25
"""Share of the interval between partial results that decoding one may take; the rest is for final transcripts."""


class LocalAgreement:
    """The hypotheses of one utterance, each for more of its audio, and their stable prefix."""

    def __init__(self) -> None:
        self.sent = ""
        self._previous: list[str] = []

    def push(self, hypothesis: str) -> str:
        """Add the next hypothesis; return the text by which it extends the stable prefix, which may be empty."""
        words = hypothesis.split()
        agreed = [
            word for word, _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, self._previous, strict=False))
        ]
        self._previous = words
        return self._extend(" ".join(agreed))

    def finish(self, text: str) -> str:
        """Return what follows the stable prefix in the final text; nothing if the text does not begin with it."""
        return self._extend(" ".join(text.split()))

    def _extend(self, text: str) -> str:
        if not text.startswith(self.sent) or (self.sent and text[len(self.sent) : len(self.sent) + 1] not in ("", " ")):
            return ""
        new, self.sent = text[len(self.sent) :], text
        return new


class PartialBudget:
    """Limits partial results to engines that decode fast enough, so that final transcripts are not delayed."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def record(self, seconds: float) -> None:
        """Record the duration of the newest decoding, including its wait."""
        self._seconds = seconds

    def allows(self, step_seconds: float) -> bool:
        """Return whether the engine has time for a partial result every `step_seconds`."""
        return self._seconds <= MAX_SHARE * step_seconds
