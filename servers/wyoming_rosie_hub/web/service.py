"""Web service: opens the doors and serves the application while the hub runs."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_hub.web.access_file import AccessFile
from wyoming_rosie_hub.web.doors import Doors, own_names
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.settings import WebConfig
from wyoming_rosie_hub.web.tls import create_tls
from wyoming_rosie_hub.web.transports import can_be_reached, create_offer

_LOG = structlog.get_logger()


@asynccontextmanager
async def serve_web(settings: WebConfig, house: House, folder: Path) -> AsyncIterator[None]:
    """Serve the page and the HTTP API during the block; keys and password are in `folder`. Raises ConfigError."""
    try:
        from wyoming_rosie_hub.web.application import create_application
        from wyoming_rosie_hub.web.server import serve_application
        from wyoming_rosie_hub.web.trust_code import find_address, format_trust_uri, show_in_terminal
    except ImportError as err:
        raise ConfigError(f"--web: {err.name} is missing; run: {install_command(['web'])}") from err
    path = folder / access.FILE_NAME
    names = own_names(settings.names)
    offer = create_offer(settings)
    doors = Doors(await asyncio.to_thread(access.load, path), names, PasswordVerifier().verify)
    file = AccessFile(path, doors)
    check_doors(settings, doors.access)
    tls = create_tls(settings, folder, {*names, hosts.LOCALHOST})
    async with AsyncExitStack() as stack:
        if tls is not None:
            await tls.load()
            await stack.enter_async_context(run_beside(tls.renew()))
        authority = tls.authority if tls else None
        address = await asyncio.to_thread(find_address, settings)
        application = create_application(house, doors, file, offer, authority, address, has_tls=tls is not None)
        context = tls.context if tls else None
        bound = await stack.enter_async_context(serve_application(application, settings, context))
        await stack.enter_async_context(run_beside(file.watch()))
        await stack.enter_async_context(run_beside(house.watch()))
        await stack.enter_async_context(run_beside(house.model_answers.run()))
        uri = f"{'https' if tls else 'http'}://{bound.host}:{bound.port}"
        _LOG.info("page", uri=uri, **({"trust": f"{uri}/ca"} if authority else {}))
        if authority and address:
            await asyncio.to_thread(show_in_terminal, format_trust_uri(address, bound.port), sys.stderr)
        yield


def check_doors(settings: WebConfig, given: Access) -> None:
    """Raise ConfigError if other machines can reach what has neither password nor key."""
    if given.is_open and can_be_reached(settings):
        flag = f"--web.host {settings.host}" if not hosts.is_loopback(settings.host) else "--web.names or --web.proxy"
        raise ConfigError(
            f"{flag}: others can reach the page; first run `wyoming-rosie key password`, or `wyoming-rosie key add NAME`"
        )


class PasswordVerifier:
    """Verifies passwords on a thread, one at a time, so that guesses cannot take the processor; keeps the last right one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._verified = ""

    async def verify(self, given: Access, password: str) -> bool:
        """Return whether this is the administrator's password."""
        known = f"{given.session_secret}{given.password_hash}{password}"
        digest = hashlib.sha256(known.encode(errors="surrogateescape")).hexdigest()
        if digest == self._verified:
            return True
        async with self._lock:
            is_right = await asyncio.to_thread(given.verify_password, password)
        if is_right:
            self._verified = digest
        return is_right
