"""One connected peer: its events in order, `describe` and `ping` at any time, and a reason before it is let go."""

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
from wyoming_rosie.protocol.wire import EventStream

_LOG = structlog.get_logger()
Send: TypeAlias = Callable[[Event], Awaitable[None]]

WRITE_SECONDS = 10.0
EVENTS_WAITING = 32


class Conversation(Protocol):
    """One connected peer's requests; all state of the connection lives here."""

    @property
    def busy(self) -> bool:
        """Whether a request is under way, which a stopping daemon lets finish."""

    async def on_event(self, event: Event) -> None:
        """Handle one event, in order. Raise RosieError to answer `error`; ignore types that are not for you.

        Long waits are fine: `describe` and `ping` are answered meanwhile. Cancelled when the peer leaves.
        """

    async def close(self) -> None:
        """Let go of everything; called once, however the connection ended."""


@runtime_checkable
class MayBeSilent(Protocol):
    """A conversation whose peer may have nothing to say for as long as it likes."""

    @property
    def may_be_silent(self) -> bool:
        """Whether that is so now."""


@runtime_checkable
class SendsAtOnce(Protocol):
    """A `send` that can do without a task while the peer keeps up."""

    def now(self, event: Event) -> bool:
        """Send an event if the peer takes it without waiting; return whether it did."""


@runtime_checkable
class HearsAtOnce(Protocol):
    """A conversation that mostly only has to put audio aside, which then costs no task and no turn."""

    def hear_now(self, event: Event) -> bool:
        """Take an audio-chunk without waiting, or return False to have it come to `on_event`. Raises nothing."""

    def rest(self, source: EventStream) -> None:
        """Hold the peer's events back, if they may be taken together with others': for less than a tenth of a second."""


class Peer:
    """Reads and works at the same time, so that a peer that leaves ends the work that nobody wants any more."""

    def __init__(
        self,
        stream: EventStream,
        host: str,
        info: Callable[[], bytes],
        converse: Callable[[Send], Conversation],
        *,
        finish_at_end: bool = False,
    ) -> None:
        self.heard = asyncio.get_running_loop().time()
        self.at_work = False
        self._stream = stream
        self._host = host
        self._info = info
        self._conversation = converse(_Sender(self))
        self._finish_at_end = finish_at_end  # a pipe's end is the end of the questions, a socket's that of the interest
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(EVENTS_WAITING)
        self._farewell: RosieError | None = None
        self._dismissed = asyncio.Event()
        self._quick: Callable[[Event], bool] = _not_now
        self._leaving = False
        if isinstance(self._conversation, HearsAtOnce):
            self._quick = self._conversation.hear_now
            stream.quick, stream.rest = self._hear_now, self._conversation.rest

    async def serve(self) -> None:
        """Serve the peer until it leaves or is dismissed."""
        structlog.contextvars.bind_contextvars(peer=self._host)
        reading = asyncio.create_task(self._read())
        tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._dismissed.wait())]
        if not self._finish_at_end:
            tasks.append(reading)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _end(reading, *tasks)
            await self._conversation.close()
            await self._say_goodbye()
            self._let_go()

    @property
    def may_be_silent(self) -> bool:
        return isinstance(self._conversation, MayBeSilent) and self._conversation.may_be_silent

    async def send(self, event: Event) -> None:
        """Send one event. Raises ConnectionError when the peer is gone or does not read for WRITE_SECONDS."""
        if not self.send_now(event):
            await self.send_in_time(event)
        await asyncio.sleep(0)  # a long answer to one peer lets the others have theirs

    def send_now(self, event: Event) -> bool:
        """Send an event if the peer takes it without waiting; return whether it did."""
        return self._stream.write_now(event)

    async def send_in_time(self, event: Event) -> None:
        """Send an event that has to wait for room. Raises ConnectionError when there is none within WRITE_SECONDS."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._stream.write(event)
        except TimeoutError as err:
            self._stream.abort()
            raise ConnectionAbortedError("the peer does not read") from err

    def dismiss(self, farewell: RosieError, *, when_done: bool = False) -> None:
        """Tell the peer why and let it go: at once, or after the request that is under way."""
        self._farewell = farewell
        self._leaving = True
        if not when_done or self._is_done():
            self._dismissed.set()

    def _is_done(self) -> bool:
        return not (self.at_work or self._conversation.busy) and self._events.empty()

    def _hear_now(self, event: Event) -> bool:
        if event.type != "audio-chunk" or self.at_work or self._leaving or not self._events.empty():
            return False
        self.heard = asyncio.get_running_loop().time()
        return self._quick(event)

    async def _read(self) -> None:
        try:
            while (event := await self._stream.read()) is not None:
                self.heard = asyncio.get_running_loop().time()
                match event.type:
                    case "describe":
                        await self._stream.write_encoded(self._info())
                    case "ping":
                        await self.send(Pong(event.data.get("text")).event())
                    case _:
                        await self._events.put(event)
        except BadEventError as err:
            self.dismiss(err)
        except ConnectionError:
            pass  # the peer left while it was answered
        await self._events.put(None)

    async def _work(self) -> None:
        while (event := await self._events.get()) is not None:
            self.at_work = True
            try:
                await self._handle(event)
            except ConnectionError:
                return
            finally:
                self.at_work = False
                self.heard = asyncio.get_running_loop().time()
            if self._leaving and self._is_done():
                return

    async def _handle(self, event: Event) -> None:
        turn.follow(event)
        try:
            await self._conversation.on_event(event)
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self.send(Error(str(err), err.code).event())
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - the edge of a connection: a bug must not take the other peers down
            self.dismiss(RosieError("something went wrong inside this daemon; its log says what"))
            _LOG.exception("request failed")

    async def _say_goodbye(self) -> None:
        if self._farewell is not None:
            with suppress(ConnectionError):
                await self.send(Error(str(self._farewell), self._farewell.code).event())
        await self._stream.close()

    def _let_go(self) -> None:
        """Undo the references in circles, which would keep what a peer has left until the collector runs."""
        self._stream.quick = self._stream.rest = None
        self._conversation = EndedConversation()
        self._quick = _not_now


def _not_now(_: Event) -> bool:
    return False


class _Sender:
    """Sends to a peer, at once if need be."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def __call__(self, event: Event) -> Awaitable[None]:
        return self._peer.send(event)

    def now(self, event: Event) -> bool:
        return self._peer.send_now(event)


class EndedConversation:
    """Stands in for the conversation of a peer that has left."""

    busy = False

    async def on_event(self, event: Event) -> None: ...

    async def close(self) -> None: ...


async def _end(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
