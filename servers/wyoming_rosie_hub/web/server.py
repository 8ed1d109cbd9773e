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
MAX_HEADER_BYTES = 16_384
MAX_MESSAGE_BYTES = 65_536
"""Largest WebSocket message."""
MAX_QUEUED_MESSAGES = 32
BACKLOG = 64


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """Return whether uvicorn reports more than that the guard refused a WebSocket, which is logged there."""
    return "without completing handshake" not in record.getMessage()


class _HubServer(uvicorn.Server):
    """Leaves signals to the hub, which ends the server as one of its tasks."""

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
    server = _HubServer(_create_config(application, settings, tls))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Tcp(settings.host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.wait({serving}, timeout=2 * STOP_SECONDS)
        serving.cancel()
        listener.close()


def _create_config(application: Any, settings: WebConfig, tls: ssl.SSLContext | None) -> uvicorn.Config:
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
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
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
