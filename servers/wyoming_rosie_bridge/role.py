"""Roles: what each one gets, and what it offers to the program that runs it."""

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wyoming_rosie.bus.interface import Buses
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.worker import Stage


@dataclass(frozen=True)
class BridgeContext:
    """The buses, the metrics, and the clock in seconds since the epoch."""

    buses: Buses
    metrics: StageMetrics
    source: str = "bridge"
    """Names this program in the envelopes that it sends."""
    clock: Callable[[], float] = time.time


class Role(Protocol):
    """A part of the bridge that can run alone. It subscribes to MQTT when it is made, before the connection is opened."""

    def stages(self) -> Sequence[Stage]:
        """Return the stages that this process runs."""

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what runs beside the stages until the bridge ends."""

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        """Add the role's health checks and metrics."""
