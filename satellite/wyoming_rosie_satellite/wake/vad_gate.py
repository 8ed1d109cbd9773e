"""When sound goes to who looks for wake words: while somebody speaks, and a little before and after. Rules without clock or engine."""

from collections import deque
from dataclasses import dataclass

from wyoming_rosie.errors import ConfigError

MAX_SECONDS = 60.0
KEEPALIVE_SECONDS = 20.0
"""So often a little sound passes all the same: a wake daemon lets go of who is silent for long."""


@dataclass(frozen=True)
class GateRules:
    threshold: float = 0.5  # probability of speech from which sound is let through, 0 to 1
    trigger_level: int = 1  # pieces that must be speech, one after the other
    buffer_seconds: float = 2.0  # sound from before the speech that is let through with it
    wake_word_timeout: float = 5.0  # seconds without speech after which nothing is let through


def check_rules(rules: GateRules) -> None:
    """Raise ConfigError for rules that no gate can follow."""
    if not 0 <= rules.threshold <= 1:
        raise ConfigError(f"--vad-threshold must be from 0 to 1, not {rules.threshold:g}")
    if not 0 <= rules.buffer_seconds <= MAX_SECONDS or not 0 < rules.wake_word_timeout <= MAX_SECONDS:
        raise ConfigError(f"--vad-buffer-seconds and --vad-wake-word-timeout must be from 0 to {MAX_SECONDS:g}")


class SpeechGate:
    """Takes pieces of sound that are all equally long, and lets through those that may belong to speech."""

    def __init__(self, rules: GateRules, piece_seconds: float) -> None:
        self._threshold = rules.threshold
        self._trigger = max(1, rules.trigger_level)
        self._open_pieces = max(1, round(rules.wake_word_timeout / piece_seconds))
        self._sign_pieces = round(KEEPALIVE_SECONDS / piece_seconds)
        self._buffered: deque[bytes] = deque(maxlen=round(rules.buffer_seconds / piece_seconds))
        self._likely = 0
        self._open_for = 0
        self._silent_for = 0
        self.dropped = 0
        """Pieces that were not let through and will not be."""

    def process(self, piece: bytes, probability: float) -> list[bytes]:
        """Return what is let through now, in order."""
        self._likely = self._likely + 1 if probability >= self._threshold else 0
        if self._likely >= self._trigger:
            self._open_for = self._open_pieces
        if self._open_for:
            self._open_for -= 1
            return self._flush_with(piece)
        return self._buffer(piece)

    def _flush_with(self, piece: bytes) -> list[bytes]:
        let = [*self._buffered, piece]
        self._buffered.clear()
        self._silent_for = 0
        return let

    def _buffer(self, piece: bytes) -> list[bytes]:
        self._silent_for += 1
        if self._silent_for >= self._sign_pieces:
            return self._flush_with(piece)
        self.dropped += len(self._buffered) == self._buffered.maxlen
        self._buffered.append(piece)
        return []
