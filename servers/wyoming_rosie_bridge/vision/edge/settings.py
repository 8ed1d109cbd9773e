"""Settings of the edge classifier."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry

HOG = "hog"
detectors = EngineRegistry("wyoming_rosie_bridge.vision.edge.detectors")


@detectors.configures("detector", HOG)
@dataclass(frozen=True)
class EdgeSettings:
    camera: dict[str, str] = option(
        dict,
        "a camera by its name: rtsp://HOST/PATH, http://HOST/PICTURE.jpg, mqtt:TOPIC, file:VIDEO or folder:PATH; its "
        "password belongs into the configuration file or into CAMERA_NAME_PASSWORD",
    )
    frames_per_second: float = option(
        5.0, "frames of a stream or file that are looked at in a second", minimum=0.001, maximum=60
    )
    snapshot_seconds: float = option(
        1.0, "pause between requests for pictures over HTTP, and looks into folders", minimum=0.05, maximum=3600
    )
    classify_elsewhere: bool = option(
        False, "look for motion only, and give frames with motion to other bridges, by the stream vision:raw"
    )
    detector: str = option(HOG, "what finds objects where something moves: hog (OpenCV's, people only) or a model")
    labels: Path | None = option(None, "file with the names of the model's classes, one a line [default: 0 is person]")
    least_score: float = option(0.5, "score from which on an object that the model finds counts")
