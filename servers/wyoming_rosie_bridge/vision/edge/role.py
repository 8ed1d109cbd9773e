"""The edge classifier as a part of the vision role."""

import sys
from collections.abc import Coroutine, Sequence
from importlib.util import find_spec
from typing import Any

from wyoming_rosie.config import check_limits
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.vision.edge.cameras import NOT_READ_YET, Camera, CameraMetrics
from wyoming_rosie_bridge.vision.edge.frigate_events import FrigateEvents
from wyoming_rosie_bridge.vision.edge.pictures import PictureWorker
from wyoming_rosie_bridge.vision.edge.settings import HOG, EdgeSettings
from wyoming_rosie_bridge.vision.edge.sources import parse_cameras
from wyoming_rosie_bridge.vision.edge.stages import ClassifyStage, EventStage, FrigateStage
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi
from wyoming_rosie_bridge.worker import Stage

_SETTING = "--vision.edge.camera"
MODULES = "cv2", "av", "numpy"
"""What the extra brings along."""


class EdgeVision:
    """Cameras that no Frigate looks at, and the stages for their frames. Raises ConfigError."""

    def __init__(
        self,
        settings: EdgeSettings,
        frigate: FrigateApi | None,
        context: BridgeContext,
        modules: Sequence[str] = MODULES,
    ) -> None:
        sources = parse_cameras(settings.camera, _SETTING, sys.argv[1:])
        missing = [name for name in modules if find_spec(name) is None]  # which imports none of them
        if sources:
            check_settings(settings, missing)
        self._can_classify = not missing
        self._metrics = CameraMetrics()
        self._pictures = PictureWorker(settings)
        self._cameras = [Camera(source, settings, context, self._pictures, self._metrics) for source in sources]
        self._classify = ClassifyStage(context, self._pictures)
        self._events = EventStage(context)
        self._events.watch([camera.name for camera in self._cameras])
        self._frigate = FrigateStage(context, FrigateEvents(frigate) if frigate else None)

    def stages(self) -> Sequence[Stage]:
        """Return the stages; frames can be classified only where the extra is installed."""
        classify = [self._classify.stage()] if self._can_classify else []
        return [*classify, self._events.stage(), self._frigate.stage()]

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return a task for each camera, and those that the stages need."""
        return [*(camera.run() for camera in self._cameras), self._pictures.run(), self._events.expire_presences()]

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        """Add the cameras' health and metrics."""
        self._metrics.register(metrics)
        if self._cameras:
            health.add_check("cameras", self._problems)

    def _problems(self) -> str | None:
        problems = {camera.name: camera.problem for camera in self._cameras}
        failing = [f"{name}: {text}" for name, text in problems.items() if text not in (None, NOT_READ_YET)]
        return "; ".join(failing) or None


def check_settings(settings: EdgeSettings, missing: Sequence[str]) -> None:
    """Raise ConfigError for settings or missing modules with which no camera can be looked at."""
    if missing:
        raise ConfigError(f"cameras need {', '.join(missing)}; run: {install_command(['vision'])}")
    if settings.detector != HOG and getattr(settings, settings.detector).model is None:
        raise ConfigError(f"--vision.edge.{settings.detector}.model: name the detector's model file")
    check_limits(settings, "--vision.edge.")
