"""Local API: control and events of the satellite over HTTP and WebSocket."""

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
from wyoming_rosie.http.auth import ApiAuth, ApiRequestError
from wyoming_rosie.http.server import MAX_BODY_BYTES, serve_http
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.integrations.command_dispatcher import CommandDispatcher
from wyoming_rosie_satellite.integrations.event_service import PRIVATE_EVENTS

_LOG = structlog.get_logger()
MAX_LISTENERS = 16
MAX_UNREAD = 256
REQUEST_TIMEOUT_SECONDS = 10.0
SEND_TIMEOUT_SECONDS = 5.0
HEARTBEAT_SECONDS = 20.0
RequestHandler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
LineQueue: TypeAlias = Outbox[str]


class LocalApi:
    """The API of one satellite; a listener that does not read is disconnected."""

    def __init__(self, dispatcher: CommandDispatcher, auth: ApiAuth) -> None:
        self._dispatcher = dispatcher
        self._auth = auth
        self._listeners: set[LineQueue] = set()

    def on_event(self, event: Event) -> None:
        if not self._listeners or event.type in PRIVATE_EVENTS:
            return
        line = _encode_line(event.type, event.data)
        for listener in list(self._listeners):
            self._queue_line(listener, line)

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[str]:
        """Serve at this address during the block; yields its URL. Raises ConfigError."""
        async with serve_http(self._create_app(), host, port, "--api-port") as bound:
            url = f"http://[{host}]:{bound.port}" if ":" in host else f"http://{host}:{bound.port}"
            _LOG.info("local API", uri=url)
            yield url

    def _create_app(self) -> web.Application:
        application = web.Application(middlewares=[self._authorize], client_max_size=MAX_BODY_BYTES)
        router = application.router
        router.add_get("/state", self._get_state)
        router.add_get("/events", self._stream_events)
        router.add_post("/timers", self._command_handler("start-timer"))
        router.add_delete("/timers/{id}", self._command_handler("cancel-timer"))
        for command in ("trigger", "stop", "mute", "unmute", "volume"):
            router.add_post(f"/{command}", self._command_handler(command))
        return application

    @web.middleware
    async def _authorize(self, request: web.Request, handler: RequestHandler) -> web.StreamResponse:
        try:
            await self._auth.authorize(request.headers)
            return await handler(request)
        except RosieError as err:
            status = err.status if isinstance(err, ApiRequestError) else HTTPStatus.BAD_REQUEST
            return web.json_response({"error": str(err), "code": err.code}, status=status)

    async def _get_state(self, _: web.Request) -> web.Response:
        return web.json_response(self._dispatcher.describe_state())

    def _command_handler(self, command: str) -> RequestHandler:
        async def do(request: web.Request) -> web.Response:
            arguments = {**await _read_body(request), **request.match_info}
            return web.json_response(self._dispatcher.execute(command, arguments))

        return do

    async def _stream_events(self, request: web.Request) -> web.StreamResponse:
        if len(self._listeners) >= MAX_LISTENERS:
            raise ApiRequestError(
                f"there are {MAX_LISTENERS} listeners already", "busy", HTTPStatus.SERVICE_UNAVAILABLE
            )
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, timeout=1.0, max_msg_size=MAX_BODY_BYTES)
        lines = LineQueue(MAX_UNREAD)
        self._listeners.add(lines)
        try:
            await socket.prepare(request)
            self._queue_line(lines, _encode_line("state", self._dispatcher.describe_state()))
            await run_until_first_exit(_send_lines(socket, lines), self._execute_commands(socket, lines))
        finally:
            self._listeners.discard(lines)
        await socket.close()
        return socket

    async def _execute_commands(self, socket: web.WebSocketResponse, lines: LineQueue) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                command = _parse_object(message.data)
                self._queue_line(
                    lines, _encode_line("state", self._dispatcher.execute(command.get("command"), command))
                )
            except RosieError as err:
                self._queue_line(lines, _encode_line("error", {"text": str(err), "code": err.code}))

    def _queue_line(self, listener: LineQueue, line: str) -> None:
        if listener.try_put(line):
            return
        if listener in self._listeners:
            _LOG.warning("listener of the local API does not read and is disconnected")
        self._listeners.discard(listener)
        listener.close()


async def _send_lines(socket: web.WebSocketResponse, lines: LineQueue) -> None:
    """Send until the listener is gone or does not read."""

    async def send(line: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
            await socket.send_str(line)

    with suppress(TimeoutError, ConnectionError):
        await lines.run(send)


async def _read_body(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
            text = await request.text()
    except TimeoutError as err:
        raise ApiRequestError("the request's body did not arrive in time", "slow", HTTPStatus.REQUEST_TIMEOUT) from err
    except ValueError as err:
        raise _invalid_json() from err
    return _parse_object(text) if text else {}


def _parse_object(text: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError) as err:
        raise _invalid_json() from err
    if not isinstance(found, dict):
        raise _invalid_json()
    return found


def _invalid_json() -> ApiRequestError:
    return ApiRequestError("it must be a JSON object", "bad-request", HTTPStatus.BAD_REQUEST)


def _encode_line(kind: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": kind, "data": data}, ensure_ascii=False)
