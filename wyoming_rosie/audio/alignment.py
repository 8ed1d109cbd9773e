"""Words and phones that pocketsphinx finds in speech, with their times, and how well the words fit. Frames are 10 ms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming_rosie.audio.formats import SPEECH

if TYPE_CHECKING:
    from pocketsphinx import Decoder

END_SILENCE = bytes(SPEECH.bytes_in(0.06))
"""Without silence after it, the last word is not over; more than this changes the mean that the cepstra are normalized by."""
FRAMES_PER_SECOND = 100
_MIN_LIKELIHOOD = 1e-300


@dataclass(frozen=True)
class AlignedSegment:
    """A word, phone or pause with its first and last frame."""

    word: str
    first: int
    last: int
    log_likelihood: float

    @property
    def is_word(self) -> bool:
        return not self.word.startswith(("<", "[", "(", "+"))

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


def read_segments(decoder: "Decoder") -> list[AlignedSegment]:
    """Return what the decoder's present search has found so far."""
    if decoder.hyp() is None:
        return []
    return [
        AlignedSegment(piece.word, piece.start_frame, piece.end_frame, math.log(max(piece.ascore, _MIN_LIKELIHOOD)))
        for piece in decoder.seg()
        if piece.end_frame >= piece.start_frame
    ]


def compute_score(words: Sequence[AlignedSegment], phones: Sequence[AlignedSegment]) -> float:
    """Return the likelihood of the words relative to that of any phones in their place: 0 to 1, per second of words."""
    frames = sum(word.frames for word in words)
    gap = sum(phone_score(phones, word.first, word.last) - word.log_likelihood for word in words)
    return math.exp(-max(gap, 0.0) * FRAMES_PER_SECOND / frames)


def phone_score(phones: Sequence[AlignedSegment], first: int, last: int) -> float:
    """Return the log likelihood of the phones within the frames from `first` to `last`."""
    total = 0.0
    for sound in phones:
        common = min(last, sound.last) - max(first, sound.first) + 1
        if common > 0:
            total += sound.log_likelihood * common / sound.frames
    return total
