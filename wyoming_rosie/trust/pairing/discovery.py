"""Hubs that show a pairing code, found by mDNS: `_rosie-pair._tcp.local.` with the code's nameplate."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming_rosie.protocol import discovery
from wyoming_rosie.protocol import network_interfaces as own_interfaces
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.discovery import ServiceAnnouncement, announce_service

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncZeroconf

SERVICE_TYPE = "_rosie-pair._tcp.local."
NAMEPLATE = "nameplate"
LOOKUP_MILLISECONDS = 3000
MAX_FOUND = 64
MAX_ADDRESSES = 8


@dataclass(frozen=True)
class FoundHub:
    """A hub that shows a code, with the addresses to try, the closest first. Whoever announces itself may be a stranger."""

    name: str
    nameplate: str
    hosts: Sequence[str]
    port: int


@asynccontextmanager
async def announce(nameplate: str, bound: Tcp) -> AsyncIterator[None]:
    """Announce during the block that a code with this nameplate is shown here."""
    service = ServiceAnnouncement(f"rosie-pair-{nameplate}", {NAMEPLATE: nameplate}, SERVICE_TYPE)
    async with announce_service(service, bound):
        yield


@asynccontextmanager
async def find_hubs() -> "AsyncIterator[asyncio.Queue[FoundHub]]":
    """Look for hubs during the block, and put each into the queue, which drops those beyond MAX_FOUND."""
    await discovery.load_zeroconf()
    from zeroconf.asyncio import AsyncServiceBrowser

    found: asyncio.Queue[FoundHub] = asyncio.Queue(MAX_FOUND)
    lookups: set[asyncio.Task[None]] = set()
    zeroconf = discovery.create_zeroconf(None)

    def on_change(*, name: str, state_change: "ServiceStateChange", **_: object) -> None:
        if state_change.name != "Removed" and len(lookups) < MAX_FOUND:
            lookup = asyncio.get_running_loop().create_task(_look_up(zeroconf, name, found))
            lookups.add(lookup)
            lookup.add_done_callback(lookups.discard)

    browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE_TYPE, handlers=[on_change])
    try:
        yield found
    finally:
        open_lookups = list(lookups)
        for lookup in open_lookups:
            lookup.cancel()
        await asyncio.gather(*open_lookups, return_exceptions=True)
        await browser.async_cancel()
        await zeroconf.async_close()


async def _look_up(zeroconf: "AsyncZeroconf", name: str, found: "asyncio.Queue[FoundHub]") -> None:
    from zeroconf.asyncio import AsyncServiceInfo

    record = AsyncServiceInfo(SERVICE_TYPE, name)
    await record.async_request(zeroconf.zeroconf, LOOKUP_MILLISECONDS)
    addresses, nameplate = record.parsed_scoped_addresses(), record.decoded_properties.get(NAMEPLATE)
    if addresses and record.port and nameplate and not found.full():
        hosts = await asyncio.to_thread(_closest_first, addresses[:MAX_ADDRESSES])
        found.put_nowait(FoundHub(name.removesuffix(f".{SERVICE_TYPE}"), nameplate, hosts, record.port))


def _closest_first(hosts: Sequence[str]) -> list[str]:
    return own_interfaces.closest_first(hosts, own_interfaces.interface_addresses(), own_interfaces.interface_kind)
