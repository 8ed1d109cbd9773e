"""Where a broker is, and how to prove who we are: its URL, the secret, and the house's CA."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.hosts import is_loopback
from wyoming_rosie.runtime.secrets import read_secret_variable

TLS_SCHEMES = frozenset({"rediss", "tls", "mqtts"})
_PLAIN_SCHEMES = {"redis": "rediss", "nats": "tls", "mqtt": "mqtts"}


@dataclass(frozen=True)
class BrokerUrl:
    """A broker's URL, checked; the secret stands apart from it."""

    url: str
    secret: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int | None:
        return urlsplit(self.url).port

    @property
    def user(self) -> str | None:
        return urlsplit(self.url).username

    @property
    def uses_tls(self) -> bool:
        return self.scheme in TLS_SCHEMES

    def with_secret(self) -> str:
        """Return the URL with the secret as its password; for the client library alone."""
        if self.secret is None:
            return self.url
        parts = urlsplit(self.url)
        place = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
        return urlunsplit(parts._replace(netloc=f"{quote(parts.username or '')}:{quote(self.secret, safe='')}@{place}"))

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the context of TLS, None for a plain connection. Raises ConfigError."""
        if not self.uses_tls:
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as err:
            raise ConfigError(f"cannot read the certificates in {self.ca_file}: {err}") from err


def parse_broker_url(setting: str, url: str, variable: str, ca_file: Path | None, *, allow_plain: bool) -> BrokerUrl:
    """Check a broker's URL and read its secret from the environment. Raises ConfigError, which names the setting.

    A broker on another machine needs TLS, unless `allow_plain`.
    """
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname, parts.port
    except ValueError as err:
        raise ConfigError(f"{setting}: '{parts.scheme}://…' is not a URL: {err}") from err
    if parts.password is not None:
        raise ConfigError(f"{setting}: a password in a URL shows in the process list; set {variable} instead")
    if parts.scheme not in {*_PLAIN_SCHEMES, *TLS_SCHEMES} or not host:
        raise ConfigError(f"{setting}: '{url}' is not SCHEME://HOST:PORT")
    if parts.scheme in _PLAIN_SCHEMES and not is_loopback(host) and not allow_plain:
        raise ConfigError(
            f"{setting}: {host} is another machine, so that what people say would be readable on the network; use "
            f"{_PLAIN_SCHEMES[parts.scheme]}://, or --plain if that network is yours alone"
        )
    return BrokerUrl(url, read_secret_variable(variable), ca_file)
