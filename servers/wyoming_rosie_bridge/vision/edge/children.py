"""What runs in child processes: one for each stream or file, one for all pictures. Heavy libraries are imported there alone."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_bridge.vision.edge.frames import Box, FrameReport
from wyoming_rosie_bridge.vision.edge.settings import HOG, EdgeSettings, detectors
from wyoming_rosie_bridge.vision.edge.sources import CameraSource

if TYPE_CHECKING:
    from wyoming_rosie_bridge.vision.edge.pipeline import CameraPipeline, ObjectFinder
    from wyoming_rosie_bridge.vision.edge.video import VideoCamera

MAX_PIXELS = 2**26
"""Of a picture: a small file can claim many."""
MAX_CAMERAS = 64
STILL_SECONDS = 10.0
"""A picture that comes so long after the last one is looked at by itself: the scene before it is too old to compare."""


def load_video(source: CameraSource, settings: EdgeSettings) -> "VideoCamera":
    """Return the object that reads a stream or file and looks at it. Raises EngineError."""
    finder = load_finder(settings)
    from wyoming_rosie_bridge.vision.edge.pipeline import CameraPipeline
    from wyoming_rosie_bridge.vision.edge.video import VideoCamera

    pipeline = CameraPipeline(None if settings.classify_elsewhere else finder)
    return VideoCamera(source, pipeline, settings.frames_per_second)


def load_pictures(settings: EdgeSettings) -> "PictureClassifier":
    """Return the object that looks at pictures. Raises EngineError."""
    return PictureClassifier(load_finder(settings), classifies=not settings.classify_elsewhere)


def load_finder(settings: EdgeSettings) -> "ObjectFinder":
    """Return what finds objects: OpenCV's people detector, or a model. Raises EngineError."""
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)  # read when OpenCV is imported
    import cv2

    if not hasattr(cv2, "HOGDescriptor"):
        raise EngineError(
            f"OpenCV {cv2.__version__} has no people detector, version 4 has; run: {install_command(['vision'])}"
        )
    cv2.setNumThreads(1)
    if settings.detector == HOG:
        from wyoming_rosie_bridge.vision.edge.people import PeopleDetector

        return PeopleDetector()
    from wyoming_rosie_bridge.vision.edge.detections import ModelFinder, read_labels

    return ModelFinder(detectors.load(settings.detector, settings), read_labels(settings.labels), settings.least_score)


@dataclass
class _Followed:
    pipeline: "CameraPipeline"
    last: float


class PictureClassifier:
    """Looks at pictures: those of a camera in order, and single ones."""

    def __init__(self, finder: "ObjectFinder", *, classifies: bool = True) -> None:
        from wyoming_rosie_bridge.vision.edge.pipeline import StillPipeline

        self._finder = finder if classifies else None
        self._lone, self._still = StillPipeline(self._finder), StillPipeline(finder)
        self._cameras: OrderedDict[str, _Followed] = OrderedDict()

    def follow(self, camera: str, content: bytes, now: float) -> FrameReport | None:
        """Look at the next picture of a camera; None if it is no picture. `now` is in seconds and must not go back."""
        from wyoming_rosie_bridge.vision.edge.pipeline import ArrayPicture, CameraPipeline, decode_picture

        image = decode_picture(content)
        if image is None:
            return None
        followed = self._cameras.pop(camera, None)
        is_lone = followed is None or now - followed.last > STILL_SECONDS
        pipeline = CameraPipeline(self._finder) if followed is None or is_lone else followed.pipeline
        self._cameras[camera] = _Followed(pipeline, now)
        if len(self._cameras) > MAX_CAMERAS:
            self._cameras.popitem(last=False)
        report = pipeline.process(ArrayPicture(image), now)
        return self._lone.process(image) if is_lone else report

    def classify(self, content: bytes, regions: Sequence[Box]) -> FrameReport | None:
        """Look at a picture by itself, in these regions or anywhere; None if it is no picture."""
        from wyoming_rosie_bridge.vision.edge.pipeline import decode_picture

        image = decode_picture(content)
        return None if image is None else self._still.classify(image, regions)
