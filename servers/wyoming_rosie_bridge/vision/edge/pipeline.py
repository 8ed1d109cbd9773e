"""The stages that a camera's frames pass: running average, motion, then people or a detector on the moving regions."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np

from wyoming_rosie_bridge.vision.edge.frames import (
    LARGE_MOVING_OBJECT,
    MOTION,
    Box,
    Found,
    FrameReport,
    FrameSampler,
)
from wyoming_rosie_bridge.vision.edge.motion import MOTION_SIZE, Gray, Motion, MotionDetector, RunningAverage
from wyoming_rosie_bridge.vision.edge.people import Color

MAX_WIDTH = 1280
"""Pixels; larger frames are made smaller before people are sought and the JPEG is written."""
JPEG_QUALITY = 80
LARGE_AREA = 0.03
"""Part of the frame from which on a moving region is a large object."""
LARGE_ASPECT = 1.2
MAX_LARGE_SCORE = 0.5
_SCORE_PER_AREA = 5.0
IDLE_FRAMES = 5
"""One frame in so many is learned by the motion stage while the running average sees nothing."""


class Picture(Protocol):
    """A frame, converted to what a stage needs only when it needs it."""

    def gray(self) -> Gray:
        """Return the frame in grey levels, scaled to MOTION_SIZE."""

    def color(self) -> Color:
        """Return the frame as BGR, at most MAX_WIDTH wide."""


class ObjectFinder(Protocol):
    """Finds objects: `people.PeopleDetector`, or a model."""

    def find(self, image: Color, regions: Sequence[Box]) -> list[Found]:
        """Return the objects in these regions of an image, the best first."""

    def find_anywhere(self, image: Color) -> list[Found]:
        """Return the objects in an image, the best first."""


class ArrayPicture:
    """A frame as an array of BGR."""

    def __init__(self, image: Color) -> None:
        self._image = image

    def gray(self) -> Gray:
        small = cv2.resize(self._image, MOTION_SIZE, interpolation=cv2.INTER_AREA)
        return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)

    def color(self) -> Color:
        height, width = self._image.shape[:2]
        if width <= MAX_WIDTH:
            return self._image
        size = MAX_WIDTH, max(1, round(height * MAX_WIDTH / width))
        return cv2.resize(self._image, size, interpolation=cv2.INTER_AREA)


class StageTimes:
    """CPU time of the stages, for benchmarks."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Record the CPU time of the block."""
        began = time.thread_time()
        yield
        self.seconds.setdefault(stage, []).append(time.thread_time() - began)


class CameraPipeline:
    """Looks at the frames of one camera, in order; without a finder, only at what moves."""

    def __init__(self, finder: ObjectFinder | None, times: StageTimes | None = None) -> None:
        self._finder = finder
        self._times = times or StageTimes()
        self._sampler = FrameSampler()
        self._average, self._motion = RunningAverage(), MotionDetector()
        self._idle = 0

    def process(self, picture: Picture, now: float) -> FrameReport:
        """Return what a frame shows; `now` is in seconds and must not go back."""
        with self._times.measure("scale"):
            gray = picture.gray()
        with self._times.measure("running average"):
            changed = self._average.update(gray)
        if not self._needs_motion_stage(changed):
            return FrameReport("still", changed=changed)
        with self._times.measure("motion"):
            motion = self._motion.update(gray)
        if motion.is_calibrating:
            return FrameReport("calibrating", changed=motion.changed)
        if not (changed and motion.regions):
            return FrameReport("still", changed=changed)
        return self._pass_on(self._classify(picture, motion), picture, now)

    def _needs_motion_stage(self, changed: float) -> bool:
        self._idle = 0 if changed else self._idle + 1
        return bool(changed) or self._motion.is_calibrating or self._idle % IDLE_FRAMES == 0

    def _classify(self, picture: Picture, motion: Motion) -> FrameReport:
        found = []
        if self._finder is not None:
            with self._times.measure("objects"):
                found = self._finder.find(picture.color(), motion.regions)
        if found:
            return report_of(found, motion.regions, motion.changed)
        return report_of_motion(motion)

    def _pass_on(self, report: FrameReport, picture: Picture, now: float) -> FrameReport:
        if report.label is None or not self._sampler.selects(report.label, now):
            return report
        with self._times.measure("jpeg"):
            return replace(report, jpeg=encode_jpeg(picture.color()))


class StillPipeline:
    """Looks at pictures that have nothing to do with each other; without a finder, another bridge is to do it."""

    def __init__(self, finder: ObjectFinder | None) -> None:
        self._finder = finder

    def process(self, image: Color) -> FrameReport:
        """Return the objects in a picture, with its JPEG if there are any; there is no label if there are none."""
        if self._finder is None:
            return FrameReport("motion", MOTION, jpeg=encode_jpeg(image))
        report = self.classify(image, ())
        return replace(report, jpeg=encode_jpeg(image)) if report.label else report

    def classify(self, image: Color, regions: Sequence[Box]) -> FrameReport:
        """Return the objects in these moving regions, or what moves there; without regions, the objects anywhere."""
        assert self._finder is not None
        found = self._finder.find(image, regions) if regions else self._finder.find_anywhere(image)
        if found:
            return report_of(found, tuple(regions))
        return report_of_motion(Motion(tuple(regions))) if regions else FrameReport("still")


def report_of(found: Sequence[Found], regions: tuple[Box, ...], changed: float = 0.0) -> FrameReport:
    """Return the report of a frame in which objects were found: the best one names it."""
    best = max(found)
    boxes = tuple(one.box for one in found if one.label == best.label)
    return FrameReport("motion", best.label, min(1.0, best.score), boxes, regions, changed)


def report_of_motion(motion: Motion) -> FrameReport:
    """Return the report of a frame in which something moves that is no known object."""
    large = tuple(region for region in motion.regions if is_large(region))
    if large:
        score = min(MAX_LARGE_SCORE, _SCORE_PER_AREA * max(_area(region) for region in large))
        return FrameReport("motion", LARGE_MOVING_OBJECT, score, large, motion.regions, motion.changed)
    return FrameReport("motion", MOTION, motion.changed, motion.regions, motion.regions, motion.changed)


def is_large(region: Box) -> bool:
    """Return whether a moving region is large and wider than a person."""
    width, height = region[2] - region[0], region[3] - region[1]
    return width * height >= LARGE_AREA and width >= LARGE_ASPECT * height


def encode_jpeg(image: Color) -> bytes:
    """Return an image as JPEG."""
    encoded, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not encoded:
        raise ValueError("the image cannot be written as JPEG")
    return content.tobytes()


def decode_picture(content: bytes) -> Color | None:
    """Return a JPEG or PNG as BGR, None if it is neither."""
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except cv2.error:  # more pixels than OPENCV_IO_MAX_IMAGE_PIXELS
        return None


def _area(region: Box) -> float:
    return (region[2] - region[0]) * (region[3] - region[1])
