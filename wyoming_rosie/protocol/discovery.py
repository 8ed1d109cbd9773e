"""Discovery by mDNS: announce a daemon as `_wyoming._tcp.local.`; `service_browser.py` looks for others.

Home Assistant connects to the announced address and remembers the instance name. The address must be reachable from
other machines; the name must not change with the engine, the port or a restart.
"""

import asyncio
import hashlib
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie import __version__
from wyoming_rosie.protocol import announced_names
from wyoming_rosie.protocol import network_interfaces as own_interfaces
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.hosts import parse_ip
from wyoming_rosie.runtime.backoff import Backoff

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

_LOG = structlog.get_logger()
SERVICE_TYPE = "_wyoming._tcp.local."
TTL_SECONDS = 120
NAME_CHECK_MILLISECONDS = 1500
"""Wait for a conflict: longer than a responder waits before it multicasts an answer again (RFC 6762, 6)."""
ADDRESS_CHECK_SECONDS = 30.0
MAX_PAUSE_SECONDS = 60.0
MAX_NAME_BYTES = 63  # bytes of one DNS label


@dataclass(frozen=True)
class ServiceAnnouncement:
    """A service to announce; its host name is derived from its name unless it has one of its own."""

    name: str
    properties: Mapping[str, str]
    service_type: str = SERVICE_TYPE
    host_name: str | None = None


@asynccontextmanager
async def announce(
    role: str,
    name: str | None,
    bound: Tcp,
    interfaces: Sequence[str] | None = None,
    when: asyncio.Event | None = None,
    properties: Mapping[str, str] | None = None,
) -> AsyncIterator[None]:
    """Announce a daemon during the block, and again after each change of this machine's addresses.

    `properties` are more records of the service. With `when`, announce it only after that event is set.
    """
    records = {"role": role, "version": __version__, **(properties or {})}
    service = ServiceAnnouncement(name or instance_name(role), records)
    async with announce_service(service, bound, interfaces, when):
        yield


@asynccontextmanager
async def announce_service(
    service: ServiceAnnouncement,
    bound: Tcp,
    interfaces: Sequence[str] | None = None,
    when: asyncio.Event | None = None,
) -> AsyncIterator[None]:
    """Announce any service during the block, as `announce` does."""
    announcer = asyncio.create_task(_announce_always(service, bound, interfaces, when))
    try:
        yield
    finally:
        announcer.cancel()
        await asyncio.wait([announcer])


def instance_name(role: str) -> str:
    """Return the daemon's stable name: role, host name and a hash of the machine ID, as host names repeat."""
    host = socket.gethostname().partition(".")[0] or "host"
    suffix = f"-{hashlib.sha256(machine_id()).hexdigest()[:6]}"
    return f"rosie-{role}-{host}"[: MAX_NAME_BYTES - len(suffix)] + suffix


def usable_addresses(bound: str, local_ips: Iterable[str]) -> list[str]:
    """Return the addresses at which peers reach a daemon bound to `bound` on a machine with the addresses `local_ips`.

    0.0.0.0 stands for all own IPv4 addresses and :: for all own addresses, in their order. Loopback addresses are left
    out, link-local ones unless there are no others.
    """
    bound_ip = ipaddress.ip_address(bound)
    if not bound_ip.is_unspecified:
        return [] if bound_ip.is_loopback else [bound]
    addresses = dict.fromkeys(ipaddress.ip_address(ip) for ip in local_ips)
    reachable = [
        ip for ip in addresses if not ip.is_loopback and ip.version in ((4,) if bound_ip.version == 4 else (4, 6))
    ]
    return [str(ip) for ip in ([ip for ip in reachable if not ip.is_link_local] or reachable)]


async def _announce_always(
    service: ServiceAnnouncement, bound: Tcp, interfaces: Sequence[str] | None, when: asyncio.Event | None
) -> None:
    if when is not None:
        await when.wait()
    backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
    while True:
        try:
            await load_zeroconf()
            await _announce_until_change(service, bound, interfaces)
            backoff.reset()
        except Exception as err:  # noqa: BLE001 - the edge of the library: a daemon works without being announced
            pause = backoff.next_pause()
            reason = f"{type(err).__name__}: {err}"
            _LOG.warning("not announced", name=service.name, reason=reason, again_seconds=round(pause, 1))
            await asyncio.sleep(pause)


async def _announce_until_change(service: ServiceAnnouncement, bound: Tcp, interfaces: Sequence[str] | None) -> None:
    """Announce a service until its reachable addresses change."""
    addresses = await _get_addresses(bound)
    async with AsyncExitStack() as stack:
        if addresses:
            await stack.enter_async_context(_register_service(service, addresses, bound.port, interfaces))
        else:
            _LOG.warning("no address to announce yet", host=bound.host)
        while await _get_addresses(bound) == addresses:  # noqa: ASYNC110 - no event signals a new address
            await asyncio.sleep(ADDRESS_CHECK_SECONDS)


@asynccontextmanager
async def _register_service(
    service: ServiceAnnouncement, addresses: list[str], port: int, interfaces: Sequence[str] | None
) -> AsyncIterator[None]:
    """Announce under this name, or the first free one after it, during the block."""
    zeroconf = create_zeroconf(interfaces)
    try:
        record = await _register_name(zeroconf, service, addresses, port)
        _LOG.info("announced", name=record.get_name(), addresses=addresses, port=port)
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def _register_name(
    zeroconf: "AsyncZeroconf", service: ServiceAnnouncement, addresses: list[str], port: int
) -> "AsyncServiceInfo":
    """Announce under the first free name, and save that name. Raises NonUniqueNameException if none is free."""
    from zeroconf import NonUniqueNameException

    name = service.name
    names = announced_names.candidates(name, await asyncio.to_thread(announced_names.load_name, name, port))
    for candidate in names:
        if await _is_name_in_use(zeroconf, candidate, service.service_type):
            continue
        record = _service_info(replace(service, name=candidate), addresses, port)
        with suppress(NonUniqueNameException):
            await zeroconf.async_register_service(record, ttl=TTL_SECONDS)
            await asyncio.to_thread(announced_names.save_name, name, port, candidate)
            return record
    raise NonUniqueNameException(f"{len(names)} devices are named {name}")


async def _is_name_in_use(zeroconf: "AsyncZeroconf", name: str, service_type: str) -> bool:
    """Return whether a service has this name; zeroconf's own check is too short for a responder that has just answered."""
    from zeroconf.asyncio import AsyncServiceInfo

    return await AsyncServiceInfo(service_type, f"{name}.{service_type}").async_request(
        zeroconf.zeroconf, NAME_CHECK_MILLISECONDS
    )


def _service_info(service: ServiceAnnouncement, addresses: list[str], port: int) -> "AsyncServiceInfo":
    from zeroconf.asyncio import AsyncServiceInfo

    return AsyncServiceInfo(
        service.service_type,
        f"{service.name}.{service.service_type}",
        port=port,
        parsed_addresses=addresses,
        properties=dict(service.properties),
        server=f"{service.host_name or _host_name(service.name)}.local.",
    )


def _host_name(name: str) -> str:
    """Return the host name of a service: each service has its own, since each has its own addresses."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{plain[:40] or 'rosie'}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


async def _get_addresses(bound: Tcp) -> list[str]:
    if parse_ip(bound.host) is None:
        return await _resolve_host(bound)
    return usable_addresses(bound.host, await asyncio.to_thread(own_interfaces.addresses))


async def _resolve_host(bound: Tcp) -> list[str]:
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(bound.host, bound.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    found = [str(answer[4][0]) for answer in answers]
    return [ip for ip in found if usable_addresses(ip, ())]


def machine_id() -> bytes:
    """Return what tells this machine from others, however it is named."""
    with suppress(OSError):
        return Path("/etc/machine-id").read_bytes().strip()
    return b"".join(path.read_bytes() for path in sorted(Path("/sys/class/net").glob("*/address")))


async def load_zeroconf() -> None:
    """Import zeroconf in a thread, and only where it is needed: it takes 6 MB."""
    await asyncio.to_thread(import_module, "zeroconf.asyncio")


def create_zeroconf(interfaces: Sequence[str] | None) -> "AsyncZeroconf":
    """Return a responder on some interfaces, or all; `load_zeroconf` comes first. Raises OSError without a network."""
    from zeroconf import InterfaceChoice, IPVersion
    from zeroconf.asyncio import AsyncZeroconf

    if interfaces is not None:
        return AsyncZeroconf(interfaces=list(interfaces))
    try:
        return AsyncZeroconf(interfaces=InterfaceChoice.All, ip_version=IPVersion.All)
    except OSError:  # no IPv6 on this machine
        return AsyncZeroconf(interfaces=InterfaceChoice.All)
