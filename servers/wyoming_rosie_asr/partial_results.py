"""Text told while somebody still speaks: only what two guesses in a row agree on, so that nothing is taken back.

The rule is local agreement (Macháček, Dabre and Bojar, 2023, "Turning Whisper into Real-Time Transcription System").
"""

from itertools import takewhile

MAX_SHARE = 0.25
"""Of the time between two guesses, which the engine may take for one; the rest is for answers."""


class LocalAgreement:
    """Guesses of one utterance, each over more of its audio, and the beginning of them that has been told."""

    def __init__(self) -> None:
        self.sent = ""
        self._previous: list[str] = []

    def push(self, hypothesis: str) -> str:
        """Take the next guess; return what of it is new and stable, nothing when there is nothing."""
        words = hypothesis.split()
        agreed = [
            one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, self._previous, strict=False))
        ]
        self._previous = words
        return self._extend(" ".join(agreed))

    def finish(self, text: str) -> str:
        """Return the rest of the final text, nothing when it does not begin with what was told."""
        return self._extend(" ".join(text.split()))

    def _extend(self, text: str) -> str:
        if not text.startswith(self.sent) or (self.sent and text[len(self.sent) : len(self.sent) + 1] not in ("", " ")):
            return ""
        new, self.sent = text[len(self.sent) :], text
        return new


class PartialBudget:
    """Whether the engine is quick enough to guess while people speak: a guess must not stand in an answer's way."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def record(self, seconds: float) -> None:
        """Take it that the newest decoding took so long, with the wait for its turn."""
        self._seconds = seconds

    def allows(self, step_seconds: float) -> bool:
        """Tell whether there is time for a guess every so many seconds."""
        return self._seconds <= MAX_SHARE * step_seconds
