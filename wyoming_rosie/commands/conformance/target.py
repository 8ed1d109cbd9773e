"""The program under test, and ways to talk to it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_rosie.commands.conformance.recording import CheckRecording
from wyoming_rosie.errors import BadEventError, ConfigError, UnreachableError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.wire import Decoder
from wyoming_rosie.trust import membership

HOME_ASSISTANT_SECONDS = 5.0
"""Home Assistant shows a program as unavailable that has not answered `describe` by then."""
REACTION_SECONDS = 1.5
"""Seconds without a response after which bad input counts as ignored."""


class BadInputResponse(StrEnum):
    """A program's response to bad input."""

    REFUSED = "refuses it"  # with an error event
    ANSWERED = "answers"
    IGNORED = "ignores it"
    CLOSED = "ends the connection without a word"


@dataclass(frozen=True)
class CheckTarget:
    """`data` is the info as received: `Info` has no field for vad."""

    uri: str
    role: str
    recording: CheckRecording
    seconds: float = 15.0  # the longest that an answer may take
    info: Info = field(default_factory=Info)
    data: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)  # results of one check that others need

    async def send_request(self, events: Iterable[Event], *answers: str) -> Event:
        """Send events on a new connection; return the first of `answers`. Raises PeerError, UnreachableError."""
        async with connect(self.uri) as peer:
            for event in events:
                await peer.send(event)
            return await peer.wait_for(*answers, seconds=self.seconds)

    async def measure_describe(self, seconds: float = HOME_ASSISTANT_SECONDS) -> float:
        """Return the seconds that describe takes on a new connection. Raises UnreachableError."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        async with connect(self.uri, seconds) as peer:
            await peer.send(Describe().event(), seconds)
            await peer.wait_for("info", seconds=seconds)
        return loop.time() - started

    async def send_raw(self, *pieces: bytes, with_eof: bool = False) -> tuple[BadInputResponse, str]:
        """Send bytes on a new connection; return the response, and the type or error code of the first event."""
        reader, writer = await _open_connection(self.uri)
        try:
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if with_eof and writer.can_write_eof():  # TLS ends both directions at once
                    writer.write_eof()
            return await _read_response(reader, min(REACTION_SECONDS, self.seconds))
        finally:
            writer.transport.abort()


async def _open_connection(uri: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(HOME_ASSISTANT_SECONDS):
            match address.parse(uri):
                case address.Tcp(host, port):
                    return await asyncio.open_connection(host, port)
                case address.Tls(host, port):
                    context = membership.require().client_context
                    return await asyncio.open_connection(host, port, ssl=context, server_hostname="")
                case address.Unix(path):
                    return await asyncio.open_unix_connection(path)
                case address.Stdio():
                    raise ConfigError(
                        "a program on stdio:// cannot be checked; let it listen on tcp://, tls:// or unix://"
                    )
    except (OSError, TimeoutError) as err:
        raise UnreachableError(f"nothing answers at {uri}") from err


async def _read_response(reader: asyncio.StreamReader, seconds: float) -> tuple[BadInputResponse, str]:
    decoder = Decoder()
    try:
        async with asyncio.timeout(seconds):
            while received := await reader.read(65_536):
                decoder.feed(received)
                if (event := decoder.next()) is not None:
                    is_error = event.type == "error"
                    return (
                        (BadInputResponse.REFUSED, _error_code(event))
                        if is_error
                        else (BadInputResponse.ANSWERED, event.type)
                    )
    except TimeoutError:
        return BadInputResponse.IGNORED, ""
    except ConnectionError:
        pass
    except BadEventError as err:
        raise UnreachableError(f"it does not speak Wyoming: {err}") from err
    return BadInputResponse.CLOSED, ""


def _error_code(error: Event) -> str:
    return str(error.data.get("code") or error.data.get("text") or "")
