"""Wyoming client: connections to daemons and satellites."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager

from wyoming.event import Event
from wyoming.info import Describe, Info

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UnreachableError, UntrustedPeerError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.address import Address, Stdio, Tcp, Tls, Unix
from wyoming_rosie.protocol.wire import EventStream, encode
from wyoming_rosie.trust import membership as memberships
from wyoming_rosie.trust import tls
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.tls import MemberCertificate

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
    """One connection to a daemon or satellite; over TLS, `member` is the program that is there."""

    def __init__(self, uri: str, stream: EventStream, member: Member | None = None) -> None:
        self.uri = uri
        self.member = member
        self._stream = stream
        self._has_received = False
        self._untrusted: UntrustedPeerError | None = None

    def on_revoked(self, reason: UntrustedPeerError) -> None:
        """End the connection at once: its peer was revoked."""
        self._untrusted = reason
        self._stream.abort()

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
            raise self._closed() from err

    def abort(self) -> None:
        """Close the connection at once and drop unsent events."""
        self._stream.abort()

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
            raise self._closed()
        self._has_received = True
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

    def _closed(self) -> UnreachableError:
        """Return the reason why there is no connection any more."""
        if self._untrusted is not None:
            return UntrustedPeerError(f"{self.uri}: {self._untrusted}")
        if isinstance(self._stream.error, ssl.SSLError):
            return UntrustedPeerError(f"{self.uri} refused this program: {tls.explain(self._stream.error)}")
        if self.member is not None and not self._has_received:  # with TLS 1.3, a refusal comes after the handshake
            return UntrustedPeerError(f"{self.uri} refused this program after the handshake; its log says why")
        return UnreachableError(f"{self.uri} closed the connection")


@asynccontextmanager
async def connect(
    uri: str, seconds: float = CONNECT_SECONDS, *, role: str | None = None, membership: Membership | None = None
) -> AsyncIterator[Client]:
    """Open a connection and close it at the end of the block. Raises ConfigError, UnreachableError.

    At tls:// there must be a member of the house, and with `role` one of that role; else UntrustedPeerError is raised.
    `membership` is that of the process if it is not given.
    """
    where = address.parse(uri)
    if not isinstance(where, Tls):
        stream = await _open_stream(uri, where, seconds)
        try:
            yield Client(uri, stream)
        finally:
            await stream.close()
        return
    own = membership or memberships.require()
    stream = await _open_stream(uri, where, seconds, own.client_context)
    try:
        certificate = _verify(uri, stream, own, role)
        client = Client(uri, stream, own.member(certificate))
        with own.watching(certificate, client.on_revoked):
            yield client
    finally:
        await stream.close()


async def describe(uri: str, seconds: float = DESCRIBE_SECONDS, *, role: str | None = None) -> Info:
    """Return the peer's info. Raises UnreachableError."""
    event = await fetch_info(uri, seconds, role=role)
    try:
        return Info.from_event(event)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise UnreachableError(f"{uri} sent an invalid info event") from err


async def fetch_info(uri: str, seconds: float = DESCRIBE_SECONDS, *, role: str | None = None) -> Event:
    """Return the peer's `info` event as received. Raises UnreachableError after at most `seconds`; see `connect`."""
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(seconds):
                peer = await stack.enter_async_context(connect(uri, seconds, role=role))
                try:
                    await peer.send(Describe().event())
                    event = await peer.wait_for("info", seconds=2 * seconds)
                except BaseException:
                    peer.abort()  # an orderly close would exceed `seconds`
                    raise
            return event
    except TimeoutError as err:
        raise UnreachableError(f"{uri} has not answered describe for {seconds:g} s; is the port right?") from err


async def _open_stream(uri: str, where: Address, seconds: float, context: ssl.SSLContext | None = None) -> EventStream:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            match where:
                case Tcp(host, port):
                    connecting = loop.create_connection(
                        EventStream, host, port, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS
                    )
                case Tls(host, port):
                    connecting = loop.create_connection(
                        EventStream,
                        host,
                        port,
                        ssl=context,
                        server_hostname="",  # a member is told by its id, and needs no name in the clear
                        happy_eyeballs_delay=NEXT_ADDRESS_SECONDS,
                    )
                case Unix(path):
                    return (await loop.create_unix_connection(EventStream, path))[1]
                case Stdio():
                    raise ConfigError(
                        "stdio:// is only for a daemon to listen on; connect to tcp://, tls:// or unix://"
                    )
            return (await connecting)[1]
    except ssl.SSLError as err:
        raise UntrustedPeerError(_no_handshake(uri, tls.explain(err))) from err
    except TimeoutError as err:
        if isinstance(where, Tls):
            raise UnreachableError(_no_handshake(uri, f"it has not answered for {seconds:g} s")) from err
        raise _nobody(uri) from err
    except ConnectionRefusedError as err:
        raise _nobody(uri) from err
    except ConnectionError as err:
        raise UnreachableError(_no_handshake(uri, tls.explain(err)) if context else str(_nobody(uri))) from err
    except OSError as err:
        raise _nobody(uri) from err


def _nobody(uri: str) -> UnreachableError:
    return UnreachableError(f"nothing answers at {uri}; is the daemon running there?")


def _no_handshake(uri: str, reason: str) -> str:
    return f"no TLS with {uri}: {reason}; a program's TLS port is usually its plain port + {tls.PORT_OFFSET}"


def _verify(uri: str, stream: EventStream, own: Membership, role: str | None) -> MemberCertificate:
    try:
        return own.verify(stream.transport.get_extra_info("ssl_object"), role)
    except UntrustedPeerError as err:
        stream.abort()
        raise UntrustedPeerError(f"{uri}: {err}") from err
