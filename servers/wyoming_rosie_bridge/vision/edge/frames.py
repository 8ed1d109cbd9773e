"""What the classifier says about a frame, and which frames are passed on."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, as parts of the frame from 0 to 1."""
MOTION, PERSON, LARGE_MOVING_OBJECT = "motion", "person", "large_moving_object"
Phase: TypeAlias = Literal["still", "calibrating", "motion"]
CONFIRMATIONS = 2
"""Frames that must show a label before one is passed on: a single one is often a mistake."""
CONFIRM_SECONDS = 3.0
REFRESH_SECONDS = 2.0
"""Pause between frames that are passed on while a label stays."""


@dataclass(frozen=True, order=True)
class Found:
    """An object in a frame; the better one is the greater."""

    score: float
    label: str
    box: Box


@dataclass(frozen=True)
class FrameReport:
    """What one frame shows."""

    phase: Phase
    label: str | None = None
    score: float = 0.0
    boxes: tuple[Box, ...] = ()
    """Where the label was seen; with `motion`, the moving regions."""
    regions: tuple[Box, ...] = ()
    """What moves."""
    changed: float = 0.0
    """Part of the frame that changed, 0 to 1."""
    jpeg: bytes | None = field(default=None, repr=False)
    """The frame, if it is to be passed on."""


@dataclass(frozen=True)
class StreamStatus:
    """Why a stream gives no frame now."""

    problem: str | None
    silent_seconds: float
    """How long one call of the library has lasted: it has time-outs of its own, so that a long one is stuck."""
    has_ended: bool = False


@dataclass
class FrameSampler:
    """Selects the frames that are passed on: the first that confirms a label, then one from time to time."""

    confirmations: int = CONFIRMATIONS
    _seen: dict[str, deque[float]] = field(default_factory=dict)
    _passed: dict[str, float] = field(default_factory=dict)

    def selects(self, label: str, now: float) -> bool:
        """Return whether a frame with this label is passed on; `now` is in seconds and must not go back."""
        seen = self._seen.setdefault(label, deque(maxlen=self.confirmations))
        seen.append(now)
        if len(seen) < self.confirmations or now - seen[0] > CONFIRM_SECONDS * self.confirmations:
            return False
        if now - self._passed.get(label, -REFRESH_SECONDS) < REFRESH_SECONDS:
            return False
        self._passed[label] = now
        return True
