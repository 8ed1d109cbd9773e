"""Addresses of the services of plugins."""

from yarl import URL

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.hosts import is_local


def check_url(text: str, *, has_secret: bool) -> URL:
    """Return the URL of a service. Raises ConfigError for one that is none, or would send a secret in the clear."""
    try:
        url = URL(text.strip())
    except ValueError as err:
        raise ConfigError(f"url: {err}; write it as https://HOST") from err
    if url.scheme not in {"http", "https"} or not url.host or url.user or url.query:
        raise ConfigError("url: write an address such as https://HOST, without user and query")
    if has_secret and url.scheme == "http" and not is_local(url.host):
        raise ConfigError(f"url: a token is sent over https only; write https://{url.host}")
    return url
