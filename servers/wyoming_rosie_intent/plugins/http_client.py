"""HTTP client of integrations: JSON requests with time-outs, retries, a limit of size, pages and one renewal of a token."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

import aiohttp
import structlog
from yarl import URL

from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_intent.plugins.service_url import check_url

Query: TypeAlias = Mapping[str, str | int] | Sequence[tuple[str, str | int]]
_LOG = structlog.get_logger()
ATTEMPT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MAX_RATE_WAIT_SECONDS = 60.0
"""Longest wait for a request that would be one too many for the service."""
MAX_ANSWER_BYTES = 10_000_000
MAX_ATTEMPTS = 4
MAX_PAGES = 50
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 8.0
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "REPORT"})
_CHUNK_BYTES = 65_536


class HttpFailure(StrEnum):
    """Why a request failed."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"  # also with a new token
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"  # it exists already, or somebody else has changed it
    GONE = "gone"
    BUSY = "busy"  # too many requests
    REFUSED = "refused"  # another mistake of the request
    FAILED = "failed"  # a mistake of the service
    INVALID = "invalid"  # the answer is too large, or cannot be read


_FAILURES = {
    401: HttpFailure.UNAUTHORIZED,
    403: HttpFailure.FORBIDDEN,
    404: HttpFailure.NOT_FOUND,
    409: HttpFailure.CONFLICT,
    410: HttpFailure.GONE,
    412: HttpFailure.CONFLICT,
    429: HttpFailure.BUSY,
}


class HttpError(RosieError):
    """A request failed; the text names the service and what happened, never its data."""

    code = "http"

    def __init__(self, failure: HttpFailure, text: str, status: int = 0, body: bytes = b"", location: str = "") -> None:
        super().__init__(text)
        self.failure = failure
        self.status = status
        self.body = body  # of the service's answer; may be private
        self.location = location  # of a redirect


class TokenSource(Protocol):
    """The token for the header `Authorization`."""

    async def get_token(self) -> str: ...

    async def renew_token(self) -> str:
        """Return a new token, since the service refuses the present one. Raises HttpError, which says what to do."""
        ...


class FixedToken:
    """A token that nobody can renew."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self) -> str:
        return self._token

    async def renew_token(self) -> str:
        raise HttpError(HttpFailure.UNAUTHORIZED, "the service refuses the token; create a new one", 401)


@dataclass(frozen=True)
class HttpAnswer:
    """An answer whose status is below 400."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON; None for an empty one. Raises HttpError."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except (ValueError, RecursionError) as err:
            raise HttpError(HttpFailure.INVALID, "the service's answer is not JSON", self.status) from err


@dataclass(frozen=True)
class HttpLimits:
    """Limits of a client; `total_seconds` is for all attempts at a request together, without the wait for `rate`."""

    attempt_seconds: float = ATTEMPT_SECONDS
    total_seconds: float = TOTAL_SECONDS
    attempts: int = MAX_ATTEMPTS
    answer_bytes: int = MAX_ANSWER_BYTES
    pages: int = MAX_PAGES
    first_pause_seconds: float = FIRST_PAUSE_SECONDS
    rate: Rate | None = None  # of requests that the service answers


class HttpClient:
    """Requests to one service; connects at the first one. Used in one event loop, and closed there.

    `is_busy` recognizes answers of a service that refuses too many requests without status 429. Raises ConfigError.
    """

    def __init__(
        self,
        url: str,
        token: TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        limits: HttpLimits = HttpLimits(),
        is_busy: Callable[[int, bytes], bool] = lambda _status, _body: False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url = check_url(url, has_secret=token is not None or "Authorization" in (headers or {}))
        self._token = token
        self._renewing = asyncio.Lock()
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._limits = limits
        self._rate_limit = RateLimit(limits.rate) if limits.rate else None
        self._is_busy = is_busy
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    @property
    def host(self) -> str:
        return self._url.host or ""

    async def close(self) -> None:
        """End the connection; requests that wait for another attempt fail."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, query: Query | None = None) -> Any:
        """Return the JSON at a path. Raises HttpError."""
        return (await self.request("GET", path, query)).json()

    async def get_pages(
        self, path: str, query: Mapping[str, str | int], find_next: Callable[[Any], Mapping[str, str | int] | None]
    ) -> AsyncGenerator[Any, None]:
        """Yield the JSON of each page; `find_next` returns what to add to the query for the page after, None at the end.

        Raises HttpError, also for a service that never ends or repeats a page.
        """
        seen: list[Mapping[str, str | int]] = []
        more: Mapping[str, str | int] | None = {}
        while more is not None:
            if more in seen or len(seen) >= self._limits.pages:
                raise HttpError(
                    HttpFailure.INVALID, f"{self.host} sends more than {len(seen)} pages, or the same again"
                )
            seen.append(more)
            page = await self.get(path, {**query, **more})
            yield page
            more = find_next(page)

    async def send(
        self, method: str, path: str, body: Any = None, query: Query | None = None, *, can_repeat: bool = False
    ) -> Any:
        """Send JSON and return the JSON of the answer. `can_repeat`: the service knows a second attempt by its content.

        Raises HttpError.
        """
        return (await self.request(method, path, query, body, can_repeat=can_repeat)).json()

    async def request(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        can_repeat: bool = False,
    ) -> HttpAnswer:
        """Return the answer, after other attempts where these cannot do anything twice. Raises HttpError.

        A `body` of bytes is sent as it is, any other as JSON. A path may be a URL of the same service.
        """
        call = _Call(method, self._join(path, query), body, headers or {}, can_repeat or method in _REPEATABLE)
        await self._wait_for_rate()
        try:
            async with asyncio.timeout(self._limits.total_seconds) as limit:
                return await self._attempt_all(call, limit)
        except TimeoutError as err:
            raise HttpError(HttpFailure.TIMEOUT, f"{self.host} did not answer in time") from err

    async def _wait_for_rate(self) -> None:
        """Wait until one more request is within the rate. Raises HttpError if that takes too long."""
        if self._rate_limit is None:
            return
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + MAX_RATE_WAIT_SECONDS
        while seconds := self._rate_limit.take(self.host, loop.time()):
            if loop.time() + seconds > ends_at:
                raise HttpError(HttpFailure.BUSY, f"there are too many requests for {self.host}")
            await asyncio.sleep(seconds)

    def _join(self, path: str, query: Query | None) -> URL:
        url = URL(path)
        if url.absolute and url.origin() != self._url.origin():
            raise HttpError(HttpFailure.INVALID, f"{self.host} refers to another host")
        joined = url if url.absolute else URL(f"{str(self._url).rstrip('/')}/{path.lstrip('/')}")
        return joined.update_query(query) if query else joined

    async def _attempt_all(self, call: "_Call", limit: asyncio.Timeout) -> HttpAnswer:
        backoff = Backoff(self._limits.first_pause_seconds, MAX_PAUSE_SECONDS)
        has_renewed, failures = False, 0
        while True:
            try:
                return await self._attempt(call)
            except _AttemptError as err:
                if err.failure is HttpFailure.UNAUTHORIZED and self._token is not None and not has_renewed:
                    has_renewed = True
                    await self._renew_token(call)
                    continue
                failures += 1
                pause = backoff.next_pause() if err.pause is None else err.pause
                ends_at = asyncio.get_running_loop().time() + pause
                is_too_late = (limit.when() or ends_at) <= ends_at
                if not err.can_repeat or is_too_late or failures >= self._limits.attempts:
                    raise
                _LOG.info("request is repeated", host=self.host, reason=err.failure, seconds=round(pause, 1))
                await asyncio.sleep(pause)

    async def _renew_token(self, call: "_Call") -> None:
        """Renew the token once for all requests that it was refused for."""
        assert self._token is not None
        async with self._renewing:
            if await self._token.get_token() == call.token:
                await self._token.renew_token()

    async def _attempt(self, call: "_Call") -> HttpAnswer:
        headers = {**self._headers, **call.headers}
        if self._token is not None:
            call.token = await self._token.get_token()
            headers["Authorization"] = f"Bearer {call.token}"
        data = (
            {"data": call.body}
            if isinstance(call.body, bytes)
            else {"json": call.body}
            if call.body is not None
            else {}
        )
        try:
            async with (
                asyncio.timeout(self._limits.attempt_seconds),
                self._connect().request(
                    call.method, call.url, headers=headers, allow_redirects=False, **data
                ) as answer,
            ):
                body = await self._read(answer)
                self._check(answer, body, call)
                return HttpAnswer(answer.status, answer.headers, body)
        except TimeoutError as err:
            raise _AttemptError(HttpFailure.TIMEOUT, f"{self.host} did not answer in time", call.can_repeat) from err
        except aiohttp.ClientConnectorError as err:  # nothing was sent
            raise _AttemptError(HttpFailure.UNREACHABLE, f"{self.host} cannot be reached", can_repeat=True) from err
        except (aiohttp.ClientError, ValueError) as err:
            reason = f"{self.host} broke off its answer: {type(err).__name__}"
            raise _AttemptError(HttpFailure.UNREACHABLE, reason, call.can_repeat) from err

    def _connect(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise HttpError(HttpFailure.UNREACHABLE, f"the connection to {self.host} is closed")
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._tls or True, limit=8)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """Return the body. Raises HttpError for one that is larger than allowed."""
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._limits.answer_bytes:
                answer.close()
                limit = self._limits.answer_bytes
                raise HttpError(
                    HttpFailure.INVALID, f"the answer of {self.host} has more than {limit} bytes", answer.status
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _check(self, answer: aiohttp.ClientResponse, body: bytes, call: "_Call") -> None:
        """Raise an error for a status that is none of success."""
        status = answer.status
        if status < 300:
            return
        if status < 400:
            target = answer.url.join(URL(answer.headers.get("Location", ""))).with_query(None)
            reason = f"{self.host} has moved to {target}; write that as the url"
            raise HttpError(HttpFailure.REFUSED, reason, status, location=str(target))
        is_busy = status in {429, 503} or self._is_busy(status, body)
        default = HttpFailure.FAILED if status >= 500 else HttpFailure.REFUSED
        failure = HttpFailure.BUSY if is_busy and status < 500 else _FAILURES.get(status, default)
        can_repeat = is_busy or (status >= 500 and call.can_repeat)
        pause = parse_retry_after(answer.headers.get("Retry-After"), datetime.now(UTC)) if is_busy else None
        raise _AttemptError(failure, f"{self.host} answers with status {status}", can_repeat, pause, status, body)


@dataclass
class _Call:
    """One request; `token` is the one that it was sent with last."""

    method: str
    url: URL
    body: Any
    headers: Mapping[str, str]
    can_repeat: bool
    token: str = ""


class _AttemptError(HttpError):
    """An attempt that failed; `pause` is what the service asks for, in seconds."""

    def __init__(
        self,
        failure: HttpFailure,
        text: str,
        can_repeat: bool,
        pause: float | None = None,
        status: int = 0,
        body: bytes = b"",
    ) -> None:
        super().__init__(failure, text, status, body)
        self.can_repeat = can_repeat
        self.pause = pause


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds of a header Retry-After, which has seconds or a date; None for any other text."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
