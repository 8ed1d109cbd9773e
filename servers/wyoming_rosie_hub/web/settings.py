"""Settings of the hub's web server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wyoming_rosie.config import option
from wyoming_rosie.http.server import LOOPBACK

DEFAULT_PORT = 8000


@dataclass(frozen=True)
class WebConfig:
    """The HTTP API and the page."""

    enabled: Annotated[bool, Parameter(alias="--web")] = option(False, "serve the page and the HTTP API")
    host: str = option(LOOPBACK, "address to listen at; 0.0.0.0 admits other machines, which needs a password or key")
    port: int = option(DEFAULT_PORT, "port of the page and the HTTP API; 0 for any")
    names: tuple[str, ...] = option((), "another name of this machine, such as a proxy's; may be given again")
    proxy: tuple[str, ...] = option((), "address of a proxy whose X-Forwarded-For is believed; may be given again")
    tls: bool | None = option(
        None, "serve HTTPS with a certificate of the house [default: as soon as other machines can reach it]"
    )
    certificate: Path | None = option(None, "serve HTTPS with this certificate chain instead, in PEM")
    key: Path | None = option(None, "private key of --web.certificate, in PEM")
    opus: bool | None = option(
        None, "offer Opus to the page, needs the extra webrtc [default: as soon as other machines can reach it]"
    )
    webrtc: bool | None = option(
        None, "offer WebRTC to the page, needs the extra webrtc [default: as soon as other machines can reach it]"
    )
    stun: str = option("", "STUN server for WebRTC, such as stun:192.0.2.1:3478; none is needed at home")
    log_text: bool = option(False, "keep what was said and answered with the last turns, in memory only")
