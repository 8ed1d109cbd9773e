"""Health of installed daemons, as a monitor sees it."""

import asyncio
import socket

import aiohttp
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_a_daemon_tells_how_it_is(daemon: StartDaemon, peer: OpenPeer) -> None:
    port = free_port()
    vad = await daemon("vad", "--http-port", str(port))
    one = await peer(vad.uri)
    await one.send(Event("describe"))
    await one.send(Event("ping"))
    assert {(await one.receive(5)).type for _ in range(2)} == {"info", "pong"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as monitor:
        async with monitor.get("/health") as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        async with monitor.get("/metrics") as answer:
            numbers = await answer.text()
    assert "wyoming_rosie_peers 1.0" in numbers
    assert 'wyoming_rosie_sent_total{code="",type="pong"} 1.0' in numbers


async def test_a_daemon_whose_port_is_taken_says_so_and_ends() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        program = command("wyoming-rosie-vad")
        vad = await asyncio.create_subprocess_exec(
            program, "--uri", "tcp://127.0.0.1:0", "--http-port", port, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(vad.communicate(), 20)
    assert vad.returncode == 1
    assert b"--http-port: cannot listen" in said
