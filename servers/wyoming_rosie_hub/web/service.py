"""Web service: opens the doors and serves the application while the hub runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.settings import WebConfig

_LOG = structlog.get_logger()


@asynccontextmanager
async def serve_web(settings: WebConfig, house: House) -> AsyncIterator[None]:
    """Serve the page and the HTTP API during the block. Raises ConfigError."""
    try:
        from wyoming_rosie_hub.web.application import create_application
        from wyoming_rosie_hub.web.server import serve_application
    except ImportError as err:
        raise ConfigError(f"--web: {err.name} is missing; run: {install_command(['web'])}") from err
    if not hosts.is_loopback(settings.host):
        raise ConfigError(f"--web.host {settings.host}: others can reach it; that needs a password or key")
    application = create_application(house, Doors(frozenset(settings.names)))
    async with serve_application(application, settings.host, settings.port) as bound:
        _LOG.info("page", uri=f"http://{bound.host}:{bound.port}")
        yield
