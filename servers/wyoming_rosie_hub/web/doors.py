"""Doors: who may send which request, and how often. Rules without sockets and clock."""

import base64
import binascii
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from urllib.parse import urlsplit

from wyoming_rosie.http.access import ADMINISTRATOR, LOCAL_PROGRAM, Access, Caller, caller_of
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie.protocol import hosts
from wyoming_rosie.trust.scopes import Scope

SESSION_COOKIE = "rosie_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ADDRESS_RATE = Rate(per_second=30, burst=240)
"""Requests of one address; a page loads some forty files at once, and people reload it."""
CALLER_RATE = Rate(per_second=10, burst=40)
"""Requests of one key, the files of a page apart: more than a person or a home's programs send."""
FAILED_LOGIN_RATE = Rate(per_second=1 / 12, burst=5)
"""Wrong passwords and keys of one address: five a minute, so that guessing a password takes years."""


class TooManyRequestsError(ApiRequestError):
    """A request above a limit, and when the next one is admitted."""

    def __init__(self, text: str, wait_seconds: float) -> None:
        super().__init__(text, "rate", HTTPStatus.TOO_MANY_REQUESTS)
        self.retry_after = max(1, ceil(wait_seconds))


@dataclass(frozen=True)
class RequestFacts:
    """What the doors look at; header names in lower case. `address` is the sender's."""

    method: str
    address: str
    headers: Mapping[str, str]
    cookies: Mapping[str, str] = field(default_factory=dict)
    is_page: bool = False  # a file of a page, which needs no key


@dataclass
class Doors:
    """Admits requests by key, session or password. `verify_password` does the slow part elsewhere."""

    access: Access
    names: frozenset[str] = frozenset()  # of this machine, beside its addresses
    verify_password: Callable[[Access, str], Awaitable[bool]] = field(
        default=lambda access, given: _verify_here(access, given)
    )
    last_used: dict[str, float] = field(default_factory=dict)  # of each key by its name, in seconds since the epoch
    _addresses: RateLimit = field(default_factory=lambda: RateLimit(ADDRESS_RATE))
    _callers: RateLimit = field(default_factory=lambda: RateLimit(CALLER_RATE))
    _failed_logins: RateLimit = field(default_factory=lambda: RateLimit(FAILED_LOGIN_RATE))

    async def admit(self, request: RequestFacts, now: float, wall_clock: float) -> Caller | None:
        """Return who sends a request, None for somebody without credentials. Raises ApiRequestError.

        `now` is for the limits, `wall_clock` in seconds since the epoch for sessions.
        """
        self._count(self._addresses, request.address, now)
        self._check_host(request.headers.get("host", ""))
        self._check_origin(request)
        caller = await self._find_caller(request, now, wall_clock)
        if caller not in (None, LOCAL_PROGRAM, ADMINISTRATOR) and not request.is_page:
            self._count(self._callers, caller.name, now)
            self.last_used[caller.name] = wall_clock
        return caller

    def still_admits(self, caller: Caller, before: Access) -> bool:
        """Return whether what admitted a caller `before` still holds: its key is not revoked, the password the same."""
        is_same = before.find_credential(caller) == self.access.find_credential(caller)
        return self.access is before or (is_same and not before.is_open)

    async def log_in(self, address: str, secret: str, now: float, wall_clock: float) -> Caller:
        """Return whose password or key this is; the clocks are those of `admit`. Raises ApiRequestError."""
        if (key := self.access.find_key(secret, wall_clock)) is not None:
            return caller_of(key)
        if await self.is_password(address, secret, now):
            return ADMINISTRATOR
        raise ApiRequestError("this is neither the password nor a key", "credentials", HTTPStatus.UNAUTHORIZED)

    async def is_password(self, address: str, given: str, now: float) -> bool:
        """Return whether this is the administrator's password. Raises TooManyRequestsError after wrong ones."""
        if wait_seconds := self._failed_logins.take(address, now):  # before the check, so that guesses count at once
            raise TooManyRequestsError("too many wrong passwords or keys from this address", wait_seconds)
        is_right = await self.verify_password(self.access, given)
        if is_right:
            self._failed_logins.refund(address, now)
        return is_right

    def _count(self, limit: RateLimit, client: str, now: float) -> None:
        if wait_seconds := limit.take(client, now):
            raise TooManyRequestsError("too many requests; send fewer", wait_seconds)

    def _check_host(self, host: str) -> None:
        """Refuse a name that a foreign name server may have resolved to this machine."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            name = ""
        if not (hosts.needs_no_name_server(name) or name in self.names):
            raise ApiRequestError("this machine has no such name; add it to --web.names", "host", HTTPStatus.FORBIDDEN)

    def _check_origin(self, request: RequestFacts) -> None:
        """Refuse what the page of another site sends, and a change by a cookie of which no page says that it sends it."""
        origin, host = request.headers.get("origin"), request.headers.get("host", "")
        is_foreign = origin is not None and origin.partition("://")[2] != host
        is_unnamed = origin is None and request.method not in SAFE_METHODS and SESSION_COOKIE in request.cookies
        if is_foreign or is_unnamed:
            raise ApiRequestError("web pages of other sites may not use this", "origin", HTTPStatus.FORBIDDEN)

    async def _find_caller(self, request: RequestFacts, now: float, wall_clock: float) -> Caller | None:
        if self.access.is_open:
            return LOCAL_PROGRAM
        if authorization := request.headers.get("authorization"):
            return await self.log_in(request.address, parse_authorization(authorization), now, wall_clock)
        if cookie := request.cookies.get(SESSION_COOKIE):
            return self.access.open_session(cookie, wall_clock)
        return None


def require(caller: Caller | None, scope: Scope) -> Caller:
    """Return the caller if it has the scope. Raises ApiRequestError."""
    if caller is None:
        raise ApiRequestError("log in, or send 'Authorization: Bearer KEY'", "credentials", HTTPStatus.UNAUTHORIZED)
    if not caller.has(scope):
        raise ApiRequestError(f"the key '{caller.name}' lacks the scope '{scope}'", "scope", HTTPStatus.FORBIDDEN)
    return caller


def parse_authorization(value: str) -> str:
    """Return the key or password of an Authorization header. Raises ApiRequestError."""
    scheme, _, credentials = value.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _parse_basic(credentials)
    raise ApiRequestError("send 'Authorization: Bearer KEY', or Basic", "credentials", HTTPStatus.UNAUTHORIZED)


def _parse_basic(credentials: str) -> str:
    """Return the password; the user's name does not matter."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError) as err:
        raise ApiRequestError("these are no credentials of Basic", "credentials", HTTPStatus.UNAUTHORIZED) from err


def own_names(configured: Iterable[str]) -> frozenset[str]:
    """Return the names by which this machine may be called: its own, in the local network too, and configured ones."""
    own = socket.gethostname().lower().partition(".")[0]
    return frozenset({own, f"{own}.local", *(name.lower().rstrip(".") for name in configured)})


async def _verify_here(access: Access, password: str) -> bool:
    return access.verify_password(password)
