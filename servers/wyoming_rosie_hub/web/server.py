"""HTTP server in the hub's event loop: uvicorn without signal handlers, log and lifespan of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.address import Tcp

STOP_SECONDS = 2
KEEPALIVE_SECONDS = 15
MAX_CONNECTIONS = 256
MAX_HEADER_BYTES = 16_384
MAX_MESSAGE_BYTES = 65_536
"""Largest WebSocket message."""
MAX_QUEUED_MESSAGES = 32
BACKLOG = 64


class _HubServer(uvicorn.Server):
    """Leaves signals to the hub, which ends the server as one of its tasks."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve_application(application: Any, host: str, port: int) -> AsyncIterator[Tcp]:
    """Serve an ASGI application during the block; yields the address in use. Raises ConfigError if it is taken."""
    listener = _listen(host, port)
    server = _HubServer(_create_config(application))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Tcp(host, listener.getsockname()[1])
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await asyncio.wait({serving}, timeout=2 * STOP_SECONDS)
        serving.cancel()
        listener.close()


def _create_config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http="h11",
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # a header must not choose the address that limits apply to
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
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except (OSError, OverflowError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ConfigError(f"--web: cannot listen at {host}:{port}: {reason}; choose another --web.port") from err
    return listener
