"""Planning of a sentence's slices: a short first one, and no slice that takes longer than the audio before it lasts."""

import math

FIRST_SECONDS = 0.2
MAX_SECONDS = 0.7
GROWTH = 1.25
"""Ratio of a slice's length to the one before. Longer slices cost less, as the context of each is decoded again."""
MARGIN = 0.8
"""Share of the available time that the work may take."""
SMOOTHING = 0.9
"""Weight of the previous estimate in the moving average."""


class SlicePlanner:
    """Plans slices from the duration of a frame, the extra frames that each slice decodes, and the work per frame.

    The work is an average over recent slices, because other programs come and go. Durations are in seconds.
    """

    def __init__(self, frame_seconds: float, context_frames: int, work_seconds: float) -> None:
        self._frame_seconds = frame_seconds
        self._context_frames = context_frames
        self._work_seconds = work_seconds

    def record(self, frames: int, seconds: float) -> None:
        """Update the estimate of the work per frame."""
        self._work_seconds = SMOOTHING * self._work_seconds + (1 - SMOOTHING) * seconds / frames

    def plan(self, frames: int) -> list[int]:
        """Return the boundaries of a sentence's slices. A machine that is too slow for slices gets a single one."""
        min_size = self._min_frames()
        size, max_size = (max(min_size, seconds / self._frame_seconds) for seconds in (FIRST_SECONDS, MAX_SECONDS))
        boundaries = [0]
        while frames - boundaries[-1] > GROWTH * size:
            boundaries.append(boundaries[-1] + math.ceil(size))
            size = min(max_size, GROWTH * size)
        return [*boundaries, frames] if frames else boundaries

    def _min_frames(self) -> float:
        """Return the size of a slice that lasts as long as it takes to decode the next, longer one."""
        spare = MARGIN * self._frame_seconds - GROWTH * self._work_seconds
        return self._context_frames * self._work_seconds / spare if spare > 0 else math.inf
