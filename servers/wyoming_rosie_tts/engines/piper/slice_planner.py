"""How long the slices of a sentence are: the first one short, and none so long that the listener waits for it."""

import math

FIRST_SECONDS = 0.2
MAX_SECONDS = 0.7
GROWTH = 1.25
"""Each slice is so much longer than the one before: the frames around it are worked through twice."""
MARGIN = 0.8
"""Of the time that there is, what the work may take."""
SMOOTHING = 0.9
"""How much of the measure stays with each new one."""


class SlicePlanner:
    """Of a decoder: how long a frame lasts, how many more it works through for each slice, and how long one takes.

    Times are in seconds. The work is measured on and on, because other programs come and go.
    """

    def __init__(self, frame_seconds: float, context_frames: int, work_seconds: float) -> None:
        self._frame_seconds = frame_seconds
        self._context_frames = context_frames
        self._work_seconds = work_seconds

    def record(self, frames: int, seconds: float) -> None:
        """Take into account how long so many frames took."""
        self._work_seconds = SMOOTHING * self._work_seconds + (1 - SMOOTHING) * seconds / frames

    def plan(self, frames: int) -> list[int]:
        """Return where the slices of a sentence begin and end; on a machine that is too slow for them there is one."""
        least = self._min_frames()
        size, most = max(least, FIRST_SECONDS / self._frame_seconds), max(least, MAX_SECONDS / self._frame_seconds)
        found = [0]
        while frames - found[-1] > GROWTH * size:
            found.append(found[-1] + math.ceil(size))
            size = min(most, GROWTH * size)
        return [*found, frames] if frames else found

    def _min_frames(self) -> float:
        """Return the frames that last as long as it takes to make the next, longer slice."""
        spare = MARGIN * self._frame_seconds - GROWTH * self._work_seconds
        return self._context_frames * self._work_seconds / spare if spare > 0 else math.inf
