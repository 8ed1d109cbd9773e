"""Addresses of Wyoming peers: `tcp://host:port`, `tls://host:port`, `unix:///path` or `stdio://`."""

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from wyoming_rosie.errors import UsageError
from wyoming_rosie.protocol import hosts


@dataclass(frozen=True)
class Tcp:
    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp://{_format_location(self.host, self.port)}"

    @property
    def is_loopback(self) -> bool:
        return hosts.is_loopback(self.host)


@dataclass(frozen=True)
class Tls:
    """TLS between members of a house."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"tls://{_format_location(self.host, self.port)}"

    @property
    def is_loopback(self) -> bool:
        return hosts.is_loopback(self.host)


@dataclass(frozen=True)
class Unix:
    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


@dataclass(frozen=True)
class Stdio:
    def __str__(self) -> str:
        return "stdio://"


Address: TypeAlias = Tcp | Tls | Unix | Stdio


def parse(uri: str) -> Address:
    """Return the address that `uri` names. Raises UsageError."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as err:
        raise _invalid_address(uri) from err
    match parts.scheme:
        case "tcp" if parts.hostname and port is not None and not parts.path.strip("/"):
            return Tcp(parts.hostname, port)
        case "tls" if parts.hostname and port is not None and not parts.path.strip("/"):
            return Tls(parts.hostname, port)
        case "unix" if parts.netloc + parts.path:
            return Unix(parts.netloc + parts.path)
        case "stdio" if not parts.netloc:
            return Stdio()
    raise _invalid_address(uri)


def _format_location(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _invalid_address(uri: str) -> UsageError:
    return UsageError(f"'{uri}' is not an address; write tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://")
