"""Trust code: a QR code of the page with the house's certificate, for devices that do not trust it yet."""

from typing import TextIO
from urllib.parse import urlsplit

import segno

from wyoming_rosie.protocol import hosts
from wyoming_rosie.protocol.network_interfaces import addresses
from wyoming_rosie.text.qr_code import QUIET_MODULES, draw_text
from wyoming_rosie_hub.web.settings import WebConfig

HTTP_PORT = 80
SVG_SCALE = 6


def find_address(settings: WebConfig) -> str | None:
    """Return the address at which other devices reach this machine; None if they cannot. Blocks for a moment.

    It is no name, because not every phone resolves those that end in .local.
    """
    if hosts.is_loopback(settings.host):
        return None
    given = hosts.parse_ip(settings.host)
    if given is None or not given.is_unspecified:
        return settings.host
    return next((own for own in addresses() if ":" not in own and not hosts.is_loopback(own)), None)


def format_trust_uri(host: str, port: int) -> str:
    """Return the address of the certificate at a host, over plain HTTP: the device does not trust HTTPS yet."""
    return f"http://[{host}]:{port}/ca" if ":" in host else f"http://{host}:{port}/ca"


def choose_trust_uri(requested_host: str, address: str | None) -> str | None:
    """Return the address for the code on a page: under the host that it was opened with, if others can reach that."""
    parts = urlsplit(f"//{requested_host}")
    is_reachable = parts.hostname is not None and not hosts.is_loopback(parts.hostname)
    host = parts.hostname if is_reachable else address
    return None if host is None else format_trust_uri(host, parts.port or HTTP_PORT)


def draw_svg(uri: str) -> str:
    """Return the code as an SVG element without styles, which a strict policy of the page would refuse."""
    code = segno.make(uri, micro=False)
    return code.svg_inline(
        scale=SVG_SCALE, border=QUIET_MODULES, light="#fff", title=uri, svgclass=None, lineclass=None
    )


def show_in_terminal(uri: str, errors: TextIO) -> None:
    """Write the code to where the hub reports, if that is a terminal."""
    if errors.isatty():
        errors.write(f"{draw_text(uri)}\nTo trust this house on another device: {uri}\n")
