"""Authorization of HTTP requests: a token, or local programs alone. Rules without sockets."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime.secrets import Secret

TOKEN_VARIABLE = "WYOMING_ROSIE_API_TOKEN"  # noqa: S105 - the name of one
MIN_TOKEN_LENGTH = 16
MAX_TOKEN_LENGTH = 1_024
_BEARER = "Bearer "


class ApiRequestError(RosieError):
    """A request that is refused, with an HTTP status."""

    def __init__(self, text: str, code: str, status: HTTPStatus) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class ApiAuth:
    """Accepts requests with the token; without a token only those of local programs, and none of foreign web pages."""

    token: Secret | None = None

    async def authorize(self, headers: Mapping[str, str]) -> None:
        """Raise ApiRequestError for a request that is not allowed now: the token's file may have changed."""
        authorize(headers, None if self.token is None else await self.token.get())


def authorize(headers: Mapping[str, str], token: str | None) -> None:
    """Raise ApiRequestError for a request that is not allowed."""
    host = headers.get("Host", "")
    if token is None and not _is_local_name(host):
        raise ApiRequestError(f"call it by its address or localhost, not by '{host}'", "host", HTTPStatus.FORBIDDEN)
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != host:
        raise ApiRequestError("web pages of other sites may not use this", "origin", HTTPStatus.FORBIDDEN)
    if token is not None and not _is_authorized(headers.get("Authorization", ""), token):
        raise ApiRequestError("send 'Authorization: Bearer TOKEN'", "token", HTTPStatus.UNAUTHORIZED)


def create_auth(host: str, token_file: Path | None) -> ApiAuth:
    """Return the authorization for an API at this host. Raises ConfigError when others can reach it and it has no token."""
    if token_file is not None:
        return ApiAuth(Secret.from_file(token_file, "--api-token-file", _check_token))
    token = Secret.from_variable(TOKEN_VARIABLE)
    if token is not None:
        _check_token(token.read())
    elif not hosts.is_loopback(host):
        raise ConfigError(f"--api-host {host}: others can reach it; give it --api-token-file FILE or {TOKEN_VARIABLE}")
    return ApiAuth(token)


def _check_token(token: str) -> None:
    if not MIN_TOKEN_LENGTH <= len(token) <= MAX_TOKEN_LENGTH:
        raise ConfigError(f"the API's token must have {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} characters")


def _is_authorized(authorization: str, token: str) -> bool:
    given = authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else ""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def _is_local_name(host: str) -> bool:
    """Return whether a foreign name server cannot have resolved this host to our address."""
    try:
        return hosts.needs_no_name_server(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
