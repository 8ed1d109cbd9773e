"""Models that find objects: what goes in and what comes out, in Frigate's tensor layout."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from wyoming_rosie.bus.names import escape_token
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_bridge.vision.edge.frames import PERSON, Box, Found
from wyoming_rosie_bridge.vision.edge.people import Color

Rows: TypeAlias = NDArray[np.float32]
"""20 rows of class ID, score, top, left, bottom, right; the box in parts of the tensor, rows of zeros at the end."""
MAX_ROWS = 20
MAX_MODEL_REGIONS = 4
_LEAST_ROW_SCORE = 0.4
_MARGIN = 1.3
_OVERLAP = 0.5
_MAX_LABELS_BYTES = 100_000


class Detector(Protocol):
    """A model. `width` and `height` are those of its input, in pixels."""

    width: int
    height: int

    def detect(self, tensor: NDArray[np.uint8]) -> Rows:
        """Return the objects in an RGB tensor of shape (1, height, width, 3)."""


class ModelFinder:
    """Finds objects by a model: in squares around the moving regions, as Frigate does."""

    def __init__(self, detector: Detector, labels: Mapping[int, str], least_score: float) -> None:
        self._detector, self._labels, self._least_score = detector, labels, least_score

    def find(self, image: Color, regions: Sequence[Box]) -> list[Found]:
        squares = [_square_around(image, region, self._detector.width) for region in regions[:MAX_MODEL_REGIONS]]
        return sorted((found for square in squares for found in self._detect(image, square)), reverse=True)

    def find_anywhere(self, image: Color) -> list[Found]:
        height, width = image.shape[:2]
        return sorted(self._detect(image, (0, 0, width, height)), reverse=True)

    def _detect(self, image: Color, pixels: tuple[int, int, int, int]) -> Iterator[Found]:
        x0, y0, x1, y1 = pixels
        height, width = image.shape[:2]
        for row in self._detector.detect(to_tensor(image[y0:y1, x0:x1], self._detector.width, self._detector.height)):
            score = float(row[1])
            if not self._least_score <= score <= 1:
                continue
            top, left, bottom, right = (float(min(1.0, max(0.0, value))) for value in row[2:])
            box = (x0 + left * (x1 - x0)) / width, (y0 + top * (y1 - y0)) / height
            end = (x0 + right * (x1 - x0)) / width, (y0 + bottom * (y1 - y0)) / height
            if end[0] > box[0] and end[1] > box[1]:
                yield Found(score, self._labels.get(int(row[0]), f"class_{int(row[0])}"), (*box, *end))


def read_labels(path: Path | None) -> dict[int, str]:
    """Return the names of classes in a file: `person`, or `0 person`, a line each. Raises ConfigError."""
    if path is None:
        return {0: PERSON}
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(_MAX_LABELS_BYTES).splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"--vision.edge.labels: cannot read {path}") from err
    labels: dict[int, str] = {}
    for index, line in enumerate(lines):
        number, _, name = line.strip().partition(" ")
        is_numbered = number.isdecimal() and bool(name.strip())
        labels[int(number) if is_numbered else index] = escape_token((name if is_numbered else line).strip())
    return labels


def to_tensor(image: Color, width: int, height: int) -> NDArray[np.uint8]:
    """Return an image as an RGB tensor of shape (1, height, width, 3)."""
    scaled = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)[np.newaxis], np.uint8)


def to_rows(outputs: Sequence[NDArray[np.float32]], width: int, height: int) -> Rows:
    """Return a model's outputs as rows. Raises ConfigError for a layout that is not known.

    Known are SSD's four outputs (boxes, classes, scores, count), rows in Frigate's own layout, rows of YOLO-NAS with the box in
    pixels (batch, left, top, right, bottom, score, class), and YOLO's columns (centre, size, a score per class).
    """
    if len(outputs) == 4:
        return _from_ssd(*outputs)
    shape = outputs[0].shape
    if len(outputs) == 1 and len(shape) >= 2 and shape[-1] == 6:
        return _fill(outputs[0].reshape(-1, 6))
    if len(outputs) == 1 and len(shape) >= 2 and shape[-1] == 7:
        return _from_nas(outputs[0].reshape(-1, 7), width, height)
    if len(outputs) == 1 and len(shape) == 3 and shape[0] == 1 and shape[1] > 4:
        return _from_yolo(outputs[0][0], width, height)
    raise ConfigError(f"the model's outputs have shapes that are not known: {[one.shape for one in outputs]}")


def _from_ssd(*outputs: NDArray[np.float32]) -> Rows:
    boxes, classes, scores, count = outputs
    found = min(int(count.reshape(-1)[0]), scores.size)
    columns = classes.reshape(-1, 1)[:found], scores.reshape(-1, 1)[:found], boxes.reshape(-1, 4)[:found]
    return _fill(np.hstack(columns))


def _from_nas(rows: NDArray[np.float32], width: int, height: int) -> Rows:
    size = np.array([height, width, height, width], np.float32)
    return _fill(np.hstack([rows[:, 6:7], rows[:, 5:6], rows[:, [2, 1, 4, 3]] / size]))


def _from_yolo(columns: NDArray[np.float32], width: int, height: int) -> Rows:
    scores, classes = columns[4:].max(axis=0), columns[4:].argmax(axis=0)
    likely = scores >= _LEAST_ROW_SCORE
    x, y, w, h = columns[:4, likely]
    boxes = np.stack([y - h / 2, x - w / 2, y + h / 2, x + w / 2], axis=1)
    rows = np.hstack([classes[likely, np.newaxis], scores[likely, np.newaxis], boxes]).astype(np.float32)
    chosen = cv2.dnn.NMSBoxes(
        np.stack([x - w / 2, y - h / 2, w, h], axis=1).tolist(), rows[:, 1].tolist(), _LEAST_ROW_SCORE, _OVERLAP
    )
    kept = rows[np.asarray(chosen, np.int64).reshape(-1)]
    kept[:, 2:] /= np.array([height, width, height, width], np.float32)
    return _fill(kept)


def _fill(found: NDArray[np.float32]) -> Rows:
    """Return the best rows, and zeros after them; a score that is no number counts as none."""
    usable = found[np.isfinite(found).all(axis=1) & (found[:, 1] >= _LEAST_ROW_SCORE)]
    best = usable[np.argsort(-usable[:, 1])][:MAX_ROWS]
    rows = np.zeros((MAX_ROWS, 6), np.float32)
    rows[: len(best)] = best
    return rows


def _square_around(image: Color, region: Box, least: int) -> tuple[int, int, int, int]:
    """Return a square of the image around a region, moved inside where it would reach beyond an edge."""
    height, width = image.shape[:2]
    left, top, right, bottom = region[0] * width, region[1] * height, region[2] * width, region[3] * height
    side = max(_MARGIN * max(right - left, bottom - top), least)
    across, down = int(min(side, width)), int(min(side, height))
    x0 = int(min(max(0.0, (left + right - across) / 2), width - across))
    y0 = int(min(max(0.0, (top + bottom - down) / 2), height - down))
    return x0, y0, x0 + across, y0 + down
