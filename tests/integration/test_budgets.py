"""Clients of another host that send too much, to every daemon; hosts are network namespaces."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.daemons import Daemon
from tests.hostile import ROLES
from tests.two_hosts import FAR, NEAR, NEAR_ADDRESS, on_host, two_hosts

ROOT = Path(__file__).parents[2]
PORT, MONITOR = 10_998, 10_997
BUDGETS = ("--client-audio", "4", "--client-requests", "10", "--client-turns", "2")
SATELLITE = ("--mic-command", "sleep 600", "--snd-command", "cat")
SECONDS = 180.0
pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def _two_hosts() -> Iterator[None]:
    with two_hosts():
        yield


@pytest_asyncio.fixture
async def daemon(request: pytest.FixtureRequest, _two_hosts: None) -> AsyncIterator[Daemon]:
    role = request.param
    started = await Daemon.start(
        role,
        *(SATELLITE if role == "satellite" else ()),
        *("--uri", f"tcp://0.0.0.0:{PORT}", "--no-zeroconf", *BUDGETS),
        *("--http-port", str(MONITOR), "--http-host", NEAR_ADDRESS),
        prefix=on_host(NEAR),
    )
    yield started
    assert await started.stop() == 0


async def run(host: str, *arguments: str) -> Any:
    """Run a Python program on a host and return the JSON that it prints."""
    program = await asyncio.create_subprocess_exec(
        *on_host(host), sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(SECONDS):
        printed, _ = await program.communicate()
    assert program.returncode == 0
    return json.loads(printed)


async def flood(host: str, kind: str, count: int, connections: int = 1) -> dict[str, int]:
    answers: dict[str, int] = await run(
        host,
        "-m",
        "tests.flood",
        f"tcp://{NEAR_ADDRESS if host == FAR else '127.0.0.1'}:{PORT}",
        kind,
        str(count),
        str(connections),
    )
    return answers


async def monitor(path: str) -> Any:
    """Return what the daemon tells on its HTTP port."""
    read = f"import json, urllib.request as u; print(json.dumps(u.urlopen('http://{NEAR_ADDRESS}:{MONITOR}/{path}').read().decode()))"
    return await run(FAR, "-c", read)


@pytest.mark.parametrize("daemon", ROLES, indirect=True)
async def test_too_many_requests_are_answered_late_and_all_of_them(daemon: Daemon) -> None:
    assert await flood(FAR, "pings", 130) == {"pong": 130, "whole": 1}
    health = json.loads(await monitor("health"))
    assert health["status"] == "ok"
    assert "one client may send 10 requests per second, see --client-requests" in health["notes"]["clients"]
    assert 'wyoming_rosie_slowed_seconds_total{budget="requests",client="10.99.7.2"}' in await monitor("metrics")
    assert [line["client"] for line in daemon.log if line["event"] == "a client is over its budget"] == ["10.99.7.2"]


@pytest.mark.parametrize("daemon", ["vad"], indirect=True)
async def test_a_program_of_the_same_host_has_no_budget(daemon: Daemon) -> None:
    assert (await flood(NEAR, "audio", 200))["whole"] == 1
    assert await flood(NEAR, "pings", 2_000) == {"pong": 2_000, "whole": 1}
    assert "notes" not in json.loads(await monitor("health"))


@pytest.mark.parametrize("daemon", ["wake", "vad", "asr"], indirect=True)
async def test_too_much_audio_of_one_connection_waits_and_is_not_lost(daemon: Daemon) -> None:
    assert (await flood(FAR, "audio", 48))["whole"] == 1
    assert 'wyoming_rosie_slowed_seconds_total{budget="audio",client="10.99.7.2"}' in await monitor("metrics")


@pytest.mark.parametrize("daemon", ["vad"], indirect=True)
async def test_what_would_wait_too_long_is_refused_with_a_sentence_and_others_are_served(daemon: Daemon) -> None:
    answers = await flood(FAR, "long-audio", 1, connections=60)
    assert answers["busy"] > 0
    assert await flood(NEAR, "pings", 100) == {"pong": 100, "whole": 1}


@pytest.mark.parametrize("daemon", ["vad"], indirect=True)
async def test_too_many_connections_are_refused_and_others_are_served(daemon: Daemon) -> None:
    await flood(FAR, "connections", 1_000)
    refused = await monitor("metrics")
    assert 'wyoming_rosie_refused_total{code="busy"}' in refused
    assert 'wyoming_rosie_refused_total{code="flood"}' in refused
    assert await flood(NEAR, "pings", 100) == {"pong": 100, "whole": 1}


@pytest.mark.usefixtures("_two_hosts")
async def test_utterances_of_one_client_do_not_refuse_those_of_another() -> None:
    listen = ("--uri", f"tcp://0.0.0.0:{PORT}", "--no-zeroconf", "--waiting", "2")
    daemon = await Daemon.start("asr", *listen, prefix=on_host(NEAR))
    many = (sys.executable, "-m", "tests.flood", f"tcp://{NEAR_ADDRESS}:{PORT}", "utterances", "40", "6")
    program = await asyncio.create_subprocess_exec(*on_host(FAR), *many, cwd=ROOT)
    try:
        await daemon.wait_for_line("request refused", SECONDS, code="busy")
        refused = len(daemon.lines("request refused"))
        assert await flood(NEAR, "utterances", 1) == {"transcript": 1, "whole": 1}
        assert len(daemon.lines("request refused")) > refused  # the queue was full all the time
    finally:
        program.kill()
        await program.wait()
        await daemon.stop()
