"""Admission: of connections by their address, and of their events by the rights of their peer."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.protocol.hosts import IpAddress, parse_ip
from wyoming_rosie.trust import rights
from wyoming_rosie.trust.peer import Peer

_LOG = structlog.get_logger()
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
PRIVATE_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
LOOKUP_SECONDS = 5.0
REFRESH_SECONDS = 60.0
"""Pause between two look-ups of the names of machines, whose addresses may change."""


def parse_networks(values: tuple[str, ...], option_name: str = "--allow") -> tuple[Network, ...]:
    """Return the networks of an option. Raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(network) for network in values)
    except ValueError as err:
        raise ConfigError(f"{option_name}: {err}; write networks such as 192.168.1.0/24") from err


def is_allowed(host: str, allowed: tuple[Network, ...]) -> bool:
    """Return whether an address is in one of the networks."""
    ip = parse_ip(host)
    return ip is not None and any(ip in network for network in allowed)


def create_authorize(role: str, find_peer: Callable[[], Peer]) -> Callable[[Event], Event]:
    """Return a function that returns an event as a program of a role takes it from a peer, by its rights now.

    It raises BadEventError for one that the peer may not send.
    """

    def authorize(event: Event) -> Event:
        peer = find_peer()
        if (refusal := rights.find_refusal(peer, role, event)) is not None:
            _LOG.warning("peer was refused", type=event.type, reason=refusal)
            raise BadEventError(refusal, "forbidden")
        return rights.restate(peer, event)

    return authorize


class PlainHosts:
    """The machines of `--plain`, which may connect without TLS: their names, and the addresses that these lead to."""

    def __init__(
        self,
        names: tuple[str, ...],
        look_up: Callable[[str], Awaitable[Collection[IpAddress]]] | None = None,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self._fixed = {ip for name in names if (ip := parse_ip(name)) is not None}
        self._found: dict[str, Collection[IpAddress]] = {name: () for name in names if parse_ip(name) is None}
        self._unknown: set[str] = set()  # names that led nowhere at the last look-up
        self._look_up = look_up or look_up_addresses
        self._refresh_seconds = refresh_seconds

    def admits(self, host: str) -> bool:
        ip = parse_ip(host)
        return ip is not None and (ip in self._fixed or any(ip in found for found in self._found.values()))

    async def refresh(self) -> None:
        """Look up the names now, then again and again, until cancelled."""
        while self._found:
            await asyncio.gather(*(self._refresh(name) for name in self._found))
            await asyncio.sleep(self._refresh_seconds)

    async def _refresh(self, name: str) -> None:
        """Look up a name; while nobody answers, its last addresses hold."""
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                self._found[name] = await self._look_up(name)
        except (OSError, TimeoutError) as err:
            if name not in self._unknown:
                next_step = "check the name, or give --plain the address"
                reason = str(err) or "no answer"
                _LOG.warning("a name of --plain leads to no address", name=name, reason=reason, next=next_step)
            self._unknown.add(name)
        else:
            self._unknown.discard(name)


async def look_up_addresses(name: str) -> Collection[IpAddress]:
    """Return the addresses to which a name leads. Raises OSError."""
    answers = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return {ip for answer in answers if (ip := parse_ip(str(answer[4][0]))) is not None}
