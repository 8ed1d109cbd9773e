"""The vision role."""

from collections.abc import Coroutine, Sequence
from typing import Any

from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.vision.edge.role import EdgeVision
from wyoming_rosie_bridge.vision.frigate.runner import FrigateRunner
from wyoming_rosie_bridge.vision.frigate.settings import create_api
from wyoming_rosie_bridge.vision.settings import VisionSettings
from wyoming_rosie_bridge.worker import Stage


class VisionRole:
    """Turns what cameras see into events. Raises ConfigError."""

    def __init__(self, settings: VisionSettings, context: BridgeContext, *, ingests: bool = True) -> None:
        self._edge = EdgeVision(settings.edge, create_api(settings.frigate), context)
        self._frigate = FrigateRunner(settings.frigate, context)
        if ingests:
            self._frigate.subscribe()

    def stages(self) -> Sequence[Stage]:
        return [*self._edge.stages()]

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return [*self._edge.tasks(), *self._frigate.tasks()]

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        self._edge.add_checks(health, metrics)
        self._frigate.add_checks(health, metrics)
