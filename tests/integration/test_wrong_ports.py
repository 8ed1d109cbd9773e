"""Commands with the address of a program that is not a daemon, or not the right one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.conftest import StartDaemon
from tests.daemons import command
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import DESCRIBE_SECONDS, describe

pytestmark = pytest.mark.long

COMMANDS = {
    "detect": (str(RECORDING),),
    "transcribe": (str(RECORDING),),
    "ask": ("what time is it",),
    "say": ("hello", "--output", "/dev/null"),
}


async def complaint(*arguments: str) -> str:
    """Return the line of a command that fails."""
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), *arguments, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (1, b"")
    (line,) = err.decode().splitlines()
    return line


@pytest.fixture
def web() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def silent() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield f"tcp://127.0.0.1:{taken.getsockname()[1]}"


async def test_a_command_says_who_is_there_instead(daemon: StartDaemon) -> None:
    uri = (await daemon("tts")).uri
    said = await asyncio.gather(*(complaint(name, *COMMANDS[name], "--uri", uri) for name in ("detect", "ask")))
    assert f"{uri} is tts, not wake, which usually listens at tcp://HOST:10400" in said[0]
    assert f"{uri} is tts, not intent" in said[1]


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_web_server_is_no_daemon(web: str, name: str) -> None:
    assert f"{web} does not speak Wyoming" in await complaint(name, *COMMANDS[name], "--uri", web)


async def test_who_says_nothing_is_given_up_on(silent: str) -> None:
    commands = {**COMMANDS, "check": ()}
    said = await asyncio.gather(
        *(complaint(name, *words, *(("--uri",) if words else ()), silent) for name, words in commands.items()),
        complaint("listen", silent),
    )
    assert {line.partition(": ")[2] for line in said} == {
        f"{silent} has not answered describe for {DESCRIBE_SECONDS:g} s; is the port right?"
    }


async def test_who_sends_a_byte_now_and_then_is_given_up_on_all_the_same() -> None:
    gone = asyncio.Event()

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"{")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()
            gone.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnreachableError, match="is the port right"):
            await describe(f"tcp://127.0.0.1:{port}", seconds=0.3)
        await asyncio.wait_for(gone.wait(), 60)
