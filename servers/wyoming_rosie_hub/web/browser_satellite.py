"""Browser satellite: a page that is a satellite like any other, connected by a WebSocket within bounds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError, RosieError, UnreachableError
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.protocol.client import PeerError
from wyoming_rosie.runtime.outbox import Outbox
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.registry import SatelliteTakenError
from wyoming_rosie_hub.web.house import HouseSatellite
from wyoming_rosie_hub.web.page_sound import HELD_SECONDS, TRANSPORT, PageSound, WebRtcRefusedError
from wyoming_rosie_hub.web.stream_messages import (
    CloseCode,
    Message,
    MessageBudget,
    audio_event,
    decode_message,
    encode_event,
    parse_identity,
)
from wyoming_rosie_hub.web.transports import SoundOffer, Transport

MAX_STREAMS = 128
"""Pages that are connected at a time."""
MAX_PEERS = 32
"""Pages that are connected by WebRTC at a time; each takes a thread."""
MAX_PEERS_PER_ADDRESS = 16
TICKET_BYTES = 24
MAX_UNSENT = 256
"""Events that wait for a page; an answer's audio is sent at most three seconds ahead of its playback."""
SENTENCES = frozenset({"run-pipeline", "transcript"})
"""Events with which a sentence begins."""
SEND_SECONDS = 10.0
IDENTIFY_SECONDS = 10.0
REPLACE_SECONDS = 5.0


class StreamEndedError(RosieError):
    """The hub ends a page's connection."""

    def __init__(self, close_code: CloseCode, text: str) -> None:
        super().__init__(text)
        self.close_code = close_code


class MessageSocket(Protocol):
    """A WebSocket that has been accepted."""

    async def receive_message(self) -> Message | None:
        """Return the next message; None after the last one."""

    async def send_message(self, message: Message) -> None:
        """Send a message, waiting while the peer does not read. Raises ConnectionError."""


class SatelliteHost(Protocol):
    """The part of the house that a page needs."""

    def satellites(self) -> Sequence[HouseSatellite]:
        """Return the satellites, browsers among them."""

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        """Connect a page as a satellite during the block. Raises SatelliteTakenError."""


@dataclass(frozen=True)
class StreamCaller:
    """The sender of a stream; a key may say its room, and what it may do. `address` is of its machine."""

    name: str | None = None
    room: str | None = None
    check_room: Callable[[str], Awaitable[object]] | None = None  # raises ApiRequestError
    address: str = ""
    may_type: bool = True
    may_act: bool = True


class BrowserSatellite:
    """One page: feeds its messages to its turns, and sends it the events for it."""

    def __init__(
        self,
        socket: MessageSocket,
        house: SatelliteHost,
        caller: StreamCaller,
        offer: SoundOffer | None = None,
        *,
        send_seconds: float = SEND_SECONDS,
    ) -> None:
        self.caller = caller
        self.ticket = token_urlsafe(TICKET_BYTES)
        self._socket = socket
        self._send_seconds = send_seconds
        self._house = house
        self._outbox = Outbox[Event](MAX_UNSENT)
        self._budget = MessageBudget(loop_time())
        self._reader: SatelliteReader | None = None  # while connected
        self.sound = PageSound(offer or SoundOffer(), self._queue)
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def end(self, reason: StreamEndedError) -> None:
        """End the connection, for the first reason given."""
        if not self._end.done():
            self._end.set_exception(reason)

    async def run(self, pages: "ConnectedPages") -> None:
        """Exchange events until the page disconnects. Raises StreamEndedError."""
        try:
            satellite = await self._identify()
            async with pages.enter(satellite.satellite_id, self):
                await self._run_satellite(satellite)
        except SatelliteTakenError as err:
            raise StreamEndedError(CloseCode.TAKEN, str(err)) from err
        except (BadEventError, UnreachableError) as err:
            raise StreamEndedError(CloseCode.INVALID, str(err)) from err
        finally:
            self._end.cancel()
            self.closed.set()

    async def _identify(self) -> SatelliteIdentity:
        try:
            async with asyncio.timeout(IDENTIFY_SECONDS):
                message = await self._socket.receive_message()
        except TimeoutError:
            raise BadEventError("send `info` first") from None
        satellite = parse_identity(decode_message(message or ""), self.caller.room)
        await self._check_room(satellite)
        return replace(satellite, caller=self.caller.name, may_act=self.caller.may_act)

    async def _check_room(self, satellite: SatelliteIdentity) -> None:
        """Raise StreamEndedError if the page may not speak for its room. While nobody knows the rooms, nobody answers."""
        if satellite.area is None or self.caller.check_room is None:
            return
        try:
            with suppress(UnreachableError, PeerError):
                await self.caller.check_room(satellite.area)
        except ApiRequestError as err:
            raise StreamEndedError(CloseCode.PRIVATE, str(err)) from err

    async def _run_satellite(self, satellite: SatelliteIdentity) -> None:
        async with self._house.open_browser_satellite(satellite, self.sound.send) as self._reader:
            self._queue(Event("run-satellite", {"context": self._describe_house(satellite)}))
            try:
                await self._exchange(self._reader, satellite)
            finally:
                self._reader = None
                await self.sound.close()

    def _describe_house(self, satellite: SatelliteIdentity) -> dict[str, object]:
        areas = sorted({one.area for one in self._house.satellites() if one.area})
        offer = self.sound.offer
        context = {"area": satellite.area, "areas": areas, "area_is_fixed": self.caller.room is not None}
        webrtc = {"webrtc": {"ticket": self.ticket, "stun": offer.stun}} if offer.has_webrtc else {}
        return {**context, "transports": list(offer.transports), **webrtc}

    async def _exchange(self, reader: SatelliteReader, satellite: SatelliteIdentity) -> None:
        tasks = {asyncio.create_task(self._receive_all(reader, satellite)), asyncio.create_task(self._send_all())}
        try:
            done, _ = await asyncio.wait({*tasks, self._end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for finished in done:
            finished.result()

    async def _receive_all(self, reader: SatelliteReader, satellite: SatelliteIdentity) -> None:
        while (message := await self._socket.receive_message()) is not None:
            await self._on_message(message, reader, satellite)

    async def _on_message(self, message: Message, reader: SatelliteReader, satellite: SatelliteIdentity) -> None:
        if isinstance(message, bytes):
            self._budget.spend(self.sound.seconds(message), loop_time())
            await reader.on_event(decode_message(self.sound.decode(message)))
            return
        self._budget.spend(None, loop_time())
        event = decode_message(message)
        if event.type == "user-event" and event.data.get("name") == TRANSPORT:
            await self.sound.choose(event)
            return
        if event.type in SENTENCES:
            await self._check_room(satellite)
        if event.type == "transcript" and not self.caller.may_type:
            raise StreamEndedError(CloseCode.PRIVATE, "the key lacks the scope 'text'")
        if event.type == "audio-stop" and self.sound.transport is Transport.WEBRTC:
            await asyncio.sleep(HELD_SECONDS)
        await reader.on_event(event)

    async def answer_offer(self, sdp: str) -> str:
        """Return the answer to an offer of WebRTC. Raises BadEventError, WebRtcRefusedError."""
        return await self.sound.connect(sdp, self.caller.address, self._on_webrtc_audio)

    async def _on_webrtc_audio(self, pcm: bytes) -> None:
        self._budget.spend(SPEECH.seconds(len(pcm)), loop_time())
        if self._reader is not None and self.sound.transport is Transport.WEBRTC:
            await self._reader.on_event(audio_event(pcm))

    async def _send_all(self) -> None:
        with suppress(ConnectionError):
            await self._outbox.run(self._send_now)

    async def _send_now(self, event: Event) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._socket.send_message(encode_event(event))
        except TimeoutError:
            raise StreamEndedError(CloseCode.SLOW, "the page does not read") from None

    def _queue(self, event: Event) -> None:
        if not self._outbox.try_put(event):
            self.end(StreamEndedError(CloseCode.SLOW, "the page does not read"))


class ConnectedPages:
    """The pages by their satellite's id. The newest of an id replaces the one before, such as another tab's."""

    def __init__(self) -> None:
        self._pages: dict[str, BrowserSatellite] = {}

    @asynccontextmanager
    async def enter(self, satellite_id: str, page: BrowserSatellite) -> AsyncIterator[None]:
        """Register a page during the block, after the earlier one of its id has ended. Raises StreamEndedError."""
        earlier = self._pages.get(satellite_id)
        if earlier is None and len(self._pages) >= MAX_STREAMS:
            raise StreamEndedError(CloseCode.FULL, f"{MAX_STREAMS} pages are connected; close one")
        self._pages[satellite_id] = page
        try:
            if earlier is not None:
                await _replace(earlier)
            yield
        finally:
            if self._pages.get(satellite_id) is page:
                del self._pages[satellite_id]

    async def answer_offer(self, ticket: str, sdp: str) -> str:
        """Return the answer to an offer of WebRTC from the page with this ticket. Raises BadEventError, WebRtcRefusedError."""
        page = next((page for page in self._pages.values() if compare_digest(page.ticket, ticket)), None)
        if page is None or not page.sound.offer.has_webrtc:
            raise BadEventError("no page with this ticket is connected")
        others = [other.caller.address for other in self._pages.values() if other.sound.has_peer and other is not page]
        if len(others) >= MAX_PEERS or others.count(page.caller.address) >= MAX_PEERS_PER_ADDRESS:
            raise WebRtcRefusedError("too many pages are connected by WebRTC; go on by WebSocket")
        return await page.answer_offer(sdp)


async def _replace(page: BrowserSatellite) -> None:
    page.end(StreamEndedError(CloseCode.REPLACED, "another tab of this browser has taken over"))
    with suppress(TimeoutError):
        async with asyncio.timeout(REPLACE_SECONDS):
            await page.closed.wait()
