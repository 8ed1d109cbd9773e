"""VAD gate: pass audio on during speech, and shortly before and after. Rules without clock or engine."""

from collections import deque
from dataclasses import dataclass

MAX_GATE_SECONDS = 60.0
KEEPALIVE_SECONDS = 20.0
"""Interval at which a little audio passes all the same: a wake daemon closes connections that are idle for long."""


@dataclass(frozen=True)
class GateRules:
    threshold: float = 0.5  # probability from which a frame is speech, 0 to 1
    trigger_level: int = 1  # consecutive speech frames that open the gate
    buffer_seconds: float = 2.0  # audio from before the speech that passes with it
    wake_word_timeout: float = 5.0  # seconds without speech that close the gate


class SpeechGate:
    """Passes the frames, all of one length, that may belong to speech."""

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
        """Frames that did not pass and never will."""

    def process(self, piece: bytes, probability: float) -> list[bytes]:
        """Return the frames that pass now, in order."""
        self._likely = self._likely + 1 if probability >= self._threshold else 0
        if self._likely >= self._trigger:
            self._open_for = self._open_pieces
        if self._open_for:
            self._open_for -= 1
            return self._flush_with(piece)
        return self._buffer(piece)

    def _flush_with(self, piece: bytes) -> list[bytes]:
        passed = [*self._buffered, piece]
        self._buffered.clear()
        self._silent_for = 0
        return passed

    def _buffer(self, piece: bytes) -> list[bytes]:
        self._silent_for += 1
        if self._silent_for >= self._sign_pieces:
            return self._flush_with(piece)
        self.dropped += len(self._buffered) == self._buffered.maxlen
        self._buffered.append(piece)
        return []
