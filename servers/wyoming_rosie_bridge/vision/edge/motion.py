"""Motion in small grey frames: a running average, then MOG2, guarded against changes of the light."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from wyoming_rosie_bridge.vision.edge.frames import Box

Gray: TypeAlias = MatLike
"""A frame in grey levels, of bytes."""
AVERAGE_SIZE = 178, 100
MOTION_SIZE = 320, 180
_AVERAGE_RATE = 0.02
_AVERAGE_DIFFERENCE = 15
"""Grey levels; noise of a camera in the dark stays below after the blur."""
_LEAST_AVERAGE_CHANGE = 4 / (178 * 100)
_MOG_HISTORY = 300
_LEARNING_RATE = 0.001
"""With it, who stops is seen for 10 to 20 seconds more at 5 frames a second."""
_MOG_VARIANCE_THRESHOLD = 25
_LEAST_REGION = 30 / (320 * 180)
MAX_REGIONS = 20
CALIBRATION_FRAMES = 10
_CALIBRATION_RATE = 0.3
LIGHT_CHANGE = 0.6
"""Part of the frame beyond which a change is one of the light."""
_SUSPICIOUS_CHANGE = 0.1
"""Part of the frame from which on a change is examined: does the scene under it have the same edges?"""
_SAME_STRUCTURE = 0.6
"""Median correlation with the background from which on only the light has changed."""
_LEAST_DEVIATION = 3.0
"""Grey levels; a flat patch has no structure that could be compared."""


class RunningAverage:
    """Compares frames with the average of those before: cheap enough for every frame."""

    def __init__(self) -> None:
        self._average: NDArray[np.float32] | None = None

    def update(self, gray: Gray) -> float:
        """Return the part of the frame that differs from the average, and learn the frame."""
        blurred = cv2.GaussianBlur(cv2.resize(gray, AVERAGE_SIZE, interpolation=cv2.INTER_AREA), (5, 5), 0)
        if self._average is None:
            self._average = blurred.astype(np.float32)
            return 0.0
        difference = cv2.absdiff(blurred, cv2.convertScaleAbs(self._average))
        cv2.accumulateWeighted(blurred, self._average, _AVERAGE_RATE)
        changed = float(np.count_nonzero(difference > _AVERAGE_DIFFERENCE)) / difference.size
        return changed if changed >= _LEAST_AVERAGE_CHANGE else 0.0


@dataclass(frozen=True)
class Motion:
    """What moves in a frame."""

    regions: tuple[Box, ...] = ()
    changed: float = 0.0
    is_calibrating: bool = False


class MotionDetector:
    """Finds moving regions by MOG2; learns the scene anew, and reports nothing, when the light changes."""

    def __init__(self) -> None:
        self._subtractor = cv2.createBackgroundSubtractorMOG2(_MOG_HISTORY, _MOG_VARIANCE_THRESHOLD, False)
        self._calibrating = CALIBRATION_FRAMES

    @property
    def is_calibrating(self) -> bool:
        """It learns the scene, and reports nothing."""
        return self._calibrating > 0

    def update(self, gray: Gray) -> Motion:
        """Return what moves, the largest first, and learn the frame."""
        blurred = cv2.GaussianBlur(gray, (3, 3), 0)
        if self._calibrating:
            self._learn(blurred)
            return Motion(is_calibrating=True)
        mask = cv2.morphologyEx(self._subtractor.apply(blurred, None, _LEARNING_RATE), cv2.MORPH_OPEN, _KERNEL)
        changed = float(np.count_nonzero(mask)) / mask.size
        if changed > _SUSPICIOUS_CHANGE and is_light_change(self._background(), blurred, mask):
            self._calibrating = CALIBRATION_FRAMES
            self._learn(blurred)
            return Motion(changed=changed, is_calibrating=True)
        return Motion(_find_regions(mask), changed)

    def _learn(self, gray: Gray) -> None:
        rate = 1.0 if self._calibrating == CALIBRATION_FRAMES else _CALIBRATION_RATE
        self._subtractor.apply(gray, None, rate)
        self._calibrating -= 1

    def _background(self) -> Gray:
        return self._subtractor.getBackgroundImage()


_KERNEL = np.ones((3, 3), np.uint8)


def is_light_change(background: Gray, gray: Gray, mask: Gray) -> bool:
    """Return whether a large change is one of the light: nearly everywhere, or the scene under it keeps its edges."""
    changed = int(np.count_nonzero(mask))
    if changed > LIGHT_CHANGE * mask.size:
        return True
    correlation, has_structure = _correlate(background, gray)
    compared = correlation[(mask > 0) & has_structure]
    return compared.size > 0.1 * changed and float(np.median(compared)) > _SAME_STRUCTURE


def _correlate(first: Gray, second: Gray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the correlation of each patch of two frames, and where the first one has structure."""
    a, b = first.astype(np.float32), second.astype(np.float32)
    mean_a, mean_b = _mean(a), _mean(b)
    variance_a = _mean(a * a) - mean_a * mean_a
    variance_b = _mean(b * b) - mean_b * mean_b
    covariance = _mean(a * b) - mean_a * mean_b
    correlation = covariance / np.sqrt(np.maximum(variance_a * variance_b, 1.0))
    return correlation.astype(np.float32), variance_a > _LEAST_DEVIATION**2


def _mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(values, (9, 9)), np.float32)


def _find_regions(mask: Gray) -> tuple[Box, ...]:
    joined = cv2.dilate(mask, _KERNEL, iterations=2)
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    height, width = mask.shape
    found = sorted((cv2.boundingRect(contour) for contour in contours), key=lambda box: box[2] * box[3], reverse=True)
    return tuple(
        (x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h in found[:MAX_REGIONS]
        if w * h >= _LEAST_REGION * mask.size
    )
