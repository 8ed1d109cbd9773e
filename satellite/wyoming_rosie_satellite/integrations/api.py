"""The satellite's HTTP and WebSocket interface, through which lights, buttons and displays attach."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog
from aiohttp import WSMsgType, web
from wyoming.event import Event

from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.server import MAX_BODY_BYTES, serve_http
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.integrations.auth import Gate, RefusedError
from wyoming_rosie_satellite.integrations.commands import Desk
from wyoming_rosie_satellite.integrations.event_service import KEPT_TO_OURSELVES

_LOG = structlog.get_logger()
MOST_LISTENERS = 16
MAX_UNREAD = 256
REQUEST_SECONDS = 10.0
SEND_SECONDS = 5.0
HEARTBEAT_SECONDS = 20.0
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Lines: TypeAlias = Outbox[str]


class LocalApi:
    """One satellite's API; a listener that does not read is let go."""

    def __init__(self, desk: Desk, gate: Gate) -> None:
        self._desk = desk
        self._gate = gate
        self._listeners: set[Lines] = set()

    def saw(self, event: Event) -> None:
        if not self._listeners or event.type in KEPT_TO_OURSELVES:
            return
        line = _line(event.type, event.data)
        for listener in list(self._listeners):
            self._tell(listener, line)

    @asynccontextmanager
    async def served(self, host: str, port: int) -> AsyncIterator[str]:
        """Answer at this address during the block; yields its URL. Raises ConfigError."""
        async with serve_http(self._application(), host, port, "--api-port") as where:
            url = f"http://[{host}]:{where.port}" if ":" in host else f"http://{host}:{where.port}"
            _LOG.info("local API", uri=url)
            yield url

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=MAX_BODY_BYTES)
        router = application.router
        router.add_get("/state", self._state)
        router.add_get("/events", self._events)
        router.add_post("/timers", self._doing("start-timer"))
        router.add_delete("/timers/{id}", self._doing("cancel-timer"))
        for command in ("trigger", "stop", "mute", "unmute", "volume"):
            router.add_post(f"/{command}", self._doing(command))
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._gate.check(request.headers)
            return await handler(request)
        except RosieError as err:
            status = err.status if isinstance(err, RefusedError) else HTTPStatus.BAD_REQUEST
            return web.json_response({"error": str(err), "code": err.code}, status=status)

    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._desk.state())

    def _doing(self, command: str) -> Handler:
        async def do(request: web.Request) -> web.Response:
            arguments = {**await _body(request), **request.match_info}
            return web.json_response(self._desk.do(command, arguments))

        return do

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if len(self._listeners) >= MOST_LISTENERS:
            raise RefusedError(f"{MOST_LISTENERS} listen already", "busy", HTTPStatus.SERVICE_UNAVAILABLE)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, timeout=1.0, max_msg_size=MAX_BODY_BYTES)
        lines = Lines(MAX_UNREAD)
        self._listeners.add(lines)
        try:
            await socket.prepare(request)
            self._tell(lines, _line("state", self._desk.state()))
            await run_until_first_exit(_send_all(socket, lines), self._obey_all(socket, lines))
        finally:
            self._listeners.discard(lines)
        await socket.close()
        return socket

    async def _obey_all(self, socket: web.WebSocketResponse, lines: Lines) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                asked = _object(message.data)
                self._tell(lines, _line("state", self._desk.do(asked.get("command"), asked)))
            except RosieError as err:
                self._tell(lines, _line("error", {"text": str(err), "code": err.code}))

    def _tell(self, listener: Lines, line: str) -> None:
        if listener.try_put(line):
            return
        if listener in self._listeners:
            _LOG.warning("a listener of the local API does not read and is let go")
        self._listeners.discard(listener)
        listener.close()


async def _send_all(socket: web.WebSocketResponse, lines: Lines) -> None:
    """Send until the listener does not read any more."""

    async def send(line: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send_str(line)

    with suppress(TimeoutError, ConnectionError):
        await lines.run(send)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            text = await request.text()
    except TimeoutError as err:
        raise RefusedError("the request does not end", "slow", HTTPStatus.REQUEST_TIMEOUT) from err
    except ValueError as err:
        raise _no_json() from err
    return _object(text) if text else {}


def _object(text: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError) as err:
        raise _no_json() from err
    if not isinstance(found, dict):
        raise _no_json()
    return found


def _no_json() -> RefusedError:
    return RefusedError("it must be a JSON object", "bad-request", HTTPStatus.BAD_REQUEST)


def _line(kind: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": kind, "data": data}, ensure_ascii=False)
