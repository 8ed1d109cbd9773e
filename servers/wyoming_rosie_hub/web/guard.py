"""Guard: ASGI middleware that checks every request and WebSocket before a route sees it."""

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie_hub.web.doors import Doors

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


@dataclass(frozen=True)
class Guard:
    """Passes on what the doors admit, and adds the security headers to every answer."""

    app: ASGIApp
    doors: Doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        send = _with_security_headers(send)
        headers = Headers(scope=scope)
        try:
            self.doors.check_host(headers.get("host", ""))
            self.doors.check_origin(headers.get("origin"), headers.get("host", ""))
        except ApiRequestError as err:
            await _refuse(err, scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _refuse(error: ApiRequestError, scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse({"error": str(error), "code": error.code}, error.status)
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await receive()  # the handshake, which ASGI answers with a status before it is accepted
        await send({"type": "websocket.close", "code": 1008, "reason": str(error)})


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(raw=message["headers"])
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            message = {**message, "headers": headers.raw}
        await send(message)

    return send_with_headers
