"""A hub with its web server, and clients of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

PASSWORD = "correct horse battery"


@asynccontextmanager
async def open_web(daemon: StartDaemon, *flags: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Start a hub with `--web` and these flags; yields a client of its address."""
    hub = await start_web(daemon, *flags)
    async with aiohttp.ClientSession(await page_of(hub), timeout=aiohttp.ClientTimeout(60)) as client:
        yield client


async def start_web(daemon: StartDaemon, *flags: str) -> Daemon:
    """Start a hub with `--web` and these flags."""
    return await daemon("hub", "--no-zeroconf", "--web", "--web.port", "0", *flags)


async def page_of(hub: Daemon) -> str:
    """Return the address of a hub's page."""
    return str((await hub.wait_for_line("page"))["uri"])


@dataclass(frozen=True)
class Credentials:
    """The secrets of a house with a password and three keys."""

    folder: Path
    access: Access
    tablet: str  # of the kitchen: talk and read
    monitor: str  # read alone
    admin: str


def create_credentials(folder: Path) -> Credentials:
    """Write a house's keys and password to a hub's data folder."""
    tablet_access, tablet = Access().add_key("kitchen-tablet", (*TALK_SCOPES, Scope.READ), "Kitchen")
    monitor_access, monitor = tablet_access.add_key("monitor", (Scope.READ,))
    admin_access, admin = monitor_access.add_key("script", tuple(Scope))
    secured = admin_access.with_password(PASSWORD)
    access.save(folder / access.FILE_NAME, secured)
    return Credentials(folder, secured, tablet, monitor, admin)


def bearer(secret: str) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"Authorization": f"Bearer {secret}"}
