"""The edge classifier in the test's process, with what it publishes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import decode
from wyoming_rosie.bus.interface import Buses, Consumer, MqttMessage
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import CameraMotion, VisionEvent
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside, run_until_first_exit
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.edge.role import EdgeVision
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings
from wyoming_rosie_bridge.vision.frigate.reconcile import FrigateApi
from wyoming_rosie_bridge.worker import run_stage


class EdgeBridge:
    """A vision role with nothing but the edge classifier."""

    def __init__(self, settings: EdgeSettings, buses: Buses | None = None, frigate: FrigateApi | None = None) -> None:
        self.buses = buses or create_memory_buses()
        self.metrics, self.health = Metrics(), Health()
        self.context = BridgeContext(self.buses, StageMetrics(self.metrics))
        self.motion: list[tuple[str, CameraMotion]] = []
        self.events: list[tuple[str, VisionEvent]] = []
        self.buses.mqtt.subscribe("cameras/#", self._on_motion)
        self.edge = EdgeVision(settings, frigate, self.context)
        self.edge.add_checks(self.health, self.metrics)

    async def _on_motion(self, message: MqttMessage) -> None:
        self.motion.append((message.topic, schema.unwrap(CameraMotion, decode(message.payload))))

    async def _collect(self) -> None:
        source = self.buses.events.source(Consumer(names.VISION_STREAM, "test", "vision.event.>"))
        while True:
            for delivery in await source.take(10, 1.0):
                self.events.append((delivery.place, schema.unwrap(VisionEvent, delivery.envelope)))
                await delivery.ack()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["EdgeBridge"]:
        stages = [run_stage(stage, self.context.metrics) for stage in self.edge.stages()]
        async with run_beside(run_until_first_exit(self._collect(), *stages, *self.edge.tasks())):
            yield self

    def topics(self, camera: str) -> set[str]:
        return {topic.rpartition("/")[2] for topic, _ in self.motion if topic.startswith(f"cameras/{camera}/")}

    def phases(self, camera: str, label: str) -> list[str]:
        return [event.phase for _, event in self.events if (event.camera, event.label) == (camera, label)]

    def count(self, outcome: str) -> float:
        """Return how many frames have had this outcome."""
        frames = self.edge._metrics._frames
        assert frames is not None
        return sum(value for labels, value in frames.values.items() if outcome in labels)
