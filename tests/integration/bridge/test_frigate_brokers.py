"""Frigate's messages go through the bridge's process with real brokers; what MQTT or a kill loses is found again."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, Nats, Redis
from tests.daemons import Daemon
from tests.frigate_messages import after, event, object_id, storm
from tests.frigate_server import FrigateServer, database_row
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
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
        self.mosquitto, self.redis, self.nats = Mosquitto(folder / "m"), Redis(folder / "r"), Nats(folder / "n")
        self.server = server
        self.mqtt = PahoMqtt(BrokerUrl(self.mosquitto.url), "simulated-frigate")
        self.jetstream = NatsEvents(BrokerUrl(self.nats.url), "test")
        self.events: list[tuple[str, VisionEvent]] = []
        self.bridge: Daemon | None = None

    async def start_bridge(self, failpoint: str = "") -> None:
        self.bridge = await Daemon.start(
            "bridge", "--role", "vision", "--broker.mqtt", self.mosquitto.url, "--broker.redis", self.redis.url,
            "--broker.nats", self.nats.url, "--vision.frigate.url", self.server.url, env={VARIABLE: failpoint},
        )  # fmt: skip
        await self.bridge.wait_for_line("Frigate was asked for what was lost")

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
                for delivery in await source.take(100, 0.2):
                    self.events.append((delivery.place, schema.unwrap(VisionEvent, delivery.envelope)))
                    await delivery.ack()

    async def wait_for_end(self, of: str) -> VisionEvent:
        return await self.wait_for(lambda _, about: about.event_id == of and about.phase == "end")

    def counts(self) -> Counter[str]:
        """Return how often each object began and ended, without the alias."""
        plain = [about for subject, about in self.events if not subject.endswith("person_detected")]
        return Counter(f"{about.phase} {about.event_id}" for about in plain if about.phase != "update")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[FrigateSite]:
    async with FrigateServer().serving() as server, run_site(FrigateSite(tmp_path, server)) as found:
        await found.start_bridge()
        yield found
        assert found.bridge is not None
        assert await found.bridge.stop() == 0


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


async def test_an_end_that_is_lost_with_the_mqtt_broker_comes_late_from_the_api(site: FrigateSite) -> None:
    now = time.time()
    await site.send(event("new", now, now))
    await site.wait_for(lambda subject, about: about.phase == "new" and subject == "vision.event.person")
    await site.mosquitto.killed()
    site.server.rows[object_id(now)] = database_row(after(now, now + 2, end_time=now + 2))  # Frigate drops the message
    await site.mosquitto.started()
    end = await site.wait_for_end(object_id(now))
    assert (end.late, end.end) == (True, now + 2)
    await site.send(event("end", now, now + 2))
    await site.send(event("new", now + 3, now + 3))
    await site.wait_for(lambda _, about: about.event_id == object_id(now + 3))
    assert site.counts() == {f"new {object_id(now)}": 1, f"end {object_id(now)}": 1, f"new {object_id(now + 3)}": 1}


async def test_the_objects_survive_a_kill_of_the_bridge(site: FrigateSite) -> None:
    now = time.time()
    car, person = object_id(now), object_id(now + 1)
    await site.send(event("new", now, now, label="car", current_zones=["driveway"]))
    await site.send(event("new", now + 1, now + 1))
    await site.wait_for(lambda _, about: about.event_id == person)
    await site.kill_bridge()
    for started in (now, now + 1):
        site.server.rows[object_id(started)] = database_row(
            after(started, started, label="car" if started == now else "person")
        )
    site.server.rows[person]["end_time"] = now + 5
    await site.start_bridge()
    assert (await site.wait_for_end(person)).late
    await site.send(event("update", now, now + 6, label="car", current_zones=["driveway"]))
    await site.send(event("end", now, now + 7, label="car"))
    assert not (await site.wait_for_end(car)).late
    assert site.counts() == {f"{phase} {one}": 1 for phase in ("new", "end") for one in (car, person)}
    entered = [about for subject, about in site.events if subject.endswith("driveway.entered")]
    assert len(entered) == 1


@pytest.mark.parametrize("place", ["frigate.published", "frigate.recorded"])
async def test_a_kill_at_each_step_of_a_storm_leaves_one_begin_and_one_end(site: FrigateSite, place: str) -> None:
    messages = storm(time.time() - 30, objects=12, updates_per_second=2, seconds=20)
    await site.kill_bridge()
    await site.start_bridge(f"{place}:23")
    assert site.bridge is not None
    for message in messages:
        await site.send(message.payload)  # mosquitto keeps those of QoS 1 for a bridge that is away
    async with asyncio.timeout(SECONDS):
        await site.bridge.process.wait()
    await site.start_bridge()
    await site.send(event("new", 1_700_000_000.5, time.time(), id="last"))
    await site.wait_for(lambda _, about: about.event_id == "last")
    counts = site.counts()
    del counts["new last"]
    assert len(counts) == 24
    assert set(counts.values()) == {1}


async def test_a_storm_is_few_events_and_each_once(site: FrigateSite) -> None:
    messages = storm(time.time() - 60, objects=20, updates_per_second=5, seconds=10)
    for message in messages:
        await site.send(message.payload, qos=0)
        await site.send(message.payload, qos=0)
        await asyncio.sleep(0)
    await site.send(event("new", 1_700_000_000.5, time.time(), id="last"))
    await site.wait_for(lambda _, about: about.event_id == "last")
    counts = site.counts()
    del counts["new last"]
    assert (len(counts), set(counts.values())) == (40, {1})
    assert len(messages) == 1000
    assert len(site.events) < 300
