"""Server side of one connection: events in order, `describe`, `ping` and `status` at any time, an error before its end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeAlias, runtime_checkable

import structlog
from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Pong

from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.budgets import Account
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.trust.peer import Peer

_LOG = structlog.get_logger()
Send: TypeAlias = Callable[[Event], Awaitable[None]]

WRITE_SECONDS = 10.0
MAX_QUEUED_EVENTS = 32
Authorize: TypeAlias = Callable[[Event], Event]
"""Returns a peer's event as the handler gets it. Raises BadEventError if the peer may not send it."""
STATUS = "status"
"""Name of the user-event that asks a daemon for its load, and of the answer."""


class ConnectionHandler(Protocol):
    """Handles the requests of one connection, and holds its state."""

    @property
    def is_busy(self) -> bool:
        """Whether a request is in progress, which a stopping daemon waits for."""

    async def on_event(self, event: Event) -> None:
        """Handle one event, in order. Raise RosieError to answer `error`; ignore unknown types.

        May take long: `describe` and `ping` are answered meanwhile. Cancelled when the peer disconnects.
        """

    async def close(self) -> None:
        """Release all resources; called once, however the connection ended."""


@runtime_checkable
class AllowsIdle(Protocol):
    """A handler whose connection may be exempt from the idle timeout."""

    @property
    def allows_idle(self) -> bool:
        """Whether the connection is exempt now."""


@runtime_checkable
class NowaitSender(Protocol):
    """A `send` that needs no await while the peer keeps up."""

    def nowait(self, event: Event) -> bool:
        """Send an event if that needs no wait; return whether it was sent."""


@runtime_checkable
class PeerSender(Protocol):
    """A `send` that knows its peer."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""


def peer_of(send: object) -> Peer:
    """Return who is at the other end of a `send`."""
    assert isinstance(send, PeerSender)
    return send.peer


def client_of(send: object) -> str:
    """Return the client at the other end of a `send`, by the name that its budgets have; empty if it knows no peer."""
    return str(send.peer) if isinstance(send, PeerSender) else ""


@runtime_checkable
class AudioFastPath(Protocol):
    """A handler that takes audio chunks without a task switch."""

    def on_audio_nowait(self, event: Event) -> bool:
        """Take an audio-chunk without waiting, or return False to receive it by `on_event`. Raises nothing."""

    def coalesce(self, source: EventStream) -> None:
        """Hold back the peer's events for less than 0.1 s, if that lets chunks of several streams be processed together."""


class Connection:
    """Reads events while a request is handled, so that a disconnect cancels the request."""

    def __init__(
        self,
        stream: EventStream,
        peer: Peer,
        info: Callable[[], bytes],
        status: Callable[[], Awaitable[bytes]],
        create_handler: Callable[[Send], ConnectionHandler],
        *,
        authorize: Authorize | None = None,
        account: Account | None = None,
        finish_at_end: bool = False,
    ) -> None:
        self.last_event = asyncio.get_running_loop().time()
        self.is_working = False
        self._stream = stream
        self._peer = peer
        self._info = info
        self._status = status
        self._account = account  # None: no budget
        self._handler = create_handler(_ConnectionSender(self, peer))
        self._authorize = authorize  # None: everything as it comes
        self._finish_at_end = finish_at_end  # a pipe's end ends its requests, a socket's cancels them
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(MAX_QUEUED_EVENTS)
        self._close_reason: RosieError | None = None
        self._closed = asyncio.Event()
        self._try_audio: Callable[[Event], bool] = _refuse_nowait
        self._is_closing = False
        if isinstance(self._handler, AudioFastPath):
            self._try_audio = self._handler.on_audio_nowait
            stream.on_event_nowait, stream.on_batch_end = self._on_audio_nowait, self._handler.coalesce

    async def serve(self) -> None:
        """Serve the peer until it disconnects or the connection is closed."""
        structlog.contextvars.bind_contextvars(peer=str(self._peer))
        reading = asyncio.create_task(self._read_loop())
        tasks = [asyncio.create_task(self._handle_loop()), asyncio.create_task(self._closed.wait())]
        if not self._finish_at_end:
            tasks.append(reading)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel_tasks(reading, *tasks)
            await self._handler.close()
            await self._send_close_reason()
            self._break_cycles()

    @property
    def allows_idle(self) -> bool:
        return isinstance(self._handler, AllowsIdle) and self._handler.allows_idle

    async def send(self, event: Event) -> None:
        """Send one event. Raises ConnectionError when the peer is gone or does not read for WRITE_SECONDS."""
        if not self.send_nowait(event):
            await self.send_with_timeout(event)
        await asyncio.sleep(0)  # a long answer to one peer must not delay those to others

    def send_nowait(self, event: Event) -> bool:
        """Send an event if that needs no wait; return whether it was sent."""
        return self._stream.write_nowait(event)

    async def send_with_timeout(self, event: Event) -> None:
        """Send an event once the buffer has room. Raises ConnectionError when it has none within WRITE_SECONDS."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._stream.write(event)
        except TimeoutError as err:
            self._stream.abort()
            raise ConnectionAbortedError("the peer does not read") from err

    def close_with_reason(self, reason: RosieError, *, when_done: bool = False) -> None:
        """Send the peer an `error` with the reason and close the connection: now, or after the request in progress."""
        self._close_reason = reason
        self._is_closing = True
        if not when_done or self._is_idle():
            self._closed.set()

    def _is_idle(self) -> bool:
        return not (self.is_working or self._handler.is_busy) and self._events.empty()

    def _on_audio_nowait(self, event: Event) -> bool:
        if event.type != "audio-chunk" or self.is_working or self._is_closing or not self._events.empty():
            return False
        now = self.last_event = asyncio.get_running_loop().time()
        if self._account is not None and not self._account.is_within(event, self._stream.last_size, now):
            return False  # `_read_loop` waits
        is_taken = self._may_send(event) and self._try_audio(event)
        if is_taken and self._account is not None:
            self._account.charge(event, self._stream.last_size, now)
        return is_taken

    def _may_send(self, event: Event) -> bool:
        """Return whether the peer may send an event that says nothing of the peer; if not, close the connection."""
        if self._authorize is None:
            return True
        try:
            self._authorize(event)
        except BadEventError as err:
            self.close_with_reason(err)
            return False
        return True

    async def _read_loop(self) -> None:
        try:
            while (event := await self._stream.read()) is not None:
                self.last_event = asyncio.get_running_loop().time()
                if self._account is not None:
                    await self._wait_for_budget(self._account, event)
                match event.type:
                    case "describe":
                        await self._stream.write_encoded(self._info())
                    case "user-event" if event.data.get("name") == STATUS:
                        await self._stream.write_encoded(await self._status())
                    case "ping":
                        await self.send(Pong(event.data.get("text")).event())
                    case _:
                        await self._events.put(event if self._authorize is None else self._authorize(event))
        except BadEventError as err:
            self.close_with_reason(err)
        except ConnectionError:
            pass  # the peer disconnected during the answer
        await self._events.put(None)

    async def _wait_for_budget(self, account: Account, event: Event) -> None:
        """Count an event; read no more until it is within the client's budget. Raises BadEventError."""
        seconds = account.charge(event, self._stream.last_size, self.last_event)
        if seconds:
            self.last_event += seconds  # a client that is slowed is not idle
            await asyncio.sleep(seconds)

    async def _handle_loop(self) -> None:
        while (event := await self._events.get()) is not None:
            self.is_working = True
            try:
                await self._handle(event)
            except ConnectionError:
                return
            finally:
                self.is_working = False
                self.last_event = asyncio.get_running_loop().time()
            if self._is_closing and self._is_idle():
                return

    async def _handle(self, event: Event) -> None:
        turn.adopt(event)
        try:
            await self._handler.on_event(event)
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self.send(Error(str(err), err.code).event())
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - the edge of a connection: a bug must not take the other peers down
            self.close_with_reason(RosieError("internal error; see the daemon's log"))
            _LOG.exception("request failed")

    async def _send_close_reason(self) -> None:
        if self._close_reason is not None:
            with suppress(ConnectionError):
                await self.send(Error(str(self._close_reason), self._close_reason.code).event())
        await self._stream.close()

    def _break_cycles(self) -> None:
        """Break reference cycles, so that memory is freed now and not at the next garbage collection."""
        self._stream.on_event_nowait = self._stream.on_batch_end = None
        self._handler = ClosedHandler()
        self._try_audio = _refuse_nowait


def _refuse_nowait(_: Event) -> bool:
    return False


class _ConnectionSender:
    """The `send` of a connection's handler."""

    def __init__(self, connection: Connection, peer: Peer) -> None:
        self._connection = connection
        self.peer = peer

    def __call__(self, event: Event) -> Awaitable[None]:
        return self._connection.send(event)

    def nowait(self, event: Event) -> bool:
        return self._connection.send_nowait(event)


class ClosedHandler:
    """Placeholder for the handler of a closed connection."""

    is_busy = False

    async def on_event(self, event: Event) -> None: ...

    async def close(self) -> None: ...


async def _cancel_tasks(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
