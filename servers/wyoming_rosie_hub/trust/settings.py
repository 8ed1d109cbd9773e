"""Settings of the trust service."""

from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.errors import UsageError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.address import Tls
from wyoming_rosie.trust.messages import SERVICE_PORT

OFF = "off"
DEFAULT_URI = f"tls://0.0.0.0:{SERVICE_PORT}"


@dataclass(frozen=True)
class TrustSettings:
    """`house` is the folder of the authority, `identity` that of the hub's own identity."""

    house: Path
    identity: Path
    uri: str = DEFAULT_URI
    announces: bool = True


def check_uri(uri: str) -> None:
    """Raise UsageError for what is no address of a trust service."""
    if uri != OFF and not isinstance(address.parse(uri), Tls):
        raise UsageError(f"--trust-uri {uri}: write tls://HOST:PORT, or off")
