"""HTTP server in the hub's event loop: uvicorn without signal handlers, log and lifespan of its own, and with limits."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_hub.web.settings import WebConfig

STOP_SECONDS = 2
KEEPALIVE_SECONDS = 15
MAX_CONNECTIONS = 512
MAX_CONNECTIONS_PER_ADDRESS = 256
"""Half of all, so that no single machine keeps the others out."""
REQUEST_SECONDS = 10.0
"""Time that a new connection has for its first request."""
UNREAD_MS = 20_000
"""Time after which the kernel drops a connection whose client acknowledges or reads nothing."""
MAX_OPENING = 256
"""Connections that have sent nothing yet, or whose TLS handshake is not over; a new one ends the oldest."""
MAX_OPENING_PER_ADDRESS = 128
ACCEPT_PAUSE_SECONDS = 0.1
TLS_HANDSHAKE = b"\x16"
"""First byte of a connection that begins with TLS (RFC 8446)."""
MAX_HEADER_BYTES = 16_384
MAX_MESSAGE_BYTES = 65_536
"""Largest WebSocket message."""
MAX_QUEUED_MESSAGES = 32
BACKLOG = 64


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Return whether uvicorn reports more than that the guard refused a WebSocket, which is logged there."""
    return "without completing handshake" not in record.getMessage()


class _HubServer(uvicorn.Server):
    """Leaves signals to the hub, which ends the server as one of its tasks, and connections to the acceptor."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _LimitedConnection(H11Protocol):
    """A connection that counts for its address, and ends unless its first request comes in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        super().connection_made(transport)
        if sum(_address_of(other) == _address_of(self) for other in self.connections) > MAX_CONNECTIONS_PER_ADDRESS:
            transport.abort()
        else:
            self.loop.call_later(REQUEST_SECONDS, self._end_silent)

    def _end_silent(self) -> None:
        scope: Any = self.scope  # None before the first request
        if scope is None and not self.transport.is_closing():
            self.transport.abort()


@asynccontextmanager
async def serve_application(
    application: Any, settings: WebConfig, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Tcp]:
    """Serve an ASGI application during the block; yields the address in use. Raises ConfigError if it is taken."""
    listener = _listen(settings.host, settings.port)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
    server = _HubServer(_create_config(application, settings))
    serving = asyncio.create_task(server.serve(sockets=[]))  # the acceptor gives it its connections
    try:
        async with run_beside(_Acceptor(listener, server, tls).run()):
            yield Tcp(settings.host, listener.getsockname()[1])
    finally:
        listener.close()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.wait({serving}, timeout=2 * STOP_SECONDS)
        serving.cancel()


class _Acceptor:
    """Accepts connections within limits. With TLS, one that begins as plain HTTP is served too: with the way to HTTPS."""

    def __init__(self, listener: socket.socket, server: _HubServer, tls: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._server = server
        self._tls = tls
        self._opening: dict[asyncio.Task[None], str] = {}  # the address of each connection that is being opened

    async def run(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        await self._server.has_started.wait()
        try:
            while True:
                try:
                    connection, peer = await loop.sock_accept(self._listener)
                except OSError:  # of this connection, or too many files are open
                    await asyncio.sleep(ACCEPT_PAUSE_SECONDS)
                    continue
                self._start(connection, str(peer[0]))
        finally:
            for task in self._opening:
                task.cancel()

    def _start(self, connection: socket.socket, address: str) -> None:
        if list(self._opening.values()).count(address) >= MAX_OPENING_PER_ADDRESS:
            connection.close()
            return
        if len(self._opening) >= MAX_OPENING:
            next(iter(self._opening)).cancel()  # the one that has been silent for longest
        task = asyncio.get_running_loop().create_task(self._open(connection))
        self._opening[task] = address
        task.add_done_callback(self._opening.pop)

    async def _open(self, connection: socket.socket) -> None:
        """Give a connection to the server once its first byte is there, which says whether it is TLS."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await _wait_readable(connection)
            is_tls = self._tls is not None and connection.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE
            context = self._tls if is_tls else None
            seconds = REQUEST_SECONDS if is_tls else None
            await loop.connect_accepted_socket(
                self._create_protocol, connection, ssl=context, ssl_handshake_timeout=seconds
            )
        except (OSError, TimeoutError):  # the client's failure, such as one that does not trust the certificate
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _create_protocol(self) -> asyncio.Protocol:
        state = self._server.lifespan.state
        return _LimitedConnection(self._server.config, self._server.server_state, state)


async def _wait_readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _resolve, readable)
    try:
        await readable
    finally:
        loop.remove_reader(connection)


def _resolve(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


def _create_config(application: Any, settings: WebConfig) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_LimitedConnection,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.proxy),  # a header must not choose the address that limits apply to
        forwarded_allow_ips=list(settings.proxy),
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEPALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_max_queue=MAX_QUEUED_MESSAGES,
        ws_per_message_deflate=False,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except (OSError, OverflowError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ConfigError(f"--web: cannot listen at {host}:{port}: {reason}; choose another --web.port") from err
    return listener


def _address_of(connection: Any) -> str:
    """Return the peer's address of an HTTP connection or a WebSocket."""
    peer = connection.transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
