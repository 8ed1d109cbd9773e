"""Doors: who may send which request. Rules without sockets."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.protocol import hosts


@dataclass(frozen=True)
class Doors:
    """The rules for every request; `names` are this machine's beside its addresses."""

    names: frozenset[str] = frozenset()

    def check_host(self, host: str) -> None:
        """Refuse a name that a foreign name server may have resolved to this machine. Raises ApiRequestError."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            name = ""
        if not (hosts.needs_no_name_server(name) or name in self.names):
            raise ApiRequestError("this machine has no such name; add it to --web.names", "host", HTTPStatus.FORBIDDEN)

    def check_origin(self, origin: str | None, host: str) -> None:
        """Refuse requests that the page of another site makes. Raises ApiRequestError."""
        if origin is not None and origin.partition("://")[2] != host:
            raise ApiRequestError("web pages of other sites may not use this", "origin", HTTPStatus.FORBIDDEN)
