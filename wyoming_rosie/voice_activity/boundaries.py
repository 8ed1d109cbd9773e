"""Exact boundaries of speech: rules without audio, engine or clock.

The probability decides whether there is speech. It lags: by a frame or two at the start, by up to four at the end, by more
for a muffled voice or a hiss. The level, compared with the background, gives the exact frame.
"""

from collections import deque
from math import inf

from wyoming_rosie.voice_activity.events import VadFrame

LAG_FRAMES = 4
"""Distance from the likely boundary within which the level alone decides."""
DOUBTFUL_PROBABILITY = 0.1
"""Probability from which adjacent audio that is as loud as speech belongs to it."""
DOUBTFUL_FRAMES = 12
"""Longest such extension, a syllable or two: music is doubtful for minutes."""
CLOSURE_FRAMES = 1
"""Soft frames that may lie inside speech: the mouth is closed before the t of "stop"."""
ABOVE_BACKGROUND = 6.0
"""dB above the background that are loud enough for speech."""
BELOW_SPEECH = 40.0
"""dB below the speech that are too soft for speech, however silent the background is."""
BACKGROUND_FRAMES = 31
"""Frames before the start from which the background is measured: about a second."""
MIN_BACKGROUND_FRAMES = 3


class SpeechBoundaries:
    """Refines boundaries by the newest frames of a stream; frames are numbered from its first."""

    def __init__(self, more: int) -> None:
        self.frame_count = 0
        self._frames: deque[VadFrame] = deque(maxlen=BACKGROUND_FRAMES + DOUBTFUL_FRAMES + more)
        self._background = inf  # before the present speech, if it is known

    def add(self, frame: VadFrame) -> None:
        self._frames.append(frame)
        self.frame_count += 1

    def find_start(self, likely: int, earliest: int) -> int:
        """Return the first frame of the present speech; `likely` is its first likely frame."""
        before = self._levels(likely - BACKGROUND_FRAMES, likely)
        self._background = _background_level(before) if len(before) >= MIN_BACKGROUND_FRAMES else inf
        if self._background == inf:
            return likely
        softest = self._min_level(self._background, likely, self.frame_count)
        start = likely
        for frame in range(likely - 1, max(likely - DOUBTFUL_FRAMES, earliest) - 1, -1):
            if start - frame > CLOSURE_FRAMES + 1:
                break
            if self._is_part_of_speech(frame, likely, softest):
                start = frame
        return start

    def find_end(self, start: int, likely: int) -> int:
        """Return the frame after the last one of the speech from `start`; `likely` is its last likely frame."""
        after = self._levels(likely + 1, self.frame_count)
        if not after:
            return likely + 1
        softest = self._min_level(
            min(self._background, _background_level(after)), max(start, likely - BACKGROUND_FRAMES), likely + 1
        )
        end = likely + 1
        while end < min(likely + DOUBTFUL_FRAMES, self.frame_count) and self._is_part_of_speech(end, likely, softest):
            end += 1
        if end == likely + 1:
            while end - 1 > max(start, likely - LAG_FRAMES) and self._level(end - 1) < softest:
                end -= 1
        return end

    def _is_part_of_speech(self, frame: int, likely: int, softest: float) -> bool:
        is_joined = (
            abs(frame - likely) <= LAG_FRAMES
            or self._frames[frame - self.frame_count].probability >= DOUBTFUL_PROBABILITY
        )
        return is_joined and self._level(frame) > softest

    def _min_level(self, background: float, first: int, end: int) -> float:
        """Return the level that a frame adjacent to the speech from `first` to before `end` needs to belong to it."""
        loudest = max(self._levels(first, end))
        above = min(
            ABOVE_BACKGROUND, (loudest - background) / 2
        )  # half the distance for speech close to the background
        return max(background + above, loudest - BELOW_SPEECH)

    def _level(self, frame: int) -> float:
        return self._frames[frame - self.frame_count].level

    def _levels(self, first: int, end: int) -> list[float]:
        """Return the levels of the frames from `first` to before `end` that are still stored."""
        oldest = self.frame_count - len(self._frames)
        return [self._level(frame) for frame in range(max(first, oldest), end)]


def _background_level(levels: list[float]) -> float:
    return sorted(levels)[len(levels) // 5]
