"""HTTP server of a daemon, with limits and without an access log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.address import Tcp

if TYPE_CHECKING:
    from aiohttp import web

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 16_384
KEEPALIVE_SECONDS = 15.0
"""A connection without a request is closed after it."""
STOP_SECONDS = 1.0


@asynccontextmanager
async def serve_http(
    application: "web.Application", host: str, port: int, flag: str, keepalive_seconds: float = KEEPALIVE_SECONDS
) -> AsyncIterator[Tcp]:
    """Serve during the block; yields the address in use, which a port 0 chooses. Raises ConfigError naming `flag`."""
    from aiohttp import web

    runner = web.AppRunner(
        application,
        access_log=None,
        keepalive_timeout=keepalive_seconds,
        shutdown_timeout=STOP_SECONDS,
        lingering_time=STOP_SECONDS,
    )
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port, backlog=16), flag)
        yield Tcp(host, runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def _listen(site: "web.TCPSite", flag: str) -> None:
    try:
        await site.start()
    except (OSError, OverflowError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ConfigError(f"{flag}: cannot listen at {site.name}: {reason}; choose another port") from err
