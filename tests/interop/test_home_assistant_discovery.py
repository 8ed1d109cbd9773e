"""The real Home Assistant on one host finds our daemons on another, over mDNS as in a home network."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.interop.home_assistant import NEWEST, OLD, HomeAssistant, run_home_assistant
from tests.two_hosts import FAR, NEAR, on_host, two_hosts

pytestmark = [pytest.mark.interop]
PORTS = {"wake": 10400, "vad": 10450, "asr": 10300, "intent": 10550, "tts": 10200, "satellite": 10700}
DOMAINS = {
    "Rosie wake words": "wake_word", "Rosie speech to text": "stt", "Rosie conversation": "conversation",
    "Rosie text to speech": "tts", "rosie-satellite": "assist_satellite",
}  # fmt: skip
DISCOVERY_SECONDS = 60.0
MACHINE = socket.gethostname().partition(".")[0]


@pytest.fixture(params=[OLD, NEWEST])
async def far_core(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[HomeAssistant]:
    """A Home Assistant on the far host."""
    with two_hosts():
        async with run_home_assistant(tmp_path / "core", request.param, FAR) as core:
            yield core


async def test_each_daemon_of_another_host_is_found_and_added(far_core: HomeAssistant) -> None:
    async with AsyncExitStack() as stack:
        for role, port in PORTS.items():
            stack.push_async_callback((await start(role, port)).stop)
        found = await flows(far_core, len(DOMAINS))
        added = {await far_core.confirm(flow) for flow in found.values()}
        assert {kind(title) for title in added} == DOMAINS.keys()  # voice activity detection is unknown to it
        for title, entities in (await far_core.entries()).items():
            assert any(entity.startswith(f"{DOMAINS[kind(title)]}.") for entity in entities), entities
        assert await far_core.discovered() == {}


async def test_a_satellite_of_another_host_is_found_as_an_esphome_device(far_core: HomeAssistant) -> None:
    async with AsyncExitStack() as stack:
        api = ("--esphome", "--esphome-uri", "tcp://0.0.0.0:6053", "--name", "Kitchen")
        satellite = await start("satellite", PORTS["satellite"], *api)
        stack.push_async_callback(satellite.stop)
        async with asyncio.timeout(DISCOVERY_SECONDS):
            while not (found := await far_core.discovered("esphome")):
                await asyncio.sleep(0.2)
        ((title, flow),) = found.items()
        assert title.startswith("Kitchen")
        assert await far_core.confirm(flow) == "Kitchen"
        await satellite.wait_for_line("conductor joined")
        assert await far_core.discovered() == {}  # not as a Wyoming satellite, too


async def start(role: str, port: int, *arguments: str) -> Daemon:
    sound = ("--mic-command", "sleep 600", "--snd-command", "cat") if role == "satellite" else ()
    daemon = await Daemon.start(role, "--uri", f"tcp://0.0.0.0:{port}", *sound, *arguments, prefix=on_host(NEAR))
    await daemon.wait_for_line("announced")
    return daemon


async def flows(core: HomeAssistant, count: int) -> dict[str, str]:
    """Wait until Home Assistant has found so many programs; return their flows, by title."""
    async with asyncio.timeout(DISCOVERY_SECONDS):
        while len(found := await core.discovered()) < count:
            await asyncio.sleep(0.2)
    return found


def kind(title: str) -> str:
    """Return a title without the machine."""
    return re.sub(rf" \({MACHINE}\)$|-{MACHINE}-\w+$", "", title)
