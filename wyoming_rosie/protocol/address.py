"""Addresses of Wyoming peers: `tcp://host:port`, `unix:///path` or `stdio://`."""

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
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else f"tcp://{self.host}:{self.port}"

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


Address: TypeAlias = Tcp | Unix | Stdio


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
        case "unix" if parts.netloc + parts.path:
            return Unix(parts.netloc + parts.path)
        case "stdio" if not parts.netloc:
            return Stdio()
    raise _invalid_address(uri)


def _invalid_address(uri: str) -> UsageError:
    return UsageError(f"'{uri}' is not an address; write tcp://HOST:PORT, unix:///PATH or stdio://")
