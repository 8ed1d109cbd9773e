"""Listeners of a program: its address, beside it that for TLS, and what mDNS tells of them."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import address, admitting_socket
from wyoming_rosie.protocol.address import Address, Tcp, Tls
from wyoming_rosie.protocol.admitting_socket import Admits, AdmittingSocket
from wyoming_rosie.runtime import systemd
from wyoming_rosie.trust import tls
from wyoming_rosie.trust.membership import Membership

BACKLOG = 256
MAX_PORT = 65_535


@dataclass(frozen=True)
class Listeners:
    """The addresses in use of a program; `tls` is the one for members, which `main` may be, too."""

    main: Address
    tls: Tls | None
    house_id: str | None

    @property
    def announced(self) -> Tcp | None:
        """The address to announce on the network, None for one that only this machine reaches."""
        if not isinstance(self.main, Tcp | Tls) or self.main.is_loopback:
            return None
        return Tcp(self.main.host, self.main.port)

    @property
    def properties(self) -> dict[str, str]:
        """The records by which members of the house find the address for them."""
        return {} if self.tls is None or self.house_id is None else {"tls": str(self.tls.port), "house": self.house_id}


def tls_address(main: Address, tls_port: int | None, *, is_member: bool) -> Tls | None:
    """Return where a program that listens at `main` listens for members as well. Raises ConfigError."""
    if not is_member:
        if tls_port is not None or isinstance(main, Tls):
            raise ConfigError(
                "TLS needs an identity of the house, and this program has none; "
                "`wyoming-rosie pair NAME` on the hub's machine tells how to join"
            )
        return None
    if not isinstance(main, Tcp) or (main.is_loopback and tls_port is None):
        return None
    port = tls_port if tls_port is not None else main.port and main.port + tls.PORT_OFFSET
    if port > MAX_PORT:
        raise ConfigError(f"there is no port {port} for TLS; choose one with --tls-port")
    return Tls(main.host, port)


class Server:
    """The listening sockets of an address, each served by the event loop."""

    def __init__(self, servers: Sequence[asyncio.Server]) -> None:
        self._servers = servers

    @property
    def name(self) -> Any:
        """The name of the first socket: host and port, or a path."""
        return self._servers[0].sockets[0].getsockname()

    def close(self) -> None:
        """Accept no more connections."""
        for server in self._servers:
            server.close()


async def open_server(
    requested: Address,
    create_protocol: Callable[[], asyncio.BaseProtocol],
    admits: Admits,
    *,
    takes_systemd_socket: bool = True,
) -> Server:
    """Listen at an address. Raises OSError, OverflowError; ConfigError for stdio://."""
    loop = asyncio.get_running_loop()
    if isinstance(requested, address.Stdio):
        raise ConfigError("stdio:// is served by serve_stdio")
    if isinstance(requested, address.Unix):
        return Server([await loop.create_unix_server(create_protocol, requested.path)])
    if takes_systemd_socket and (opened := systemd.take_socket()) is not None:
        bound = [admitting_socket.adopt(opened, admits)]
    else:
        bound = await _bind(requested, admits)
    return Server([await loop.create_server(create_protocol, sock=one, backlog=BACKLOG) for one in bound])


async def _bind(requested: Tcp | Tls, admits: Admits) -> list[AdmittingSocket]:
    infos = await asyncio.get_running_loop().getaddrinfo(
        requested.host, requested.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    bound: list[AdmittingSocket] = []
    try:
        for info in dict.fromkeys(infos):
            bound.append(admitting_socket.bind(info, admits))
    except OSError:
        for one in bound:
            one.close()
        raise
    return bound


def bound_address(requested: Address, server: Server) -> Address:
    """Return the address in use: systemd's socket may have another one than the setting, and port 0 is any."""
    if not isinstance(requested, Tcp | Tls):
        return requested
    name = server.name
    host = requested.host if name[1] == requested.port or not requested.port else name[0]
    return type(requested)(host, name[1])


def describe_bind_error(err: OSError | OverflowError) -> str:
    """Return the reason without asyncio's repetition of the address."""
    if not isinstance(err, OSError) or err.errno is None:
        return str(err)
    if err.errno == errno.EADDRINUSE:
        return "another program listens there; ss -ltnp shows which"
    return os.strerror(err.errno)


def house_of(membership: Membership | None) -> str | None:
    """Return the id of the house of a process, None if it belongs to none."""
    return None if membership is None else membership.house_id
