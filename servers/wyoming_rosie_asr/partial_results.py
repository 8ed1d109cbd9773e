"""Text told while somebody still speaks: only what two guesses in a row agree on, so that nothing is taken back.

The rule is local agreement (Macháček, Dabre and Bojar, 2023, "Turning Whisper into Real-Time Transcription System").
"""

from itertools import takewhile

MOST_SHARE = 0.25
"""Of the time between two guesses, which the engine may take for one; the rest is for answers."""


class Partials:
    """Guesses of one utterance, each over more of its audio, and the beginning of them that has been told."""

    def __init__(self) -> None:
        self.told = ""
        self._before: list[str] = []

    def take(self, guess: str) -> str:
        """Take the next guess; return what of it is new and stable, nothing when there is nothing."""
        words = guess.split()
        agreed = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, self._before, strict=False))]
        self._before = words
        return self._tell(" ".join(agreed))

    def finish(self, text: str) -> str:
        """Return the rest of the final text, nothing when it does not begin with what was told."""
        return self._tell(" ".join(text.split()))

    def _tell(self, text: str) -> str:
        if not text.startswith(self.told) or (self.told and text[len(self.told) : len(self.told) + 1] not in ("", " ")):
            return ""
        new, self.told = text[len(self.told) :], text
        return new


class Leisure:
    """Whether the engine is quick enough to guess while people speak: a guess must not stand in an answer's way."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        """Take it that the newest decoding took so long, with the wait for its turn."""
        self._seconds = seconds

    def is_enough(self, step_seconds: float) -> bool:
        """Tell whether there is time for a guess every so many seconds."""
        return self._seconds <= MOST_SHARE * step_seconds
