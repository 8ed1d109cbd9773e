"""Measure the bridge's Frigate part: a storm over real brokers, then a parked car's day: `python -m benchmarks.bridge_frigate`.

In the storm Frigate speaks of 200 objects, of each 5 times a second for 60 s; all begin within the first second, and zones,
scores and parking flicker at random. Latency is from the MQTT publication to the arrival at a NATS subscriber; the generator,
the brokers and the bridge share this machine. The day goes over the buses in memory as fast as the bridge takes it, with its
own times as the clock.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from tests.frigate_messages import TimedMessage, parked_car, storm
from tests.frigate_server import FrigateServer
from tests.integration.bridge.frigate_site import FrigateSite, run_site
from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope, load_json
from wyoming_rosie.bus.interface import Consumer
from wyoming_rosie.bus.memory import MemoryMqtt, create_memory_buses
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.frigate.runner import FrigateRunner
from wyoming_rosie_bridge.vision.frigate.settings import FrigateSettings

QUIET_SECONDS = 3.0
MAKE_SECONDS = 20.0
ALL_EVENTS = "vision.event.>"


@dataclass
class StormReport:
    """What went in and what came out."""

    late_ms: list[float] = field(default_factory=list)
    """How late the generator was with each message."""
    latency_ms: list[float] = field(default_factory=list)
    begin: float = 0.0
    latency_by_second: dict[int, list[float]] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    """Events by their key: an alias has the same one."""
    phases: Counter[str] = field(default_factory=Counter)
    last_event: float = 0.0
    memory_mib: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    sent_at: dict[tuple[str, float], float] = field(default_factory=dict)
    """Time of each message by its object and score, which is another one each time."""


def main() -> None:
    options = _parse_options()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before; Python {sys.version.split()[0]}")
    _print_storm(asyncio.run(measure_storm(options.objects, options.updates, options.seconds)))
    asyncio.run(measure_day())


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--updates", type=float, default=5.0, help="updates per second and object")
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args()


async def measure_storm(objects: int, updates: float, seconds: float) -> StormReport:
    """Send a storm in real time and return what came of it."""
    report = StormReport()
    with tempfile.TemporaryDirectory() as folder:
        async with FrigateServer().serving() as server, run_site(FrigateSite(Path(folder), server)) as site:
            await site.start_bridge()
            assert site.bridge is not None
            bridge = psutil.Process(site.bridge.process.pid)
            before = bridge.cpu_times()
            report.memory_mib.append(bridge.memory_info().rss / 2**20)
            async with site.jetstream.listen(ALL_EVENTS) as heard:
                listening = asyncio.create_task(_listen(heard, report))
                await _send_storm(site, bridge, report, objects, updates, seconds)
                while time.time() - report.last_event < QUIET_SECONDS:  # noqa: ASYNC110 - what is awaited is nothing
                    await asyncio.sleep(0.1)
                listening.cancel()
                await asyncio.wait([listening])
            report.memory_mib.append(bridge.memory_info().rss / 2**20)
            after = bridge.cpu_times()
            report.cpu_seconds = after.user + after.system - before.user - before.system
            await site.bridge.stop()
    return report


async def _send_storm(
    site: FrigateSite, bridge: psutil.Process, report: StormReport, objects: int, updates: float, seconds: float
) -> None:
    begin = report.begin = time.time() + MAKE_SECONDS  # the messages have their times in them, and take a while to make
    messages = await asyncio.to_thread(_with_scores, storm(begin, objects, updates, seconds))
    next_look = begin
    for message, key in messages:
        await asyncio.sleep(max(0.0, begin + message.at - time.time()))
        now = time.time()
        report.late_ms.append(1000 * (now - begin - message.at))
        report.sent_at[key] = now
        await site.mqtt.publish(message.topic, message.payload, qos=0)
        if now > next_look:
            report.memory_mib.append(bridge.memory_info().rss / 2**20)
            next_look += seconds / 4
    report.last_event = time.time()


def _with_scores(messages: Sequence[TimedMessage]) -> list[tuple[TimedMessage, tuple[str, float]]]:
    found = []
    for message in messages:
        about = load_json(message.payload)["after"]
        found.append((message, (str(about["id"]), float(about["score"]))))
    return found


async def _listen(heard: AsyncIterator[Envelope], report: StormReport) -> None:
    async for envelope in heard:
        report.last_event = now = time.time()
        report.keys[envelope.key] += 1
        if report.keys[envelope.key] == 1:
            about = envelope.data
            sent_at = report.sent_at[about["event_id"], about["score"]]
            report.latency_ms.append(1000 * (now - sent_at))
            report.latency_by_second.setdefault(int(sent_at - report.begin), []).append(1000 * (now - sent_at))
            report.phases["zone" if ":entered:" in envelope.key or ":left:" in envelope.key else about["phase"]] += 1


def _print_storm(report: StormReport) -> None:
    late, latency = _percentiles(report.late_ms), _percentiles(report.latency_ms)
    sent, came = len(report.late_ms), len(report.keys)
    print(f"storm: {sent} messages in, {came} events out: {dict(report.phases)}")
    print(f"  latency, MQTT to NATS, ms: median {latency[0]:.1f}, 95 % {latency[1]:.1f}, worst {latency[2]:.1f}")
    slowest = sorted(report.latency_by_second.items(), key=lambda one: max(one[1]), reverse=True)[:3]
    seconds = ", ".join(f"second {second}: {len(some)} events, worst {max(some):.0f} ms" for second, some in slowest)
    print(f"  slowest seconds: {seconds}")
    print(f"  the generator was late by, ms: median {late[0]:.1f}, 95 % {late[1]:.1f}, worst {late[2]:.1f}")
    print("  memory of the bridge, MiB, from begin to end: " + ", ".join(f"{one:.1f}" for one in report.memory_mib))
    print(f"  CPU of the bridge: {report.cpu_seconds:.1f} s, {1000 * report.cpu_seconds / sent:.2f} ms per message")
    print(f"  load {os.getloadavg()[0]:.1f} after")


def _percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(values), statistics.quantiles(values, n=20)[-1], max(values)


async def measure_day() -> None:
    """Send a parked car's day and print what came of it."""
    begin, clock = 1_795_960_000.0, [0.0]
    buses, mqtt = create_memory_buses(), MemoryMqtt()
    buses = replace(buses, mqtt=mqtt)
    runner = FrigateRunner(
        FrigateSettings(), BridgeContext(buses, StageMetrics(Metrics()), clock=lambda: begin + clock[0])
    )
    runner.subscribe()
    source = buses.events.source(Consumer(names.VISION_STREAM, "day", ALL_EVENTS))
    tracemalloc.start()
    sent, half = 0, 0
    for message in parked_car(begin):
        clock[0] = message.at
        await mqtt.publish(message.topic, message.payload)
        mqtt.published.clear()
        sent += 1
        if half == 0 and message.at > 43_200:
            half = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - half
    tracemalloc.stop()
    subjects = [one.place.removeprefix("vision.event.") for one in await source.take(100, 0.1)]
    print(f"a parked car's day: {sent} messages in, {len(subjects)} events out: {', '.join(subjects)}")
    print(f"  memory of Python's objects: {grown / 1024:+.0f} KiB from noon to midnight")


if __name__ == "__main__":
    main()
