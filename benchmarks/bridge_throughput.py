"""Throughput of the bridge's voice role: utterances per second from MQTT to their results, and CPU time for each.

    python -m benchmarks.bridge_throughput [UTTERANCES]

All brokers, the bridge, its daemons (scripted ones, which answer at once) and the device are on this machine. The peers are
Redis and NATS alone: what one client can add and confirm there, one message after the other and 100 at a time.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil

from tests.brokers import Broker
from tests.chaos.site import Program, Site
from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.runtime.tasks import run_beside

UTTERANCES = 500
PEER_MESSAGES = 2000
AT_A_TIME = 100


def cpu_seconds(pids: dict[str, int]) -> dict[str, float]:
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in pids.items()}


async def measure_voice(folder: Path, utterances: int) -> None:
    site = Site(folder)
    async with site.running(), site.device() as node:
        await site.speak(node, 20, 2.0)
        await site.drain(node)
        started: dict[str, Program | Broker] = {**site.programs, **site.brokers, "daemons": site.daemons}
        pids = {name: one.process.pid for name, one in started.items() if one.process is not None}
        before, began = cpu_seconds(pids), time.monotonic()
        await site.speak(node, utterances, 0.0)
        while site.report.lost:
            await site.read_ends()
        seconds = time.monotonic() - began
        used = {name: 1000 * (after - before[name]) / utterances for name, after in cpu_seconds(pids).items()}
    print(f"{utterances} utterances in {seconds:.1f} s: {utterances / seconds:.0f} per second")
    print("CPU, ms for each utterance: " + ", ".join(f"{name} {value:.2f}" for name, value in used.items()))
    ours = sum(value for name, value in used.items() if name in site.programs)
    brokers = sum(value for name, value in used.items() if name in site.brokers)
    print(f"CPU, ms for each utterance: the bridge's four processes {ours:.1f}, the brokers {brokers:.1f}")
    print(f"load of this machine at the end: {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores\n")


async def measure(name: str, send: Callable[[int], Awaitable[object]], at_a_time: int) -> None:
    began, cpu, numbers = time.monotonic(), time.process_time(), time.monotonic_ns()
    for first in range(0, PEER_MESSAGES, at_a_time):
        await asyncio.gather(*(send(number) for number in range(numbers + first, numbers + first + at_a_time)))
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    print(
        f"{name:<44}{PEER_MESSAGES / seconds:8.0f} per second, {1000 * used / PEER_MESSAGES:6.2f} ms of the client's CPU each"
    )


async def measure_brokers(folder: Path) -> None:
    site = Site(folder)
    for broker in site.brokers.values():
        await broker.started()
    events = NatsEvents(BrokerUrl(site.brokers["nats"].url), "benchmark")
    try:
        async with open_redis(BrokerUrl(site.brokers["redis"].url)) as jobs, run_beside(events.run()):
            while events.problem:  # noqa: ASYNC110 - no event tells of the first connection
                await asyncio.sleep(0.05)

            def message(number: int) -> Envelope:
                return Envelope("rosie.v1.test", f"k:{number}", time.time(), "benchmark", "t", {"text": "x" * 200})

            source = jobs.source(names.AUDIO_RAW, 60)

            async def add(number: int) -> None:
                await jobs.add(names.AUDIO_RAW, message(number))

            async def take(_: int) -> None:
                for delivery in await source.take(1, 0.05):
                    await delivery.ack()

            async def publish(number: int) -> None:
                await events.publish("voice.intent.light.turn_on", message(number), f"intent:{number}")

            await measure("Redis: add a job", add, 1)
            await measure("Redis: take and confirm a job", take, 1)
            await measure("NATS: publish an event", publish, 1)
            await measure(f"NATS: publish an event, {AT_A_TIME} at a time", publish, AT_A_TIME)
    finally:
        for broker in site.brokers.values():
            await broker.killed()


async def main() -> None:
    utterances = int(sys.argv[1]) if len(sys.argv) > 1 else UTTERANCES
    with tempfile.TemporaryDirectory() as folder:
        await measure_voice(Path(folder) / "voice", utterances)
        await measure_brokers(Path(folder) / "brokers")


if __name__ == "__main__":
    asyncio.run(main())
