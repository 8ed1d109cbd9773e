"""Browser of Wyoming services on the network, announced by mDNS as `_wyoming._tcp.local.`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie.errors import RosieError, UntrustedPeerError
from wyoming_rosie.protocol import network_interfaces as own_interfaces
from wyoming_rosie.protocol.address import Tcp, Tls
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.discovery import SERVICE_TYPE, create_zeroconf, load_zeroconf
from wyoming_rosie.trust.membership import Membership

if TYPE_CHECKING:
    from zeroconf import ServiceStateChange

_LOG = structlog.get_logger()
LOOKUP_MILLISECONDS = 3000
MAX_LOOKUPS = 3
"""Attempts to look a service up; a busy device answers late."""
NEXT_ADDRESS_SECONDS = 0.25
"""Delay before the next address of a service is tried (RFC 8305)."""
ANSWER_SECONDS = 2.0
MAX_ADDRESSES = 16
MAX_PORT_DIGITS = 5
MAX_PROOFS = 3
PROOF_PAUSE_SECONDS = 2.0
"""Growth of the pause before a service is asked again for its certificate."""


@dataclass(frozen=True)
class DiscoveredService:
    """A Wyoming service on the network; `role` is empty for programs of other projects.

    `tls_port` is set once the service has proved there that it has this role in our house.
    """

    name: str
    host: str
    port: int
    role: str
    version: str
    tls_port: int | None = None

    @property
    def uri(self) -> str:
        return str(Tcp(self.host, self.port) if self.tls_port is None else Tls(self.host, self.tls_port))


class ServiceBrowser:
    """The services on the network now; use as `async with`.

    With the membership of a house, only those that have proved to be members of it, which are used over TLS.
    """

    def __init__(
        self,
        interfaces: Sequence[str] | None = None,
        membership: Membership | None = None,
        service_type: str = SERVICE_TYPE,
    ) -> None:
        self._interfaces = interfaces
        self._membership = membership
        self._service_type = service_type
        self._announced: set[str] = set()
        self._found: dict[str, DiscoveredService] = {}
        self._lookups: dict[str, asyncio.Task[None]] = {}  # by service name

    def services(self, role: str | None = None) -> list[DiscoveredService]:
        """Return the services of a role, or all, in the order of their names."""
        return sorted(
            (service for service in self._found.values() if role in (None, service.role)),
            key=lambda service: service.name,
        )

    def use(self, membership: Membership) -> None:
        """Find the services of a house that this process has just become a member of, and no others any more."""
        self._membership = membership
        self._found.clear()
        for name in self._announced:
            self._start_lookup(name)

    async def __aenter__(self) -> "ServiceBrowser":
        await load_zeroconf()
        from zeroconf.asyncio import AsyncServiceBrowser

        self._zeroconf = create_zeroconf(self._interfaces)
        self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, self._service_type, handlers=[self._on_change])
        return self

    async def __aexit__(self, *exception: object) -> None:
        lookups = list(self._lookups.values())
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)
        await self._browser.async_cancel()
        await self._zeroconf.async_close()

    def _on_change(self, *, name: str, state_change: "ServiceStateChange", **_: object) -> None:
        if state_change.name == "Removed":
            self._announced.discard(name)
            self._cancel_lookup(name)
            self._found.pop(name, None)
            return
        self._announced.add(name)
        self._start_lookup(name)

    def _cancel_lookup(self, name: str) -> None:
        if (earlier := self._lookups.pop(name, None)) is not None:
            earlier.cancel()

    def _start_lookup(self, name: str) -> None:
        self._cancel_lookup(name)
        lookup = asyncio.get_running_loop().create_task(self._lookup(name), name=name)
        self._lookups[name] = lookup
        lookup.add_done_callback(self._on_lookup_done)

    def _on_lookup_done(self, lookup: asyncio.Task[None]) -> None:
        if self._lookups.get(lookup.get_name()) is lookup:
            del self._lookups[lookup.get_name()]
        if not lookup.cancelled() and (failure := lookup.exception()) is not None:
            _LOG.warning("service lookup failed", reason=f"{type(failure).__name__}: {failure}")

    async def _lookup(self, name: str) -> None:
        from zeroconf.asyncio import AsyncServiceInfo

        record = AsyncServiceInfo(self._service_type, name)
        for _ in range(MAX_LOOKUPS):
            if await record.async_request(self._zeroconf.zeroconf, LOOKUP_MILLISECONDS):
                break
        addresses = record.parsed_scoped_addresses()
        if not addresses or not record.port:
            return
        properties = record.decoded_properties
        tls_port = None
        if self._membership is not None:
            tls_port = _member_port(properties, self._membership.house_id)
            if tls_port is None:
                return
        port = tls_port or record.port
        found = DiscoveredService(
            name.removesuffix(f".{self._service_type}"),
            await first_reachable(await asyncio.to_thread(_closest_first, addresses[:MAX_ADDRESSES]), port),
            record.port,
            properties.get("role") or "",
            properties.get("version") or "",
            tls_port,
        )
        if self._membership is None or await _proves_itself(found, self._membership):
            self._found[name] = found


async def find_services(
    seconds: float,
    role: str | None = None,
    interfaces: Sequence[str] | None = None,
    membership: Membership | None = None,
    service_type: str = SERVICE_TYPE,
) -> list[DiscoveredService]:
    """Return the services that answer within `seconds`; with a membership, those of its house."""
    async with ServiceBrowser(interfaces, membership, service_type) as browser:
        await asyncio.sleep(seconds)
        return browser.services(role)


async def first_reachable(hosts: Sequence[str], port: int, seconds: float = ANSWER_SECONDS) -> str:
    """Return the first address that accepts a connection, trying them one after the other; hosts[0] if none does."""
    if len(hosts) == 1:
        return hosts[0]
    tries = [
        asyncio.create_task(_try_connect(host, port, rank * NEXT_ADDRESS_SECONDS)) for rank, host in enumerate(hosts)
    ]
    try:
        for connecting in asyncio.as_completed(tries, timeout=seconds + len(hosts) * NEXT_ADDRESS_SECONDS):
            if host := await connecting:
                return host
    except TimeoutError:
        pass
    finally:
        for attempt in tries:
            attempt.cancel()
        await asyncio.gather(*tries, return_exceptions=True)
    return hosts[0]


def _member_port(properties: Mapping[str, str | None], house_id: str) -> int | None:
    """Return the port at which a service says to be a member of a house, None if it does not say so."""
    port = properties.get("tls") or ""
    is_port = port.isdecimal() and len(port) <= MAX_PORT_DIGITS
    return int(port) if is_port and properties.get("house") == house_id else None


async def _proves_itself(service: DiscoveredService, membership: Membership) -> bool:
    """Return whether a service has the certificate of a member of its role; a program that has just started answers late."""
    for attempt in range(MAX_PROOFS):
        await asyncio.sleep(attempt * PROOF_PAUSE_SECONDS)
        try:
            async with connect(service.uri, ANSWER_SECONDS, role=service.role, membership=membership):
                return True
        except UntrustedPeerError as err:
            _LOG.warning("announced service is not of this house", name=service.name, reason=str(err))
            return False
        except RosieError as err:
            reason = str(err)
    _LOG.warning("announced service has not proved to be of this house", name=service.name, reason=reason)
    return False


def _closest_first(hosts: Sequence[str]) -> list[str]:
    return own_interfaces.closest_first(hosts, own_interfaces.interface_addresses(), own_interfaces.interface_kind)


async def _try_connect(host: str, port: int, pause: float) -> str:
    """Return the host if it accepts a connection, else an empty string."""
    await asyncio.sleep(pause)
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return ""
    writer.close()
    return host
