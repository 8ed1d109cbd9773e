"""Settings of every daemon: where it listens, who may connect, and how much each client may send."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie.http.server import LOOPBACK
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS
from wyoming_rosie.protocol.budgets import BudgetLimits


@dataclass(frozen=True)
class ServiceConfig:
    """Settings of every daemon."""

    uri: str = option(
        "tcp://127.0.0.1:0", "where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH or stdio://"
    )
    zeroconf: bool = option(True, "announce the daemon on the network, unless it listens on 127.0.0.1")
    name: str | None = option(None, "name on the network [default: the program's and this machine's]")
    allow: tuple[str, ...] = option(PRIVATE_NETWORKS, "networks that may connect, such as 192.168.1.0/24")
    peers: int = option(512, "connections at the same time")
    peers_per_address: int = option(64, "connections at the same time from one address")
    client_audio: float = option(
        BudgetLimits.audio, "seconds of audio per second from one client on another machine", minimum=2
    )
    client_requests: float = option(
        BudgetLimits.requests, "requests and connections per second from one client on another machine", minimum=10
    )
    client_turns: float = option(BudgetLimits.turns, "turns per second from one client on another machine", minimum=0.1)
    idle_seconds: float = option(60.0, "close a connection after this many seconds without an event")
    http_port: int | None = option(None, "serve /health and /metrics over HTTP on this port")
    http_host: str = option(LOOPBACK, "address for --http-port; 0.0.0.0 admits other machines")
    debug: bool = option(False, "log more, including what people say")
    tls_port: int | None = option(
        None, "port for members of the house, over TLS [default: that of --uri + 1000, if this program has an identity]"
    )
    plain: tuple[str, ...] = option(
        (),
        "machine that may connect without TLS although this program has an identity, by name or address, such as Home"
        " Assistant's; may be given again",
    )
    join: str | None = option(
        None,
        "become a member of a house at this start, by the code that `wyoming-rosie pair NAME` shows: CODE, CODE@HOST, or the"
        " address in its QR code; a code is for one use",
    )
    identity: Path | None = option(None, "folder of the identity in the house [default: in the user's state folder]")
    config: Path | None = option(None, "read this TOML file instead of the user's and the system's")

    @property
    def has_monitor(self) -> bool:
        """Whether metrics are served."""
        return self.http_port is not None
