"""A daemon that is gone: the next one of its role takes its place within the turn."""

import asyncio
from contextlib import closing, suppress
from socket import socket

import pytest
from wyoming.event import Event

from tests.fakes import FakeDaemon
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_hub.daemon_streams import DaemonStream

SECONDS = 30.0


async def echo(event: Event, send: Send) -> None:
    await send(event)


def unused_uri() -> str:
    with closing(socket()) as one:
        one.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{one.getsockname()[1]}"


async def run(uris: list[str]) -> tuple[list[Event], list[str]]:
    """Ask the first of some daemons; return what it answers, and those that could not be reached."""
    heard: list[Event] = []
    unreachable: list[str] = []

    async def on_event(event: Event) -> bool:
        heard.append(event)
        return True

    first, *others = uris
    stream = DaemonStream(first, "asr", [Event("transcribe")], on_event, others, unreachable.append)
    async with asyncio.timeout(SECONDS):
        with suppress(UnreachableError):
            await stream.run()
    return heard, unreachable


async def test_the_next_daemon_gets_everything_that_was_sent_to_one_that_is_gone() -> None:
    gone = unused_uri()
    async with FakeDaemon(echo).serving() as there:
        heard, unreachable = await run([gone, there.uri])
    assert ([event.type for event in heard], unreachable) == (["transcribe"], [gone])


async def test_nobody_else_is_asked_while_the_first_is_there() -> None:
    async with FakeDaemon(echo).serving() as first, FakeDaemon(echo).serving() as second:
        assert (await run([first.uri, second.uri]))[1] == []
        assert second.heard == []


@pytest.mark.parametrize("count", [1, 2])
async def test_all_that_are_gone_are_noted(count: int) -> None:
    gone = [unused_uri() for _ in range(count)]
    assert await run(gone) == ([], gone)
