"""People in moving regions, by the HOG detector that OpenCV brings along."""

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from cv2.typing import MatLike

from wyoming_rosie_bridge.vision.edge.frames import PERSON, Box, Found

Color: TypeAlias = MatLike
"""A frame as BGR, of bytes."""
MAX_REGIONS = 4
LEAST_SCORE = 0.3
_REGION_HEIGHT = 128
"""Pixels to which a moving region is scaled: the detector's window is 128 high, with a margin around the person."""
_MARGIN = 0.3
_LEAST_HEIGHT = 24
"""Pixels; a smaller person has too little shape."""
_MAX_SIDE = 480
_WINDOW = 64, 128
_STILL_HEIGHT = 480


class PeopleDetector:
    """Finds people who stand or walk."""

    def __init__(self) -> None:
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))

    def find(self, image: Color, regions: Sequence[Box]) -> list[Found]:
        """Return the people in the largest of these regions, the best first."""
        found = [person for region in regions[:MAX_REGIONS] for person in self._find_in_region(image, region)]
        return sorted(found, reverse=True)

    def find_anywhere(self, image: Color) -> list[Found]:
        """Return the people in an image of which no others are known, the best first."""
        height, width = image.shape[:2]
        scale = min(1.0, _STILL_HEIGHT / height)
        return sorted(self._detect(image, (0, 0, width, height), scale), reverse=True)

    def _find_in_region(self, image: Color, region: Box) -> list[Found]:
        height, width = image.shape[:2]
        left, top, right, bottom = region[0] * width, region[1] * height, region[2] * width, region[3] * height
        tall = bottom - top
        if tall < _LEAST_HEIGHT:
            return []
        side = max(_MARGIN * tall, (tall * 0.8 - (right - left)) / 2)
        x0, y0 = int(left - side), int(top - _MARGIN * tall)
        x1, y1 = int(right + side), int(bottom + _MARGIN * tall)
        scale = min(_REGION_HEIGHT / tall, _MAX_SIDE / max(x1 - x0, y1 - y0))
        return self._detect(image, (x0, y0, x1, y1), scale)

    def _detect(self, image: Color, pixels: tuple[int, int, int, int], scale: float) -> list[Found]:
        """Return the people in a part of the image, which may reach beyond its edges."""
        x0, y0, x1, y1 = pixels
        height, width = image.shape[:2]
        size = max(_WINDOW[0], round((x1 - x0) * scale)), max(_WINDOW[1], round((y1 - y0) * scale))
        scaled = cv2.resize(_cut(image, pixels), size, interpolation=cv2.INTER_LINEAR)
        boxes, weights = self._hog.detectMultiScale(scaled, winStride=(8, 8), padding=(8, 8), scale=1.1)
        across, down = (x1 - x0) / size[0] / width, (y1 - y0) / size[1] / height
        return [
            Found(float(weight), PERSON, _clip(x0 / width + x * across, y0 / height + y * down, w * across, h * down))
            for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
            if weight > LEAST_SCORE
        ]


def _cut(image: Color, pixels: tuple[int, int, int, int]) -> Color:
    """Return a part of an image; what lies beyond the edges looks like them."""
    x0, y0, x1, y1 = pixels
    height, width = image.shape[:2]
    inside = image[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    beyond = max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width)
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE) if any(beyond) else inside


def _clip(left: float, top: float, width: float, height: float) -> Box:
    return max(0.0, left), max(0.0, top), min(1.0, left + width), min(1.0, top + height)
