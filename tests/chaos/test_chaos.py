"""Random kills, deaths between "stored" and "acknowledged", and faults of brokers: each utterance has exactly one end.

Short forms run by default; `scripts/chaos` runs the long ones.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.mutants import FireAndForgetNode
from tests.chaos.site import Report, Site
from wyoming_rosie.bus.messages import AudioFormatData
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside

MUTANTS = Path(__file__).with_name("mutants.py")
FAILPOINTS = {
    "bridge": (
        "ingest.stored", "classify.taken", "classify.handled", "classify.confirmed", "router.taken", "router.handled",
        "router.confirmed", "reply.taken", "reply.handled",
    ),
    "worker1": (
        "asr.taken", "asr.handled", "asr.confirmed", "asr.decided", "asr.dead", "understand.taken", "understand.decided",
        "understand.handled", "understand.confirmed",
    ),
    "executor": ("execute.taken", "execute.done", "result.published", "execute.handled", "execute.confirmed"),
}  # fmt: skip
SHORT_FAILPOINTS = [("executor", "execute.done")]
LONG_FAILPOINTS = [(program, name) for program, names in FAILPOINTS.items() for name in names]


@asynccontextmanager
async def site_with_device(folder: Path, **changes: object) -> AsyncIterator[tuple[Site, VoiceNode]]:
    site = Site(folder, **changes)  # type: ignore[arg-type]
    async with site.running(), site.device() as node:
        yield site, node


async def kill_while_speaking(folder: Path, seed: int, seconds: float, count: int, *, newer_nats: bool) -> Report:
    async with site_with_device(folder, newer_nats=newer_nats) as (site, node):
        site.verbs = ("turn on", "toggle")
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(site.speak(node, count, seconds, poison_every=100))
            tasks.create_task(site.kill_at_random(seconds, seed))
        report = await site.drain(node)
        report.seconds = time.monotonic() - began
        print(f"seed {seed}: {report}", flush=True)
        return report


@pytest.mark.timeout(600)
async def test_random_kills_lose_nothing(tmp_path: Path) -> None:
    report = await kill_while_speaking(tmp_path, 7, 8.0, 80, newer_nats=True)
    report.check()
    assert report.outcomes["done"] >= 0.8 * len(report.sent)  # a toggle that was interrupted is reported as unknown


@pytest.mark.chaos
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(1, 6))
async def test_a_minute_of_random_kills_loses_nothing(seed: int, tmp_path: Path) -> None:
    report = await kill_while_speaking(tmp_path, seed, 60.0, 1200, newer_nats=seed % 2 == 0)
    report.check()
    assert report.outcomes["dead"] >= 12 - 1  # the poison; a kill may have come before the engine's error
    assert report.outcomes["done"] >= 0.8 * len(report.sent)  # a toggle that was interrupted is reported as unknown


async def die_at(folder: Path, program: str, failpoint: str, **changes: float) -> None:
    """Have a program die at a failpoint, and start it again."""
    site = Site(folder, **changes)  # type: ignore[arg-type]
    site.verbs = ("turn on", "toggle")
    site.programs[program].failpoint = f"{failpoint}:3"
    if program == "worker1":
        del site.programs["worker2"]  # else it may take all that should die here
    async with site.running(), site.device() as node, run_beside(site.restart_dead()):
        for _ in range(5):  # until a slow machine has started all of it
            await site.speak(node, 1, 0.5)
            if (await site.drain(node)).outcomes["done"]:
                break
        await site.speak(node, 24, 3.0, poison_every=5)
        report = await site.drain(node)
    print(f"{failpoint}: {report}", flush=True)
    report.check()
    assert report.kills[program], f"the failpoint {failpoint} was not passed three times"


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("program", "failpoint"), SHORT_FAILPOINTS, ids=[name for _, name in SHORT_FAILPOINTS])
async def test_a_death_between_stored_and_acknowledged_loses_nothing(
    program: str, failpoint: str, tmp_path: Path
) -> None:
    await die_at(tmp_path, program, failpoint)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("program", "failpoint"), LONG_FAILPOINTS, ids=[name for _, name in LONG_FAILPOINTS])
async def test_a_death_at_any_boundary_loses_nothing(program: str, failpoint: str, tmp_path: Path) -> None:
    await die_at(tmp_path, program, failpoint)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("program", "failpoint"), LONG_FAILPOINTS, ids=[name for _, name in LONG_FAILPOINTS])
async def test_a_death_whose_message_comes_back_after_its_deadline_loses_nothing(
    program: str, failpoint: str, tmp_path: Path
) -> None:
    await die_at(tmp_path, program, failpoint, deadline_seconds=6.0, idle_seconds=8.0)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_a_decision_is_carried_out_after_the_deadline(tmp_path: Path) -> None:
    await die_at(tmp_path, "worker1", "understand.decided", deadline_seconds=6.0, idle_seconds=8.0)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("mutation", "failpoint", "seen"),
    [("early acknowledge", "asr.taken", "lost"), ("no dedupe key", "asr.handled", "more than one end")],
)
async def test_a_broken_promise_is_seen(mutation: str, failpoint: str, seen: str, tmp_path: Path) -> None:
    site = Site(tmp_path, bridge_words=(sys.executable, str(MUTANTS), mutation))
    del site.programs["worker2"]
    site.programs["worker1"].failpoint = f"{failpoint}:3"
    async with site.running(), site.device() as node, run_beside(site.restart_dead()):
        await site.speak(node, 24, 3.0)
        report = await site.drain(node)
    print(f"{mutation}: {report}", flush=True)
    assert len(report.ends) > 20  # the rest works
    with pytest.raises(AssertionError, match=seen):
        report.check()


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_a_device_that_does_not_send_again_is_seen(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.node_type = FireAndForgetNode
    async with site.running(), site.device() as node:
        await site.speak(node, 5, 1.0)
        await site.drain(node)
        await asyncio.to_thread(site.programs["bridge"].kill)
        await site.speak(node, 20, 1.0)
        await site.brokers["mosquitto"].killed()
        await site.brokers["mosquitto"].started()
        await asyncio.to_thread(site.programs["bridge"].start)
        report = await site.drain(node)
    with pytest.raises(AssertionError, match="lost"):
        report.check()


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_brokers_that_start_last_are_waited_for(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site._start_programs()
    try:
        async with site.device() as node:
            await site.speak(node, 5, 0.5)
            for broker in site.brokers.values():
                await broker.started()
            report = await site.drain(node)
        report.check()
        assert report.outcomes == {"done": 5}
    finally:
        await asyncio.to_thread(site._kill_all)


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_a_hung_worker_that_comes_back_changes_nothing(tmp_path: Path) -> None:
    async with site_with_device(tmp_path) as (site, node):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(site.speak(node, 40, 4.0))
            await asyncio.sleep(2.0)
            site.programs["worker1"].kill(19)  # SIGSTOP
        report = await site.drain(node)
        report.check()
        site.programs["worker1"].kill(18)  # SIGCONT
        await asyncio.sleep(3.0)
        (await site.drain(node)).check()


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_two_bridges_at_once_do_everything_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    words = [word if word != "bridge" else "other-bridge" for word in site.programs["bridge"].words]
    site.programs["bridge2"] = type(site.programs["bridge"])(words, tmp_path, "bridge2")
    async with site.running(), site.device() as node:
        await site.speak(node, 30, 2.0)
        report = await site.drain(node)
    report.check()
    assert set(report.effects.values()) == {1}
    assert len(report.effects) == 30


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_a_redis_that_lost_everything_goes_on(tmp_path: Path) -> None:
    async with site_with_device(tmp_path) as (site, node):
        await site.speak(node, 10, 1.0)
        await site.drain(node)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(site.speak(node, 30, 3.0))
            await asyncio.sleep(1.5)
            await redis_command(site, "FLUSHALL")
        await site.speak(node, 10, 1.0)
        report = await site.drain(node)
    assert not set(report.lost) & set(report.sent[-10:])  # it goes on; what was in Redis is lost, as documented
    assert len(report.lost) < 10
    assert not report.ended_twice


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_a_redis_without_memory_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    async with site_with_device(tmp_path) as (site, node):
        await site.speak(node, 3, 0.3)
        await site.drain(node)
        await redis_command(site, "CONFIG", "SET", "maxmemory", "1mb")
        await site.speak(node, 10, 1.0)
        await asyncio.sleep(3.0)
        assert await node.count_waiting() == 10  # no receipt for what is not stored
        await redis_command(site, "CONFIG", "SET", "maxmemory", "0")
        report = await site.drain(node)
    report.check()


@pytest.mark.chaos
@pytest.mark.parametrize("seconds", [pytest.param(3.0, id="3 s"), pytest.param(60.0, id="60 s")])
@pytest.mark.timeout(600)
async def test_nats_may_be_away(seconds: float, tmp_path: Path) -> None:
    async with site_with_device(tmp_path) as (site, node):
        await site.speak(node, 5, 0.5)
        await site.drain(node)
        await site.brokers["nats"].killed()
        await site.speak(node, 20, seconds)
        await site.brokers["nats"].started()
        report = await site.drain(node)
    report.check()
    assert report.outcomes == {"done": 25}


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_what_waited_too_long_is_not_obeyed_and_said_so(tmp_path: Path) -> None:
    async with site_with_device(tmp_path, deadline_seconds=3.0) as (site, node):
        await site.speak(node, 3, 0.3)
        await site.drain(node)
        for name in ("worker1", "worker2"):
            await asyncio.to_thread(site.programs[name].kill)
        await site.speak(node, 10, 1.0)
        await asyncio.sleep(4.0)
        for name in ("worker1", "worker2"):
            await asyncio.to_thread(site.programs[name].start)
        report = await site.drain(node)
    report.check()
    assert report.outcomes["expired"] >= 10  # and those that were spoken before a slow machine was ready
    assert report.outcomes["expired"] + len(report.effects) == 13
    too_long = [say for say in site.said if say.text == "Sorry, that took too long."]
    assert len(too_long) == report.outcomes["expired"]


@pytest.mark.chaos
@pytest.mark.timeout(600)
async def test_expired_payloads_are_dead_letters(tmp_path: Path) -> None:
    async with site_with_device(tmp_path) as (site, node):
        uri = "redis:audio:blob:kitchen:never-there"
        site.report.sent += [await node.send_audio(b"", AudioFormatData(), uri=uri) for _ in range(5)]
        report = await site.drain(node)
    report.check()
    assert report.outcomes == {"dead": 5}


async def redis_command(site: Site, *words: str) -> None:
    from redis.asyncio import Redis

    client: Any = Redis.from_url(site.brokers["redis"].url)
    await client.execute_command(*words)
    await client.aclose()
