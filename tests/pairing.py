"""Pairing in tests: `wyoming-rosie pair` as a process, and peers that follow its exchange, or do not."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.daemons import command
from tests.two_hosts import NEAR, on_host
from wyoming_rosie.trust.authority import create_request
from wyoming_rosie.trust.pairing.code import Invitation, parse_invitation
from wyoming_rosie.trust.pairing.exchange import JoinerExchange
from wyoming_rosie.trust.pairing.frames import FrameStream
from wyoming_rosie.trust.pairing.messages import Application, Welcome

SECONDS = 60.0


class Pairing:
    """A running `wyoming-rosie pair --json`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def event(self) -> dict[str, Any]:
        """Return the next event that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await self._process.stdout.readline()
        assert line, await self.end()
        return dict(json.loads(line))

    async def invitation(self) -> Invitation:
        """Return the code that it shows first, with its address."""
        shown = await self.event()
        assert shown["event"] == "code"
        return parse_invitation(shown["uri"])

    async def end(self, seconds: float = SECONDS) -> tuple[int, str]:
        """Return its exit status and the last line of its error output."""
        assert self._process.stderr is not None
        async with asyncio.timeout(seconds):
            said = (await self._process.stderr.read()).decode().strip().splitlines()
            return await self._process.wait(), said[-1] if said else ""


@asynccontextmanager
async def pairing(house: Path, *arguments: str, prefix: Sequence[str] = ()) -> AsyncIterator[Pairing]:
    """Run `wyoming-rosie pair` for the hub's state folder `house` during the block."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        command("wyoming-rosie"),
        "pair",
        *arguments,
        "--data-dir",
        str(house),
        "--json",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Pairing(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


@asynccontextmanager
async def near_pairing(house: Path, *arguments: str) -> AsyncIterator[tuple[Pairing, Invitation]]:
    """Show a code for the kitchen on the near one of two hosts."""
    async with pairing(house, "kitchen", *arguments, prefix=on_host(NEAR)) as pair:
        yield pair, await pair.invitation()


@asynccontextmanager
async def connected(invitation: Invitation) -> AsyncIterator[FrameStream]:
    """Connect to where a code is shown."""
    assert invitation.host is not None
    stream = FrameStream(*await asyncio.open_connection(invitation.host, invitation.port))
    try:
        yield stream
    finally:
        stream.close()


def create_exchange(invitation: Invitation, role: str = "satellite") -> JoinerExchange:
    """Return the exchange of a program that joins."""
    return JoinerExchange(invitation.code, Application(create_request()[1], role, "far", "0.1.0"))


async def get_welcome(stream: FrameStream, exchange: JoinerExchange) -> Welcome:
    """Follow an exchange up to the welcome, and confirm nothing."""
    await stream.write([exchange.start()])
    while True:
        received = exchange.receive(await stream.read())
        if isinstance(received, Welcome):
            return received
        if received is not None:
            await stream.write([received])
