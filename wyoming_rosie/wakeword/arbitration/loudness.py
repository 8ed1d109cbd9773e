"""Loudness of a wake word over the noise of the room, in a stream of 16 kHz 16-bit mono PCM, without numpy."""

from collections import deque
from dataclasses import dataclass, field

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import measure_levels

BLOCK_BYTES = SPEECH.bytes_in(0.1)
BLOCK_SAMPLES = BLOCK_BYTES // SPEECH.frame_bytes
FLOOR_BLOCKS = 60
"""Blocks of six seconds, in which the quietest moment is that between two words (minimum statistics, Martin 2001)."""
WORD_BLOCKS = 10
"""Blocks of a second, in which the wake word ends."""
LOUD_BLOCKS = 3
"""Blocks of the word that are measured, the loudest: its vowels."""
LEAST_BLOCKS = 15
LOWEST_FLOOR_DBFS = -85.0
"""Noise of a good microphone; a floor below it is that of a recording or of a muted device."""


@dataclass
class LoudnessMeter:
    """Measures the latest audio. Positions are samples of the whole stream, of which it need not get all."""

    _pending: bytearray = field(default_factory=bytearray)
    _position: int = 0  # of the end of the last block
    _levels: deque[float] = field(default_factory=lambda: deque(maxlen=FLOOR_BLOCKS))

    def push(self, pcm: bytes, end: int) -> None:
        """Measure the next audio, of any length, whose last sample has a position."""
        self._pending += pcm
        self._position = end - len(self._pending) // SPEECH.frame_bytes
        while len(self._pending) >= BLOCK_BYTES:
            self._levels.append(measure_levels(bytes(self._pending[:BLOCK_BYTES]), every=4).rms)
            del self._pending[:BLOCK_BYTES]
            self._position += BLOCK_SAMPLES

    def measure_word(self, end: int) -> float | None:
        """Return the loudness of the word that ends at a position over the noise floor, in dB; None if too little was heard."""
        blocks_since = max(0, (self._position - end) // BLOCK_SAMPLES)
        until = len(self._levels) - blocks_since
        if until < LEAST_BLOCKS:
            return None
        levels = list(self._levels)
        word = sorted(levels[max(0, until - WORD_BLOCKS) : until])[-LOUD_BLOCKS:]
        floor = max(LOWEST_FLOOR_DBFS, min(levels[:until]))
        return max(0.0, round(sum(word) / len(word) - floor, 1))
