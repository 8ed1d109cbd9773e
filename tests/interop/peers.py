"""Programs of other projects, each in its own environment (scripts/peers), as processes on free ports."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.runtime.child_processes import send_signal

ENVIRONMENTS = Path(__file__).parents[2] / ".venv-peers"
START_SECONDS = 60.0
STOP_SECONDS = 60.0


def find_program(environment: str, command: str) -> Path:
    """Return the path of a peer's command; skip the test where it is not installed."""
    path = ENVIRONMENTS / environment / "bin" / command
    if not path.exists():
        pytest.skip(f"{command} is not installed: run scripts/peers")
    return path


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def run_peer(path: Path, *arguments: str, log: Path) -> AsyncIterator[str]:
    """Run a peer during the block; yield its URI once it answers `describe`."""
    uri = f"tcp://127.0.0.1:{free_port()}"
    with await asyncio.to_thread(log.open, "wb") as said:
        process = await asyncio.create_subprocess_exec(str(path), *arguments, "--uri", uri, stdout=said, stderr=said)
        try:
            await _wait_until_ready(process, uri, log)
            yield uri
        finally:
            await _stop(process)


async def _wait_until_ready(process: asyncio.subprocess.Process, uri: str, log: Path) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not await _is_ready(uri):
            if process.returncode is not None:
                raise AssertionError(await asyncio.to_thread(log.read_text))
            await asyncio.sleep(0.2)


async def _is_ready(uri: str) -> bool:
    try:
        await describe(uri)
    except UnreachableError:
        return False
    return True


async def _stop(process: asyncio.subprocess.Process) -> None:
    send_signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        send_signal(process, signal.SIGKILL)
        await process.wait()
