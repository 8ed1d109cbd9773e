"""Wake word history: the last detections and near misses of each wake word, in memory."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from wyoming_rosie.wakeword.detection import normalize_name

MAX_WORDS = 64
MAX_SCORES = 100
"""Scores that are kept of one word."""
MAX_NAME_CHARACTERS = 128


@dataclass(frozen=True)
class WakeWordScore:
    """A detection, or a near miss; `at` is in seconds since the epoch, the score from 0 to 1 where it is known."""

    at: float
    satellite: str
    score: float | None
    detected: bool = True


@dataclass
class WakeWordHistory:
    """The last scores by wake word. Different spellings of a name are one word, as for the detectors."""

    clock: Callable[[], float] = time.time
    _scores: dict[str, deque[WakeWordScore]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _thresholds: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, satellite: str, score: float | None, *, detected: bool = True) -> None:
        """Add a score; of more than MAX_WORDS names the new ones are dropped, since any peer may send any name."""
        key = normalize_name(name)[:MAX_NAME_CHARACTERS]
        if key not in self._scores and len(self._scores) >= MAX_WORDS:
            return
        self._names.setdefault(key, name[:MAX_NAME_CHARACTERS])
        scores = self._scores.setdefault(key, deque(maxlen=MAX_SCORES))
        scores.append(WakeWordScore(self.clock(), satellite, score, detected))

    def set_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Keep the thresholds that a satellite reports; the last report counts."""
        for name, threshold in thresholds.items():
            key = normalize_name(name)[:MAX_NAME_CHARACTERS]
            if key in self._thresholds or len(self._thresholds) < MAX_WORDS:
                self._thresholds[key] = threshold

    def find_threshold(self, name: str) -> float | None:
        """Return the score from which a word counts, where a satellite has reported it."""
        return self._thresholds.get(normalize_name(name))

    def find(self, name: str) -> Sequence[WakeWordScore]:
        """Return the scores of a word, the newest last."""
        return tuple(self._scores.get(normalize_name(name), ()))

    @property
    def names(self) -> Mapping[str, str]:
        """The names as they were heard first, by their canonical form."""
        return self._names
