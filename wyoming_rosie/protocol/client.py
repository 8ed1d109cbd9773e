"""Wyoming client: connections to daemons and satellites."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UnreachableError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.wire import EventStream, encode

CONNECT_SECONDS = 5.0
NEXT_ADDRESS_SECONDS = 0.25
"""Delay before the next address of a host is tried, the other IP version first (RFC 8305)."""
SEND_SECONDS = 10.0
DESCRIBE_SECONDS = 5.0


class PeerError(RosieError):
    """The peer answered with an `error` event; `code` is the peer's."""

    def __init__(self, text: str, code: str | None) -> None:
        super().__init__(text)
        self.code = code or "peer"


class Client:
    """One connection to a daemon or satellite."""

    def __init__(self, uri: str, stream: EventStream) -> None:
        self.uri = uri
        self._stream = stream

    async def send(self, event: Event, seconds: float = SEND_SECONDS) -> None:
        """Send one event. Raises UnreachableError when the peer is gone or does not read for `seconds`."""
        await self.send_encoded(encode(event), seconds)

    async def send_encoded(self, encoded: bytes, seconds: float = SEND_SECONDS) -> None:
        """Send the bytes of whole events. Raises UnreachableError as `send` does."""
        try:
            async with asyncio.timeout(seconds):
                await self._stream.write_encoded(encoded)
        except TimeoutError as err:
            raise UnreachableError(f"{self.uri} has not read for {seconds:g} s") from err
        except ConnectionError as err:
            raise UnreachableError(f"{self.uri} closed the connection") from err

    async def receive(self, seconds: float | None = None) -> Event:
        """Return the next event of any type. Raises UnreachableError at the end, or after `seconds` without an event."""
        try:
            async with asyncio.timeout(seconds):
                event = await self._stream.read()
        except TimeoutError as err:
            raise UnreachableError(f"{self.uri} has not answered for {seconds:g} s") from err
        except BadEventError as err:
            raise UnreachableError(f"{self.uri} does not speak Wyoming: {err}") from err
        if event is None:
            raise UnreachableError(f"{self.uri} closed the connection")
        return event

    async def wait_for(self, *types: str, seconds: float | None) -> Event:
        """Return the next event of one of `types`, skipping others. Raises PeerError for `error`, UnreachableError."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await self.receive()
                    if event.type in types:
                        return event
                    if event.type == "error":
                        raise PeerError(str(event.data.get("text", "")), event.data.get("code"))
        except TimeoutError as err:
            raise UnreachableError(f"{self.uri} has not answered for {seconds:g} s") from err

    async def wait_while_sending(self, sent: Coroutine[None, None, None], *types: str, seconds: float) -> Event:
        """Send until the end or the answer, and return the next event of one of `types`, `seconds` after that at most.

        Raises PeerError for `error`, UnreachableError.
        """
        answering = asyncio.create_task(self.wait_for(*types, seconds=None))
        sending = asyncio.create_task(sent)
        try:
            await asyncio.wait((answering, sending), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                sending.result()
            async with asyncio.timeout(seconds):
                return await answering
        except TimeoutError as err:
            raise UnreachableError(f"{self.uri} has not answered for {seconds:g} s") from err
        finally:
            for task in (answering, sending):
                task.cancel()
            await asyncio.gather(answering, sending, return_exceptions=True)


@asynccontextmanager
async def connect(uri: str, seconds: float = CONNECT_SECONDS) -> AsyncIterator[Client]:
    """Open a connection and close it at the end of the block. Raises ConfigError, UnreachableError."""
    stream = await _open_stream(uri, seconds)
    try:
        yield Client(uri, stream)
    finally:
        await stream.close()


async def describe(uri: str, seconds: float = DESCRIBE_SECONDS) -> Info:
    """Return the peer's info. Raises UnreachableError."""
    event = await fetch_info(uri, seconds)
    try:
        return Info.from_event(event)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise UnreachableError(f"{uri} sent an invalid info event") from err


async def fetch_info(uri: str, seconds: float = DESCRIBE_SECONDS) -> Event:
    """Return the peer's `info` event as received. Raises UnreachableError after at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            stream = await _open_stream(uri, seconds)
            try:
                peer = Client(uri, stream)
                await peer.send(Describe().event())
                event = await peer.wait_for("info", seconds=2 * seconds)
            except BaseException:
                stream.abort()  # an orderly close would exceed `seconds`
                raise
    except TimeoutError as err:
        raise UnreachableError(f"{uri} has not answered describe for {seconds:g} s; is the port right?") from err
    await stream.close()
    return event


async def _open_stream(uri: str, seconds: float) -> EventStream:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            match address.parse(uri):
                case address.Tcp(host, port):
                    return (
                        await loop.create_connection(EventStream, host, port, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
                    )[1]
                case address.Unix(path):
                    return (await loop.create_unix_connection(EventStream, path))[1]
                case address.Stdio():
                    raise ConfigError("stdio:// is only for a daemon to listen on; connect to tcp:// or unix://")
    except (OSError, TimeoutError) as err:
        raise UnreachableError(f"nothing answers at {uri}; is the daemon running there?") from err
