"""Backlogs: how much each stage has to do, which tells when to start more workers."""

import asyncio
from collections.abc import Sequence

from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Backlog
from wyoming_rosie.http.health import HEALTHY, Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.worker import Stage

LOOK_SECONDS = 5.0
STUCK_SECONDS = 60.0
"""Age of the oldest message at which a stage counts as stuck."""


class BacklogMonitor:
    """The backlog of each stage, as it was at the last look."""

    def __init__(self, stages: Sequence[Stage], metrics: Metrics) -> None:
        self._stages = stages
        self._seen: dict[str, Backlog] = {}
        metrics.labelled_gauge(
            "bridge_waiting", "Messages that no worker has taken yet", "stage",
            lambda: {stage: float(seen.waiting) for stage, seen in list(self._seen.items())},
        )  # fmt: skip
        metrics.labelled_gauge(
            "bridge_pending", "Messages that are being handled, or whose worker has died", "stage",
            lambda: {stage: float(seen.pending) for stage, seen in list(self._seen.items())},
        )  # fmt: skip
        metrics.labelled_gauge(
            "bridge_oldest_seconds", "Age of the oldest message of a stage", "stage",
            lambda: {stage: seen.oldest_seconds for stage, seen in list(self._seen.items())},
        )  # fmt: skip

    def add_checks(self, health: Health) -> None:
        """Report a stage that does not get on with its work."""
        health.add_check("backlog", self._check)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            for stage in self._stages:
                try:
                    self._seen[stage.name] = await stage.source.backlog()
                except BusError:  # the health of the bus itself says so
                    self._seen.pop(stage.name, None)
            await asyncio.sleep(LOOK_SECONDS)

    def _check(self) -> str | None:
        stuck = [name for name, seen in self._seen.items() if seen.oldest_seconds > STUCK_SECONDS]
        if not stuck:
            return HEALTHY
        return f"messages wait for more than {STUCK_SECONDS:g} s in: {', '.join(stuck)}; start more workers of these stages"
