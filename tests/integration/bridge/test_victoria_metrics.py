"""Events are in VictoriaMetrics for good, whoever is killed on the way."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from tests.brokers import Nats, VictoriaMetrics, find_program, free_port
from tests.daemons import Daemon
from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import Result, VisionEvent
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.schema import wrap
from wyoming_rosie.http.health import Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.sinks import victoria_metrics
from wyoming_rosie_bridge.sinks.role import Export
from wyoming_rosie_bridge.sinks.spool import Spool
from wyoming_rosie_bridge.sinks.victoria_metrics import VictoriaMetricsSink
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.worker import run_stage

pytestmark = pytest.mark.chaos  # it waits for growing pauses and databases: scripts/chaos runs it

SECONDS = 60.0
SETTLE_SECONDS = 11.0
"""A new series is readable, and safe, after about 10 s."""
BATCH = 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[VictoriaMetrics]:
    find_program("victoria-metrics")
    database = VictoriaMetrics(tmp_path / "vm")
    yield database
    database.kill()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    broker = Nats(tmp_path / "nats")
    yield broker
    broker.kill()


async def wait_until(is_so: Callable[[], bool], seconds: float = SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Database:
    server: VictoriaMetrics

    async def counts(self, name: str) -> Counter[int]:
        """Return how often each time, in milliseconds, is there."""
        query = {"match[]": f'{{__name__="{name}"}}', "start": "0"}
        async with ClientSession() as http, http.get(self.server.url + "/api/v1/export", params=query) as answer:
            lines = [json.loads(line) for line in (await answer.read()).splitlines()]
        return Counter(at for line in lines for at in line["timestamps"])

    async def wait_for(self, name: str, times: set[int]) -> None:
        async with asyncio.timeout(SECONDS):
            while set(await self.counts(name)) != times:
                await asyncio.sleep(0.2)


def envelopes(first: int, number: int, now: float) -> list[tuple[str, VisionEvent, float]]:
    """Return keys, events and their times, a millisecond apart."""
    return [
        (
            f"frigate:test:{index}:new",
            VisionEvent(f"e{index}", "test", f"camera{index % 3}", "person", "new", start=now + index / 1000),
            now + index / 1000,
        )
        for index in range(first, first + number)
    ]


async def test_what_is_confirmed_survives_a_kill_of_the_database(server: VictoriaMetrics, tmp_path: Path) -> None:
    buses, outcomes = create_memory_buses(), Counter[str]()
    sink = VictoriaMetricsSink(server.url, settle_seconds=SETTLE_SECONDS)
    spool = Spool(tmp_path / "spool.db", 1_000_000)
    context = BridgeContext(buses, StageMetrics(Metrics()))
    export = Export(sink, spool, context, lambda outcome, number: outcomes.update({outcome: number}))
    now, database = round(time.time()) - 60.0, Database(server)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run_beside(export.exporter.run()))
        for stage in export.stages():
            await stack.enter_async_context(run_beside(run_stage(stage, context.metrics)))
        for key, event, at in envelopes(0, BATCH, now):  # the database is not there yet
            await buses.events.publish("vision.event.person", wrap(event, key=key, source="test", now=at), key)
        await wait_until(lambda: "cannot be reached" in str(export.exporter.problem))
        await server.started()
        await wait_until(lambda: len(export.exporter._sent) == BATCH)
        await server.killed()  # it has answered 204, and keeps nothing of it
        await server.started()
        assert await database.counts(victoria_metrics.EVENT) == {}
        said = wrap(Result("done", ok=True, message="It is on"), key="k", source="test", now=now - 1)
        await buses.events.publish(names.result_subject("k"), said, "k")
        await wait_until(lambda: outcomes["delivered"] == BATCH + 1)
        assert (spool.count, export.exporter.problem, outcomes["resent"]) == (0, None, BATCH)
    await server.killed()
    await server.started()
    expected = {round(1000 * at) for _, _, at in envelopes(0, BATCH, now)}
    await database.wait_for(victoria_metrics.EVENT, expected)
    await database.wait_for(victoria_metrics.RESULT, {1000 * round(now - 1)})
    assert set((await database.counts(victoria_metrics.EVENT)).values()) == {1}


@asynccontextmanager
async def connected_nats(server: Nats) -> AsyncIterator[NatsEvents]:
    events = NatsEvents(parse_broker_url("--url", server.url, "NO_SUCH_VARIABLE", None, allow_plain=False), "test")
    async with run_beside(events.run()):
        await wait_until(lambda: events.problem is None)
        yield events


async def start_bridge(nats: Nats, server: VictoriaMetrics, folder: Path, http_port: int) -> Daemon:
    return await Daemon.start(
        "bridge", "--broker.nats", nats.url, "--sinks.victoria-metrics", server.url, "--sinks.spool", str(folder),
        "--role", "vision", "--stage", "export-victoria-metrics", "--http-port", str(http_port),
    )  # fmt: skip


async def read_gauge(port: int, name: str) -> float | None:
    try:
        async with ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = (await answer.text()).splitlines()
    except (ClientError, OSError):
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith(f"wyoming_rosie_{name} ")), None)


@pytest.mark.soak
async def test_every_event_is_readable_whoever_is_killed(server: VictoriaMetrics, nats: Nats, tmp_path: Path) -> None:
    port = free_port()
    await nats.started()
    await server.started()
    now, index = round(time.time()) - 60.0, 0
    expected: set[int] = set()
    async with connected_nats(nats) as events:
        for outage in ("bridge", "database", "bridge", "both", "database", "bridge", "none"):
            bridge = await start_bridge(nats, server, tmp_path / "spool", port)
            for key, event, at in envelopes(index, 100, now):
                await events.publish("vision.event.person", wrap(event, key=key, source="test", now=at), key)
                expected.add(round(1000 * at))
                await asyncio.sleep(0.02)
            index += 100
            if outage in ("database", "both"):
                await server.killed()
            if outage != "none":
                send_signal(bridge.process, signal.SIGKILL)
                await bridge.process.wait()
            if server.process is None:
                await server.started()
        async with asyncio.timeout(3 * SECONDS):
            while await read_gauge(port, "sink_victoria_metrics_spool_events") != 0:
                await asyncio.sleep(0.2)
        assert await bridge.stop() == 0
    await server.killed()
    await server.started()
    database = Database(server)
    await database.wait_for(victoria_metrics.EVENT, expected)
    print("copies of an event:", Counter((await database.counts(victoria_metrics.EVENT)).values()))


async def test_a_full_health_page_names_the_sink_that_is_away(tmp_path: Path) -> None:
    sink = VictoriaMetricsSink(f"http://127.0.0.1:{free_port()}")
    export = Export(
        sink, Spool(tmp_path / "s.db", 1_000_000), BridgeContext(create_memory_buses(), StageMetrics(Metrics())),
        lambda _, __: None,
    )  # fmt: skip
    health, metrics = Health(), Metrics()
    export.add_checks(health, metrics)
    async with run_beside(export.exporter.run()), run_beside(run_stage(export.stages()[0], StageMetrics(Metrics()))):
        key, event, at = envelopes(0, 1, time.time())[0]
        message = wrap(event, key=key, source="test", now=at)
        await export._context.buses.events.publish("vision.event.person", message, key)
        await wait_until(lambda: "1 events wait" in str(health.run_checks()["victoria-metrics"]))
        text = (await asyncio.to_thread(metrics.text)).decode()
        assert "wyoming_rosie_sink_victoria_metrics_spool_events 1.0" in text
        assert "wyoming_rosie_sink_victoria_metrics_spool_dropped 0.0" in text
