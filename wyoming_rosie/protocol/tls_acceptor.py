"""TLS handshakes of a listener: bounded in time and number, beside the connections that are served."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import structlog
from wyoming.error import Error

from wyoming_rosie.errors import UntrustedPeerError
from wyoming_rosie.protocol.wire import EventStream, encode
from wyoming_rosie.trust import tls
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.tls import MemberCertificate

_LOG = structlog.get_logger()
HANDSHAKE_SECONDS = 5.0
MAX_HANDSHAKES = 512
MAX_HANDSHAKES_PER_ADDRESS = 64
LOG_SECONDS = 60.0
"""Failures of one address are logged once in this time."""
MAX_LOGGED = 256
WRONG_PORT = "this port speaks TLS between members of the house; connect by tls://, or to the plain port"


class TlsAcceptor:
    """Passes each connection whose peer has proved to be a member to `accept`, and others that speak TLS to `reject`."""

    def __init__(
        self,
        membership: Membership,
        accept: Callable[[EventStream, str, MemberCertificate], None],
        reject: Callable[[EventStream, UntrustedPeerError], None],
        on_failure: Callable[[], None],
        seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._membership = membership
        self._accept = accept
        self._reject = reject
        self._on_failure = on_failure
        self._handshakes: set[asyncio.Task[None]] = set()
        self._per_address: Counter[str] = Counter()
        self._logged_at: dict[str, float] = {}

    def create_protocol(self) -> asyncio.Protocol:
        """Return the protocol of a new connection, before its handshake."""
        return _Incoming(self._begin)

    async def close(self) -> None:
        """End the handshakes in progress."""
        handshakes = list(self._handshakes)
        for handshake in handshakes:
            handshake.cancel()
        await asyncio.gather(*handshakes, return_exceptions=True)

    def _begin(self, transport: asyncio.Transport) -> None:
        transport.pause_reading()  # until TLS reads
        name = transport.get_extra_info("peername")
        host = str(name[0]) if name else ""
        if len(self._handshakes) >= MAX_HANDSHAKES or self._per_address[host] >= MAX_HANDSHAKES_PER_ADDRESS:
            self._fail(host, "too many unfinished handshakes")
            transport.abort()
            return
        self._per_address[host] += 1
        handshake = asyncio.get_running_loop().create_task(self._shake_hands(transport, host))
        self._handshakes.add(handshake)
        handshake.add_done_callback(lambda ended: self._end(ended, host))

    def _end(self, handshake: asyncio.Task[None], host: str) -> None:
        self._handshakes.discard(handshake)
        self._per_address[host] -= 1
        if not self._per_address[host]:
            del self._per_address[host]

    async def _shake_hands(self, transport: asyncio.Transport, host: str) -> None:
        stream = EventStream()
        stream.is_tls = True  # a peer that leaves at once ends it before it is connected
        # TLS closes its socket when it fails; a copy remains to tell a plain peer why.
        with transport.get_extra_info("socket").dup() as raw:
            try:
                secured = await asyncio.get_running_loop().start_tls(
                    transport,
                    stream,
                    self._membership.server_context,
                    server_side=True,
                    ssl_handshake_timeout=self._seconds,
                )
            except OSError as err:
                self._fail(host, tls.explain(err))
                if isinstance(err, ssl.SSLError) and err.reason == tls.PLAIN_PEER:
                    _tell_plain_peer(raw)
                return
        if secured is None:  # closed at the same moment
            return
        stream.connection_made(secured)
        try:
            certificate = self._membership.verify(secured.get_extra_info("ssl_object"))
        except UntrustedPeerError as err:
            self._fail(host, str(err))
            self._reject(stream, err)
            return
        self._accept(stream, host, certificate)

    def _fail(self, host: str, reason: str) -> None:
        self._on_failure()
        now = asyncio.get_running_loop().time()
        if now - self._logged_at.get(host, -LOG_SECONDS) < LOG_SECONDS:
            return
        if len(self._logged_at) >= MAX_LOGGED:
            self._logged_at.clear()
        self._logged_at[host] = now
        _LOG.warning("TLS handshake failed", peer=host, reason=reason)


class _Incoming(asyncio.Protocol):
    """A connection until TLS takes it over."""

    def __init__(self, begin: Callable[[asyncio.Transport], None]) -> None:
        self._begin = begin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._begin(transport)


def _tell_plain_peer(raw: socket.socket) -> None:
    """Send a peer without TLS the reason why it is not served."""
    with suppress(OSError):
        raw.send(encode(Error(WRONG_PORT, "tls").event()))
