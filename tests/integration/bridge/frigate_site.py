"""Brokers, a simulated Frigate and the bridge's process, and what comes out of it."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from tests.brokers import Mosquitto, Nats, Redis
from tests.daemons import Daemon
from tests.frigate_server import FrigateServer
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.failpoints import VARIABLE
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.bus.messages import VisionEvent
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.runtime.tasks import run_beside

SECONDS = 60.0
EVENTS = Consumer(names.VISION_STREAM, "test", "vision.event.>")


class FrigateSite:
    """Brokers, a simulated Frigate, the bridge's process, and the events that came out of it."""

    def __init__(self, folder: Path, server: FrigateServer) -> None:
        self.mosquitto = Mosquitto(folder / "m", ["set_tcp_nodelay true"])
        self.redis, self.nats = Redis(folder / "r"), Nats(folder / "n")
        self.server = server
        self.mqtt = PahoMqtt(BrokerUrl(self.mosquitto.url), "simulated-frigate")
        self.jetstream = NatsEvents(BrokerUrl(self.nats.url), "test")
        self.events: list[tuple[str, VisionEvent]] = []
        self.bridge: Daemon | None = None

    async def start_bridge(self, failpoint: str = "") -> None:
        self.bridge = await self.start_another("bridge", failpoint)

    async def start_another(self, client_id: str, failpoint: str = "") -> Daemon:
        """Start a bridge and wait until it is connected."""
        bridge = await Daemon.start(
            "bridge", "--role", "vision", "--broker.mqtt", self.mosquitto.url, "--broker.mqtt-client-id", client_id,
            "--broker.redis", self.redis.url, "--broker.nats", self.nats.url, "--vision.frigate.url", self.server.url,
            env={VARIABLE: failpoint},
        )  # fmt: skip
        await bridge.wait_for_line("Frigate was asked for what was lost")
        return bridge

    async def kill_bridge(self) -> None:
        assert self.bridge is not None
        send_signal(self.bridge.process, signal.SIGKILL)
        await self.bridge.process.wait()

    async def send(self, payload: bytes, leaf: str = "events", qos: int = 1) -> None:
        async with asyncio.timeout(SECONDS):
            while self.mqtt.problem:
                await asyncio.sleep(0.02)
        await self.mqtt.publish(f"frigate/{leaf}", payload, qos)

    async def wait_for(self, is_wanted: Callable[[str, VisionEvent], bool]) -> VisionEvent:
        source = self.jetstream.source(EVENTS)
        async with asyncio.timeout(SECONDS):
            while True:
                for subject, about in self.events:
                    if is_wanted(subject, about):
                        return about
                with suppress(BusError):  # a broker on a busy machine may answer late
                    for delivery in await source.take(100, 0.2):
                        await delivery.ack()
                        self.events.append((delivery.place, schema.unwrap(VisionEvent, delivery.envelope)))

    async def wait_for_end(self, of: str) -> VisionEvent:
        return await self.wait_for(lambda _, about: about.event_id == of and about.phase == "end")

    def counts(self) -> Counter[str]:
        """Return how often each object began and ended, without the alias."""
        plain = [about for subject, about in self.events if not subject.endswith("person_detected")]
        return Counter(f"{about.phase} {about.event_id}" for about in plain if about.phase != "update")


@asynccontextmanager
async def run_site(site: FrigateSite) -> AsyncIterator[FrigateSite]:
    brokers = (site.mosquitto, site.redis, site.nats)
    try:
        for broker in brokers:
            await broker.started()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(run_beside(site.jetstream.run()))
            await stack.enter_async_context(run_beside(site.mqtt.run()))
            async with asyncio.timeout(SECONDS):
                while site.jetstream.problem or site.mqtt.problem:
                    await asyncio.sleep(0.02)
            yield site
    finally:
        for broker in brokers:
            await broker.killed()
