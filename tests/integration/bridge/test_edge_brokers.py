"""The installed bridge reads a camera and gives what it sees to real brokers; two bridges tell one presence once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, Nats, Redis
from tests.conftest import StartDaemon
from tests.pedestrians import find_video
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Buses, Consumer
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import Frame, VisionEvent
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.edge.stages import EventStage

SECONDS = 60.0
WATCH = Consumer(names.VISION_STREAM, "test", "vision.event.>")


@asynccontextmanager
async def real_buses(redis: Redis, nats: Nats) -> AsyncIterator[Buses]:
    urls = [parse_broker_url("--url", one.url, "NO_SUCH_VARIABLE", None, allow_plain=False) for one in (redis, nats)]
    async with AsyncExitStack() as stack:
        jobs = await stack.enter_async_context(open_redis(urls[0]))
        events = NatsEvents(urls[1], "test")
        await stack.enter_async_context(run_beside(events.run()))
        while events.problem:
            await asyncio.sleep(0.02)
        yield Buses(create_memory_buses().mqtt, jobs, events, (jobs, events))


async def take_events(buses: Buses, until: int) -> list[VisionEvent]:
    found: list[VisionEvent] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < until:
            with suppress(BusError):  # a broker on a busy machine may answer late
                for delivery in await buses.events.source(WATCH).take(10, 0.5):
                    found.append(schema.unwrap(VisionEvent, delivery.envelope))
                    await delivery.ack()
    return found


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    broker = Redis(tmp_path / "redis")
    await broker.started()
    yield broker
    await broker.killed()


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[Nats]:
    broker = Nats(tmp_path / "nats")
    await broker.started()
    yield broker
    await broker.killed()


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(tmp_path / "mosquitto")
    await broker.started()
    yield broker
    await broker.killed()


async def test_the_installed_bridge_tells_of_people_on_a_camera(
    daemon: StartDaemon, redis: Redis, nats: Nats, mosquitto: Mosquitto
) -> None:
    pytest.importorskip("cv2", reason="the edge classifier needs OpenCV: pip install 'wyoming-rosie[vision]'")
    video = find_video()
    if video is None:
        pytest.skip("there is no vtest.avi: apt install opencv-doc")
    async with real_buses(redis, nats) as buses:
        await buses.events.source(WATCH).take(1, 0.1)
        await daemon(
            "bridge", "--role", "vision", f"--vision.edge.camera.yard=file:{video}", "--broker.mqtt", mosquitto.url,
            "--broker.redis", redis.url, "--broker.nats", nats.url,
        )  # fmt: skip
        events = await take_events(buses, 3)
        assert [(event.camera, event.label, event.phase) for event in events] == [
            ("yard", "motion", "new"), ("yard", "person", "new"), ("yard", "person", "new"),
        ]  # fmt: skip
        jpeg = await buses.jobs.get_blob(events[1].snapshot_url or "")
        assert jpeg is not None
        assert jpeg.startswith(b"\xff\xd8")


async def test_two_bridges_that_share_the_frames_of_a_camera_tell_a_presence_once(redis: Redis, nats: Nats) -> None:
    async with real_buses(redis, nats) as one, real_buses(redis, nats) as two:
        await one.events.source(WATCH).take(1, 0.1)
        stages = [EventStage(BridgeContext(buses, StageMetrics(Metrics()))) for buses in (one, two)]
        now = time.time()
        frames = [
            schema.wrap(Frame("yard", "redis:x", "person", 0.5), key=f"k{index}", source="test", now=now + index / 100)
            for index in range(20)
        ]
        await asyncio.gather(*(stages[index % 2].handle(envelope) for index, envelope in enumerate(frames)))
        events = await take_events(one, 3)
        assert [event.label for event in events].count("motion") == 1
        assert len(await one.events.source(WATCH).take(10, 1.0)) == 0
        assert len(await one.jobs.source(names.VISION_JOBS, 30.0).take(10, 0.5)) == 1
