"""Streams to daemons: one connection to one daemon, open for one turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeAlias

from wyoming.event import Event

from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.protocol.wire import encode
from wyoming_rosie.runtime.outbox import Outbox

CONNECT_SECONDS = 0.8
"""A person is waiting: a daemon in the same home accepts within milliseconds or is down."""
MAX_QUEUED_EVENTS = 512
OnEvent: TypeAlias = Callable[[Event], Awaitable[bool]]
"""Handles one event from a daemon; returns True if no more are expected."""


class DaemonStream:
    """Sends queued events to the daemon of a role in order and passes each of the daemon's events to `on_event`.

    If it cannot be reached, the next of `others` takes its place.
    """

    def __init__(
        self,
        uri: str,
        role: str,
        first: Sequence[Event],
        on_event: OnEvent,
        others: Sequence[str] = (),
        on_unreachable: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._uri = uri
        self._others = others
        self._on_unreachable = on_unreachable
        self._role = role
        self._on_event = on_event
        self._outbox = Outbox[bytes](MAX_QUEUED_EVENTS)
        for event in first:
            self._outbox.try_put(encode(event))

    def send_encoded(self, encoded: bytes) -> None:
        """Queue an encoded event. Raises UnreachableError if the daemon has stopped reading."""
        if not self._outbox.try_put(encoded):
            raise UnreachableError(f"{self._uri} is {MAX_QUEUED_EVENTS} events behind")

    async def run(self) -> None:
        """Exchange events until `on_event` returns True. Raises UnreachableError, PeerError."""
        async with AsyncExitStack() as stack:
            peer = await self._connect(stack)
            sending = asyncio.create_task(self._outbox.run(peer.send_encoded))
            receiving = asyncio.create_task(self._receive_all(peer))
            try:
                await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, receiving):
                    task.cancel()
                await asyncio.wait({sending, receiving})
            for task in (receiving, sending):
                if not task.cancelled():
                    task.result()

    async def _connect(self, stack: AsyncExitStack) -> Client:
        """Connect to the daemon, or the first of the others that is there. Raises UnreachableError of the last one."""
        for uri in (self._uri, *self._others):
            try:
                return await stack.enter_async_context(connect(uri, CONNECT_SECONDS, role=self._role))
            except UnreachableError as err:
                self._on_unreachable(uri)
                last = err
        raise last

    async def _receive_all(self, peer: Client) -> None:
        while True:
            event = await peer.receive()
            if event.type == "error":
                raise PeerError(str(event.data.get("text", "")), event.data.get("code"))
            if await self._on_event(event):
                return
