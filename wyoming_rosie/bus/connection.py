"""Where a broker is, and how to prove who we are: its URL, the secret, and the house's CA."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from wyoming_rosie.config import read_setting
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.hosts import is_loopback
from wyoming_rosie.runtime.secrets import Secret

TLS_SCHEMES = frozenset({"rediss", "tls", "mqtts"})
SECRETS = {"mqtt": "MQTT_PASSWORD", "redis": "REDIS_PASSWORD", "nats": "NATS_TOKEN"}
"""Environment variables of the secrets, by bus."""
_PLAIN_SCHEMES = {"redis": "rediss", "nats": "tls", "mqtt": "mqtts"}


@dataclass(frozen=True)
class BrokerUrl:
    """A broker's URL, checked; the secret stands apart from it."""

    url: str
    secret: Secret | None = None
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
        name = urlsplit(self.url).username
        return None if name is None else unquote(name)

    @property
    def uses_tls(self) -> bool:
        return self.scheme in TLS_SCHEMES

    def without_user(self) -> str:
        """Return the URL for a client library that is given user and secret apart from it."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the context of TLS, None for a plain connection. Raises ConfigError."""
        if not self.uses_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as err:
            raise ConfigError(f"cannot read the certificates in {self.ca_file}: {err.strerror or err}") from err
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def parse_broker_url(
    setting: str,
    url: str,
    variable: str,
    ca_file: Path | None,
    *,
    allow_plain: bool,
    plain_flag: str = "--broker.plain",
) -> BrokerUrl:
    """Check a broker's URL and read its secret from the environment. Raises ConfigError, which names the setting.

    A broker on another machine needs TLS, unless `allow_plain`, which `plain_flag` sets.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as err:
        raise ConfigError(f"{setting}: it is not a URL: {err}") from err
    if parts.password is not None:
        raise ConfigError(f"{setting}: a password in a URL shows in the process list; set {variable} instead")
    if parts.scheme not in {*_PLAIN_SCHEMES, *TLS_SCHEMES} or not host:
        raise ConfigError(f"{setting}: '{url}' is not SCHEME://HOST:PORT")
    if parts.query or parts.fragment:
        raise ConfigError(f"{setting}: '{url}' must have no query and no fragment")
    if parts.scheme in _PLAIN_SCHEMES and not is_loopback(host) and not allow_plain:
        raise ConfigError(
            f"{setting}: {host} is another machine, so that what people say would be readable on the network; use "
            f"{_PLAIN_SCHEMES[parts.scheme]}://, or {plain_flag} if that network is yours alone"
        )
    broker = BrokerUrl(url, Secret.from_variable(variable), ca_file)
    broker.ssl_context()
    return broker


def read_configured_broker(bus: str, flag: str, given: str | None, default: str) -> BrokerUrl:
    """Return a broker's URL: `given`, else that of the bridge's settings, else the default. Raises ConfigError."""
    return parse_configured(bus, flag, given or find_configured(bus) or default)


def parse_configured(bus: str, setting: str, url: str, file: Path | None = None) -> BrokerUrl:
    """Check a broker's URL by the bridge's other settings. Raises ConfigError, which names the setting."""
    ca_file, plain = find_configured("ca_file", file), find_configured("plain", file) or "false"
    allow_plain = plain.lower() in ("true", "1")
    return parse_broker_url(setting, url, SECRETS[bus], Path(ca_file) if ca_file else None, allow_plain=allow_plain)


def find_configured(key: str, file: Path | None = None) -> str | None:
    """Return a setting of the bridge about its brokers, unchecked; None if it is not set. Raises ConfigError.

    `file` replaces the user's and the system's files.
    """
    table = read_setting("bridge", "broker", file)
    settings = table if isinstance(table, dict) else {}
    value = read_setting("bridge", f"broker_{key}", file) or settings.get(key)
    return None if value is None else str(value)


def explain_failure(err: BaseException) -> str:
    """Return why a connection failed, as a part of a sentence."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {err.verify_message}"
    if isinstance(err, ssl.SSLError):
        return f"TLS failed ({err.reason or err}); perhaps this port is for plain connections"
    if isinstance(err, TimeoutError):
        return "it does not answer"
    if isinstance(err, OSError) and err.strerror:
        return err.strerror
    return str(err) or type(err).__name__
