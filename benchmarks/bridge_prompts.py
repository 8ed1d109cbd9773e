"""Throughput of the mind role: prompts through Redis, NATS and a scripted intent daemon, and the CPU of each program."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psutil

from tests.brokers import Broker, Nats, Redis
from tests.daemons import Daemon
from tests.integration.bridge.scripted_models import serve_model
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.messages import ModelPrompt
from wyoming_rosie.bus.redis_streams import RedisJobs, open_redis

PROMPTS = 1000
PARALLEL = 16


async def add_prompts(jobs: RedisJobs, text: str) -> list[str]:
    keys = [uuid4().hex for _ in range(PROMPTS)]
    for number, key in enumerate(keys):
        message = ModelPrompt(text, f"s{number % 100}")
        await jobs.add(names.LLM_INCOMING, schema.wrap(message, key=key, source="benchmark", now=time.time()))
    return keys


async def wait_for_answers(jobs: RedisJobs, keys: list[str]) -> None:
    for key in keys:
        while await jobs.recall(names.recorded_answer(names.model_answer(key))) is None:  # noqa: ASYNC110 - a record sends no event
            await asyncio.sleep(0.05)


async def measure(redis: Redis, nats: Nats, text: str) -> str:
    """Return a row of the table: prompts per second, and milliseconds of CPU per prompt."""
    async with serve_model() as model, open_redis(BrokerUrl(redis.url)) as jobs:
        keys = await add_prompts(jobs, text)
        words = ("--broker.redis", redis.url, "--broker.nats", nats.url, "--mind.intent-uri", model.uri)
        bridge = await Daemon.start("bridge", "--role", "mind", "--mind.concurrency", str(PARALLEL), *words)
        programs = [psutil.Process(bridge.process.pid), *(_process(broker) for broker in (redis, nats))]
        before, began = [_cpu_seconds(program) for program in programs], time.monotonic()
        await wait_for_answers(jobs, keys)
        seconds = time.monotonic() - began
        spent = [1000 * (_cpu_seconds(program) - earlier) for program, earlier in zip(programs, before, strict=True)]
        await bridge.stop()
    milliseconds = " | ".join(f"{each / PROMPTS:.2f}" for each in spent)
    return f"| {text} | {PROMPTS / seconds:.0f} | {milliseconds} |"


def _process(broker: Broker) -> psutil.Process:
    assert broker.process is not None
    return psutil.Process(broker.process.pid)


def _cpu_seconds(program: psutil.Process) -> float:
    times = program.cpu_times()
    return float(times.user + times.system)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        redis, nats = Redis(Path(folder) / "redis"), Nats(Path(folder) / "nats")
        await redis.started()
        await nats.started()
        try:
            print("| prompt | a second | bridge, CPU ms | Redis | NATS |\n|---|---|---|---|---|")
            for text in sys.argv[1:] or ("turn on the kitchen light", "tell me a joke"):
                print(await measure(redis, nats, text), flush=True)
        finally:
            await redis.killed()
            await nats.killed()


if __name__ == "__main__":
    asyncio.run(main())
