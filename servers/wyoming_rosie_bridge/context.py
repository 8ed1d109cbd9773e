"""What every role of the bridge gets."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from wyoming_rosie.bus.interface import Buses
from wyoming_rosie_bridge.stage_metrics import StageMetrics


@dataclass(frozen=True)
class BridgeContext:
    """The buses, the metrics, and the clock in seconds since the epoch."""

    buses: Buses
    metrics: StageMetrics
    source: str = "bridge"
    """Names this program in the envelopes that it sends."""
    clock: Callable[[], float] = time.time
