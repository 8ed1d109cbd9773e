"""A hub with its web server, and a client of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.conftest import StartDaemon
from tests.daemons import Daemon


@asynccontextmanager
async def open_web(daemon: StartDaemon, *flags: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Start a hub with `--web` and these flags; yields a client of its address."""
    hub = await daemon("hub", "--no-zeroconf", "--web", "--web.port", "0", *flags)
    async with aiohttp.ClientSession(await page_of(hub), timeout=aiohttp.ClientTimeout(60)) as client:
        yield client


async def page_of(hub: Daemon) -> str:
    """Return the address of a hub's page."""
    return str((await hub.wait_for_line("page"))["uri"])
