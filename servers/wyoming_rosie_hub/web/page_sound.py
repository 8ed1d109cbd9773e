"""Page sound: carries a page's sound both ways by the transport that the page chose."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_hub.web.playout import Playout
from wyoming_rosie_hub.web.stream_messages import opus_seconds
from wyoming_rosie_hub.web.transports import SoundOffer, Transport, check_offer

if TYPE_CHECKING:
    from wyoming_rosie_hub.web.answer_routes import AnswerRoute
    from wyoming_rosie_hub.web.opus import OpusDecoder

TRANSPORT = "transport"
"""Name of the user-event with which a page says how it sends its sound and wants the answers'."""
HELD_SECONDS = 0.15
"""Delay of an `audio-stop` behind the sound of a WebRTC connection, which keeps 80 ms to bring packets in order."""
WAKE_UNAVAILABLE = "wake-unavailable"
"""Code of an error that leaves an answer alone."""


class WebRtcRefusedError(RosieError):
    """A connection cannot be made at the moment."""

    code = "busy"


class SoundPeer(Protocol):
    """A WebRTC connection with one page, which takes the answers' sound from a playout."""

    async def answer(self, sdp: str) -> str:
        """Return the answer to a page's offer. Raises BadEventError, and then needs no `close`."""

    async def run(self) -> None:
        """Wait until the connection is lost, or did not come up in time."""

    async def close(self) -> None:
        """End the connection; it may be called again."""

    def wake(self) -> None:
        """Prepare the page for an answer."""


CreatePeer: TypeAlias = Callable[[Playout, Callable[[Event], None], Callable[[bytes], Awaitable[None]], str], SoundPeer]
"""Arguments: the playout, what sends the events that are due in it, what gets the microphone's PCM, the STUN server."""


class PageSound:
    """The sound of one page. `send` queues an event for it, `load_peers` returns what makes its WebRTC connections."""

    def __init__(
        self,
        offer: SoundOffer,
        send: Callable[[Event], None],
        load_peers: Callable[[], CreatePeer] = lambda: _load_peers(),
    ) -> None:
        self.offer = offer
        self.transport = Transport.PCM
        self._send = send
        self._load_peers = load_peers
        self._decoder: OpusDecoder | None = None
        self._playout = Playout()
        self._answer: AnswerRoute | None = None  # of an answer that is under way, None for its voice's own format
        self._peer: SoundPeer | None = None
        self._peer_task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def has_peer(self) -> bool:
        """Whether a WebRTC connection is there, or is being made."""
        return self._peer_task is not None

    async def choose(self, event: Event) -> None:
        """Use the transport that a page names from now on. Raises BadEventError if it is not offered."""
        name = Fields(event.data, BadEventError).text("transport", 1, 16)
        if name not in self.offer.transports:
            raise BadEventError(f"no such transport; there are: {', '.join(self.offer.transports)}")
        if name == Transport.OPUS and self._decoder is None:
            self._decoder = await asyncio.to_thread(_create_decoder)
        self.transport = Transport(name)
        if name != Transport.WEBRTC:
            self._leave_track()

    def seconds(self, message: bytes) -> float:
        """Return how much sound a binary message holds. Raises BadEventError."""
        return opus_seconds(message) if self.transport is Transport.OPUS else SPEECH.seconds(len(message))

    def decode(self, message: bytes) -> bytes:
        """Return the PCM of a binary message. Raises BadEventError."""
        if self.transport is Transport.OPUS and self._decoder is not None:
            return self._decoder.decode(message)
        return message

    def send(self, event: Event) -> None:
        """Send an event, and an answer's sound in the way that the page chose."""
        if self._peer is not None and event.type != "pong":
            self._peer.wake()
        match event.type:
            case "audio-start":
                self._start_answer(event)
            case "audio-chunk" if self._answer is not None:
                self._answer.add(event.payload or b"")
            case "audio-stop" if self._answer is not None:
                self._answer.end()
            case _:
                if _ends_answer(event):
                    self._answer = None
                    self._playout.clear()
                self._send(event)

    async def connect(self, sdp: str, address: str, on_audio: Callable[[bytes], Awaitable[None]]) -> str:
        """Return the answer to an offer of WebRTC that came from `address`. Raises BadEventError, WebRtcRefusedError."""
        offer = check_offer(sdp, address)
        create_peer = await asyncio.to_thread(self._load_peers)
        peer = create_peer(self._playout, self._send, on_audio, self.offer.stun)
        answer = await peer.answer(offer)
        await self._disconnect()
        if self._is_closed or self.has_peer:
            await peer.close()
            raise WebRtcRefusedError("the page has disconnected, or connects twice")
        task = asyncio.create_task(peer.run())
        self._peer, self._peer_task = peer, task
        task.add_done_callback(self._on_peer_ended)
        return answer

    async def close(self) -> None:
        """End the WebRTC connection, if there is one."""
        self._is_closed = True
        await self._disconnect()

    async def _disconnect(self) -> None:
        peer, task = self._peer, self._peer_task
        if peer is not None and task is not None:
            task.cancel()
            await asyncio.wait({task})
            await peer.close()  # the task may have ended before it began

    def _on_peer_ended(self, task: asyncio.Task[None]) -> None:
        if task is self._peer_task:
            self._peer = self._peer_task = None
            self._leave_track()

    def _start_answer(self, start: Event) -> None:
        self._playout.clear()
        self._answer = None
        if self.transport is Transport.PCM or (self.transport is Transport.WEBRTC and self._peer is None):
            self._send(start)
            return
        from wyoming_rosie_hub.web.answer_routes import create_route

        self._answer = create_route(start, self.transport, self._playout, self._send)

    def _leave_track(self) -> None:
        """Send the rest of an answer that is being played out by the WebSocket."""
        if self._answer is not None:
            self._answer.leave_track()


def _ends_answer(event: Event) -> bool:
    """Return whether a page plays nothing of the answer before this event any more."""
    is_error = event.type == "error" and event.data.get("code") != WAKE_UNAVAILABLE
    return is_error or event.type in ("transcribe", "transcript")


def _create_decoder() -> "OpusDecoder":
    """Load the codec, which takes time that the event loop must not wait."""
    import_module("wyoming_rosie_hub.web.answer_routes")
    from wyoming_rosie_hub.web.opus import OpusDecoder

    return OpusDecoder()


def _load_peers() -> CreatePeer:
    """Load aiortc, which takes half a second."""
    from wyoming_rosie_hub.web.webrtc import WebRtcPeer

    return WebRtcPeer
