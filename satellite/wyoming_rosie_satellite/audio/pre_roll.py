"""Pre-roll: the latest microphone audio, sent with a wake word that is reported late."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
PRE_ROLL_SAMPLES = 3_000 * SAMPLES_PER_MS
"""A local detector reports a wake word some milliseconds late, a busy daemon a second or two."""


@dataclass
class PreRoll:
    """The last PRE_ROLL_SAMPLES of 16 kHz 16-bit mono. Positions are samples since the microphone's start."""

    position: int = 0
    """The position after the last sample that was pushed or skipped."""
    _chunks: deque[tuple[int, bytes]] = field(default_factory=deque)  # position of the first sample, audio

    def push(self, pcm: bytes) -> int:
        """Add the next audio; return its position."""
        start = self.skip(pcm)
        self._chunks.append((start, pcm))
        while len(self._chunks) > 1 and self.position - self._chunks[0][0] > PRE_ROLL_SAMPLES:
            self._chunks.popleft()
        return start

    def skip(self, pcm: bytes) -> int:
        """Count the next audio without keeping it; return its position."""
        start = self.position
        self.position += len(pcm) // SAMPLE_BYTES
        return start

    def read_from(self, position: int) -> Iterator[tuple[int, bytes]]:
        """Yield the chunks from a position on, each with its own position."""
        for start, pcm in self._chunks:
            first = max(position, start)
            if trimmed := pcm[(first - start) * SAMPLE_BYTES :]:
                yield first, trimmed

    def clear(self) -> None:
        self._chunks.clear()
