"""Near voice detection: whoever speaks to the device is louder there than a television. Rules without audio, engine or clock."""

from collections import deque
from dataclasses import replace
from math import inf, log10

from wyoming_rosie.voice_activity.events import VadFrame

WINDOW_FRAMES = 4
"""Frames over which the level is averaged: about a syllable."""
HYSTERESIS_DB = 2.0
"""A voice that was far must be this much louder to become near, so that a loud word on television does not count."""
SOFT_FRAMES = 10
"""A soft part of the near voice is no longer than this: the end of a sentence, a third of a second."""
SURE_PROBABILITY = 0.5
"""Probability of speech from which a frame is somebody's voice for certain."""


class NearVoiceFilter:
    """Makes the speech of far voices improbable: speech that is softer than the loudest of the stream by `far_db`."""

    def __init__(self, far_db: float) -> None:
        self._far_db = far_db
        self._window: deque[VadFrame] = deque(maxlen=WINDOW_FRAMES)
        self._loudest = -inf
        self._is_near = True
        self._soft_frames = 0

    def process(self, frame: VadFrame) -> VadFrame:
        """Return the next frame, with a probability of 0 if nobody near speaks."""
        self._window.append(frame)
        level = 10 * log10(sum(10 ** (one.level / 10) for one in self._window) / len(self._window))
        if len(self._window) == WINDOW_FRAMES and all(one.probability >= SURE_PROBABILITY for one in self._window):
            self._loudest = max(self._loudest, level)
        margin = self._far_db - (0.0 if self._is_near else HYSTERESIS_DB)
        self._soft_frames = 0 if level >= self._loudest - margin else self._soft_frames + 1
        self._is_near = self._soft_frames <= SOFT_FRAMES if self._is_near else not self._soft_frames
        if self._is_near:
            return frame
        far_frames = self._soft_frames if frame.probability >= SURE_PROBABILITY else 0
        return replace(frame, probability=0.0, far_frames=far_frames)
