"""The interface of a role: its stages, and the tasks that run beside them."""

from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.worker import Stage


class Role(Protocol):
    """A part of the bridge that can run alone. It subscribes to MQTT when it is made, before the connection is opened."""

    def stages(self) -> Sequence[Stage]:
        """Return the stages that this process runs."""

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """Return what runs beside the stages until the bridge ends."""

    def add_checks(self, health: Health, metrics: Metrics) -> None:
        """Add the role's health checks and metrics."""
