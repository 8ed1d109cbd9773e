"""A connection to a daemon that a turn needs, for the length of the turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect

_LOG = structlog.get_logger()
CONNECT_SECONDS = 0.8
"""A person waits meanwhile: a daemon in the same house answers in milliseconds or is down."""
MAX_QUEUED_EVENTS = 512
OnEvent: TypeAlias = Callable[[Event], Awaitable[bool]]
"""Takes an event from a daemon; True when nothing more is expected."""


class DaemonStream:
    """One turn's connection to one daemon: what is sent leaves in order, what comes is handed to `heard`."""

    def __init__(self, role: str, uri: str, first: Sequence[Event], on_event: OnEvent) -> None:
        self.role = role
        self._uri = uri
        self._on_event = on_event
        self._send_queue: asyncio.Queue[Event] = asyncio.Queue(MAX_QUEUED_EVENTS)
        for event in first:
            self._send_queue.put_nowait(event)

    def send(self, event: Event) -> None:
        """Send an event in turn. Raises UnreachableError when the daemon takes nothing any more."""
        try:
            self._send_queue.put_nowait(event)
        except asyncio.QueueFull as err:
            raise UnreachableError(f"{self._uri} is {MAX_QUEUED_EVENTS} events behind") from err

    async def run(self) -> None:
        """Carry events both ways until `heard` has what it wants. Raises UnreachableError, PeerError."""
        async with connect(self._uri, CONNECT_SECONDS) as peer:
            sending = asyncio.create_task(self._send_all(peer))
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

    async def _send_all(self, peer: Client) -> None:
        while True:
            await peer.send(await self._send_queue.get())

    async def _receive_all(self, peer: Client) -> None:
        while True:
            event = await peer.receive()
            if event.type == "error":
                raise PeerError(str(event.data.get("text", "")), event.data.get("code"))
            if await self._on_event(event):
                return
