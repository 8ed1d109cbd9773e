"""Guard: ASGI middleware that every request and WebSocket passes before a route sees it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import Depends
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.trust import scopes
from wyoming_rosie_hub.web.doors import SAFE_METHODS, Doors, RequestFacts, TooManyRequestsError, require

_LOG = structlog.get_logger()
MAX_BODY_BYTES = 65_536
MAX_HEADER_BYTES = 16_384
BODY_SECONDS = 10.0
SEND_SECONDS = 15.0
"""A client that does not read for so long is let go."""
PROMPT = "/api/v1/prompt"
"""Path whose requests change nothing of the hub; what they do in the house is in the log of the intent daemon."""
RESTORE = "/api/v1/restore"
"""Path whose body is a file, which its route receives within limits of its own."""
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), screen-wake-lock=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PLAIN_PATHS = frozenset({"/ca", "/ca.crt"})
"""Paths that are served over plain HTTP as well: who does not trust the house yet comes there."""
SECURE_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}


@dataclass(frozen=True)
class Guard:
    """Passes on what the doors admit, with the caller in its scope and a bounded body, and logs what is changed."""

    app: ASGIApp
    doors: Doors
    has_tls: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        exchange = _Exchange(scope, send)
        try:
            caller = await self.doors.admit(exchange.facts, loop_time(), time.time())
            scope.setdefault("state", {})["caller"] = caller
            if scope["type"] == "websocket":
                receive = self._receive_while_admitted(require(caller, scopes.Scope.AUDIO), receive)
            elif scope["path"] == RESTORE:
                require(caller, scopes.Scope.ADMIN)  # before a byte of the file is taken
            else:
                receive = await _receive_body(exchange.connection.headers, receive)
            if self.has_tls and not exchange.is_secure and scope["path"] not in PLAIN_PATHS:
                await exchange.lead_to_https(receive)
                return
        except ApiRequestError as err:
            await exchange.refuse(err, receive)
            return
        await self.app(scope, receive, exchange.send)
        exchange.log_change(caller.name if caller else None)

    def _receive_while_admitted(self, caller: Caller, receive: Receive) -> Receive:
        """Return a receiver that ends a WebSocket with its caller's key or password, at its next message."""
        before = self.doors.access

        async def receive_admitted() -> Message:
            message = await receive()
            return (
                message if self.doors.still_admits(caller, before) else {"type": "websocket.disconnect", "code": 1008}
            )

        return receive_admitted


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.connection = HTTPConnection(scope)
        self._scope = scope
        self._send = send
        self._status = 0

    @property
    def facts(self) -> RequestFacts:
        address = self.connection.client.host if self.connection.client else ""
        method = self._scope.get("method", "GET")
        return RequestFacts(method, address, self.connection.headers, self.connection.cookies, self.is_page)

    @property
    def is_page(self) -> bool:
        return not self._scope["path"].startswith("/api/")

    @property
    def is_secure(self) -> bool:
        return self._scope["scheme"] in ("https", "wss")

    async def lead_to_https(self, receive: Receive) -> None:
        """Redirect a person's browser; refuse a program, which must not send its key again unencrypted."""
        url = self.connection.url
        if self._scope["type"] == "http" and self._scope["method"] in SAFE_METHODS and not url.path.startswith("/api/"):
            answer = RedirectResponse(url.replace(scheme="https"), HTTPStatus.PERMANENT_REDIRECT)
            await answer(self._scope, receive, self.send)
        else:
            error = ApiRequestError(f"use https://{url.netloc}", "tls", HTTPStatus.FORBIDDEN)
            await self.refuse(error, receive)

    async def send(self, message: Message) -> None:
        """Send with the security headers. Raises TimeoutError if the client does not read."""
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self._status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", ())))
            for name, value in self._own_headers().items():
                headers.setdefault(name, value)
            message = {**message, "headers": headers.raw}
        async with asyncio.timeout(SEND_SECONDS):
            await self._send(message)

    async def refuse(self, error: ApiRequestError, receive: Receive) -> None:
        """Answer with the error's status, also to a WebSocket's handshake."""
        if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            address = self.facts.address
            _LOG.info("request refused", address=address, path=self._scope["path"], code=error.code)
        answer = error_response(error)
        if self._scope["type"] == "http":
            await answer(self._scope, receive, self.send)
        else:
            await receive()
            start = {"type": "websocket.http.response.start", "status": error.status, "headers": answer.raw_headers}
            await self.send(start)
            await self.send({"type": "websocket.http.response.body", "body": answer.body})

    def log_change(self, caller: str | None) -> None:
        """Log who changed something, never what was said."""
        method = self._scope.get("method", "GET")
        if method not in SAFE_METHODS and self._scope["path"] != PROMPT:
            address, path = self.facts.address, self._scope["path"]
            _LOG.info("audit", caller=caller, address=address, method=method, path=path, status=self._status)

    def _own_headers(self) -> dict[str, str]:
        cache = {"Cache-Control": "no-cache" if self.is_page else "no-store"}
        return {**SECURITY_HEADERS, **cache, **(SECURE_HEADERS if self.is_secure else {})}


def _authorize(scope: scopes.Scope) -> Callable[[HTTPConnection], Awaitable[Caller]]:
    async def find_caller(connection: HTTPConnection) -> Caller:
        return require(connection.state.caller, scope)

    return find_caller


NEEDS_AUDIO = Depends(_authorize(scopes.Scope.AUDIO))
"""A dependency of a route for everybody with that scope."""
NEEDS_TEXT = Depends(_authorize(scopes.Scope.TEXT))
NEEDS_ACT = Depends(_authorize(scopes.Scope.ACT))
NEEDS_READ = Depends(_authorize(scopes.Scope.READ))
NEEDS_ADMIN = Depends(_authorize(scopes.Scope.ADMIN))
TextCaller = Annotated[Caller, NEEDS_TEXT]
"""The caller as a parameter of a route for everybody with that scope."""
ActCaller = Annotated[Caller, NEEDS_ACT]
Reader = Annotated[Caller, NEEDS_READ]
Administrator = Annotated[Caller, NEEDS_ADMIN]


def error_response(error: ApiRequestError) -> JSONResponse:
    """Return the answer to a request that is refused."""
    key = getattr(error, "key", None)
    named = {} if key is None else {"key": key}
    answer = JSONResponse({"error": str(error), "code": error.code, **named}, error.status)
    if error.status is HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyRequestsError):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


async def _receive_body(headers: Headers, receive: Receive) -> Receive:
    """Read the whole body within its limits; return a receiver that replays it. Raises ApiRequestError."""
    too_large = ApiRequestError(f"send at most {MAX_BODY_BYTES} bytes", "size", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        raise ApiRequestError(f"send at most {MAX_HEADER_BYTES} bytes of headers", "size", status)
    if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise too_large
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in _parts(receive):
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise ApiRequestError("the body took too long", "slow", HTTPStatus.REQUEST_TIMEOUT) from None
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    while (message := await receive())["type"] == "http.request":
        yield message.get("body", b"")
        if not message.get("more_body"):
            return
