"""Listeners of a program: its address, beside it that for TLS, and what mDNS tells of them."""

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.address import Address, Tcp, Tls
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


async def open_server(
    requested: Address, create_protocol: Callable[[], asyncio.BaseProtocol], *, takes_systemd_socket: bool = True
) -> asyncio.Server:
    """Listen at an address. Raises OSError, OverflowError; ConfigError for stdio://."""
    loop = asyncio.get_running_loop()
    match requested:
        case Tcp() | Tls() if takes_systemd_socket and (opened := systemd.take_socket()) is not None:
            return await loop.create_server(create_protocol, sock=opened, backlog=BACKLOG)
        case Tcp(host, port) | Tls(host, port):
            return await loop.create_server(create_protocol, host, port, backlog=BACKLOG)
        case address.Unix(path):
            return await loop.create_unix_server(create_protocol, path)
        case address.Stdio():
            raise ConfigError("stdio:// is served by serve_stdio")


def bound_address(requested: Address, server: asyncio.Server) -> Address:
    """Return the address in use: systemd's socket may have another one than the setting, and port 0 is any."""
    if not isinstance(requested, Tcp | Tls):
        return requested
    name = server.sockets[0].getsockname()
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
