"""HTTPS of the web server: the house's own certificate, or one that is given, renewed while the hub runs."""

import asyncio
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.protocol.network_interfaces import local_addresses
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.trust.members import AUTHORITY_FOLDER
from wyoming_rosie_hub.web.settings import WebConfig

_LOG = structlog.get_logger()
IPV4 = 4
CHECK_SECONDS = 3600.0
"""Pause between two looks at the expiry, at this machine's addresses, and at given files, which others renew."""


@dataclass(frozen=True)
class TlsFiles:
    """Files of the certificate in use, and the authority's, which clients have to trust; None for a given certificate."""

    certificate: Path
    key: Path
    authority: Path | None = None


class TlsSource:
    """Keeps the context of the server at a valid certificate; `update` makes its files and names them."""

    def __init__(self, update: Callable[[], TlsFiles]) -> None:
        self._update = update
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority: Path | None = None

    async def load(self) -> None:
        """Load the present certificate. Raises ConfigError."""
        await asyncio.to_thread(self._load)

    async def renew(self) -> None:
        """Load the certificate again every CHECK_SECONDS, until cancelled; new connections get it."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.load()
            except ConfigError as err:
                _LOG.error("the certificate is not renewed", reason=str(err))

    def _load(self) -> None:
        files = self._update()
        try:
            self.context.load_cert_chain(files.certificate, files.key)
        except (OSError, ssl.SSLError) as err:
            raise ConfigError(f"--web.certificate {files.certificate}, --web.key {files.key}: {err}") from err
        self.authority = files.authority


def needs_tls(settings: WebConfig) -> bool:
    """Return whether to serve HTTPS: as the settings say, else as soon as other machines can reach the page."""
    if settings.certificate or settings.tls is not None:
        return bool(settings.certificate or settings.tls)
    return not hosts.is_loopback(settings.host)


def create_tls(settings: WebConfig, folder: Path, names: Collection[str]) -> TlsSource | None:
    """Return the source of the certificate for these names; None for plain HTTP. Raises ConfigError."""
    if not needs_tls(settings):
        return None
    if settings.certificate:
        given = TlsFiles(settings.certificate, settings.key or settings.certificate)
        return TlsSource(lambda: given)
    try:
        from wyoming_rosie.http import certificates
    except ImportError as err:
        raise ConfigError(f"--web.tls: {err.name} is missing; run: {install_command(['web'])}") from err
    files = certificates.CertificateFiles(folder / AUTHORITY_FOLDER)

    def update() -> TlsFiles:
        found = certificates.ensure_certificate(files, [*names, *_addresses()], certificates.utc_now())
        if found.is_new:
            sha256 = certificates.fingerprint(files.authority)
            _LOG.info("certificate made", names=sorted(names), authority=str(files.authority), sha256=sha256)
        if found.left_out:
            _LOG.warning("the certificate has not all names", left_out=found.left_out, next=f"delete {files.folder}")
        return TlsFiles(files.certificate, files.key, files.authority)

    return TlsSource(update)


def _addresses() -> list[str]:
    """Return the addresses of this machine to vouch for: those of IPv6 in a local network change by the hour."""
    parsed = [address for address in map(hosts.parse_ip, local_addresses()) if address is not None]
    private = {str(address) for address in parsed if address.version == IPV4 and address.is_private}
    return sorted(private | {"127.0.0.1", "::1"})
