"""WebSocket connection to Home Assistant: commands, results and subscribed events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from wyoming_rosie.home.home_assistant.errors import (
    CommandRefusedError,
    CommandTimeoutError,
    NoResultError,
    NotConnectedError,
    TokenRefusedError,
)

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

EventCallback: TypeAlias = Callable[[Any], None]
CONNECT_SECONDS = 10.0
COMMAND_SECONDS = 10.0
CLOSE_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
"""Interval of pings on an idle connection."""
MAX_MESSAGE_SIZE = 64 * 1024 * 1024
"""Bytes: the registry of ten thousand entities is one message of about ten million."""
_LARGE_MESSAGE = 64 * 1024
MAX_PENDING = 64
_END = (None, None)


class WebSocketConnection:
    """An authenticated WebSocket. Results and events arrive only while `listen` runs."""

    def __init__(self, socket: "ClientWebSocketResponse") -> None:
        self._socket = socket
        self._numbers = count(1)
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._callbacks: dict[int, EventCallback] = {}

    async def send_command(self, kind: str, seconds: float = COMMAND_SECONDS, **fields: Any) -> Any:
        """Send a command and return its result. Raises NotConnectedError, CommandRefusedError, NoResultError."""
        return await self._send_command(next(self._numbers), kind, seconds, fields)

    async def subscribe(self, kind: str, on_event: EventCallback, **fields: Any) -> None:
        """Subscribe `on_event` to the events that the command requests. Raises as `send_command` does."""
        number = next(self._numbers)
        self._callbacks[number] = on_event  # the first event may arrive with the result
        await self._send_command(number, kind, COMMAND_SECONDS, fields)

    async def listen(self) -> None:
        """Handle incoming messages until the connection ends, then raise NotConnectedError."""
        try:
            async for message in self._socket:
                if isinstance(message.data, str):
                    await self._handle_message(message.data)
        finally:
            for waiting in self._pending.values():
                if not waiting.done():
                    waiting.set_exception(NoResultError("Home Assistant ended the connection"))
        raise NotConnectedError("Home Assistant ended the connection")

    async def _send_command(self, number: int, kind: str, seconds: float, fields: dict[str, Any]) -> Any:
        if self._socket.closed or len(self._pending) >= MAX_PENDING:
            raise NotConnectedError("Home Assistant takes no more commands")
        result = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._socket.send_str(json.dumps({"id": number, "type": kind, **fields}))
                return await result
        except TimeoutError as err:
            raise CommandTimeoutError(f"Home Assistant has not answered for {seconds:g} s") from err
        except ConnectionError as err:
            raise NoResultError("Home Assistant ended the connection") from err
        finally:
            del self._pending[number]

    async def _handle_message(self, text: str) -> None:
        message = await asyncio.to_thread(json.loads, text) if len(text) > _LARGE_MESSAGE else json.loads(text)
        for item in message if isinstance(message, list) else [message]:
            if item.get("type") == "result":
                self._handle_result(item)
            elif item.get("type") == "event" and item.get("id") in self._callbacks:
                self._callbacks[item["id"]](item["event"])

    def _handle_result(self, message: dict[str, Any]) -> None:
        waiting = self._pending.get(message.get("id", 0))
        if waiting is None or waiting.done():
            return
        if message.get("success"):
            waiting.set_result(message.get("result"))
        else:
            error = message.get("error") or {}
            waiting.set_exception(CommandRefusedError(str(error.get("message", "")), str(error.get("code", ""))))


@asynccontextmanager
async def open_connection(url: str, token: str) -> AsyncIterator[WebSocketConnection]:
    """Open a connection for the block. Raises NotConnectedError, TokenRefusedError."""
    from aiohttp import ClientSession

    async with ClientSession() as session:
        socket = await _open_socket(session, url)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await _authenticate(socket, token)
            yield WebSocketConnection(socket)
        except TimeoutError as err:
            raise NotConnectedError(f"Home Assistant at {url} does not say whether it takes the token") from err
        finally:
            await socket.close()


async def _open_socket(session: "ClientSession", url: str) -> "ClientWebSocketResponse":
    from aiohttp import ClientError, ClientWSTimeout

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await session.ws_connect(
                f"{url.rstrip('/')}/api/websocket",
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=MAX_MESSAGE_SIZE,
                timeout=ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
    except (ClientError, OSError, ValueError) as err:  # TimeoutError is an OSError
        raise NotConnectedError(f"no Home Assistant answers at {url}: {err or 'it is silent'}") from err


async def _authenticate(socket: "ClientWebSocketResponse", token: str) -> None:
    kind, _ = await _receive_auth_message(socket)
    if kind == "auth_required":
        await socket.send_str(json.dumps({"type": "auth", "access_token": token}))
        kind, text = await _receive_auth_message(socket)
        if kind == "auth_ok":
            return
        if kind == "auth_invalid":
            raise TokenRefusedError(f"Home Assistant refuses the token: {text}")
    raise NotConnectedError("the server is not Home Assistant, or it is still starting")


async def _receive_auth_message(socket: "ClientWebSocketResponse") -> tuple[object, object]:
    message = await socket.receive()
    if not isinstance(message.data, str):
        return _END
    try:
        greeting = json.loads(message.data)
    except ValueError:
        return _END
    return (greeting.get("type"), greeting.get("message")) if isinstance(greeting, dict) else _END
