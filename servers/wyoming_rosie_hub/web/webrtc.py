"""WebRTC with one page, by aiortc: its microphone as PCM, and the answers as a track."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fractions import Fraction
from math import ceil
from typing import Any

import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioResampler, Packet
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_hub.web.opus import OpusEncoder, pcm_of
from wyoming_rosie_hub.web.playout import Playout
from wyoming_rosie_hub.web.stream_messages import OPUS, OPUS_FRAME_SECONDS

_LOG = structlog.get_logger()
ANSWER_SECONDS = 5.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
REST_AFTER_SECONDS = 5.0
"""Silence after the last event for the page, beyond which the track rests."""
REST_PACKET_SECONDS = 1.0
"""Time between two packets of a track that rests."""
MAX_LATE_SECONDS = 0.5
"""Delay of the event loop that the track makes up for by sending faster."""
_FRAME_SAMPLES = round(OPUS_FRAME_SECONDS * OPUS.rate)


class AnswerTrack(MediaStreamTrack):
    """Hands out the sound of a playout in real time, as Opus, and silence while there is none.

    A browser plays without a gap what follows silence, but not what follows nothing: the track wakes before an answer.
    """

    kind = "audio"

    def __init__(self, playout: Playout, send: Callable[[Event], None]) -> None:
        super().__init__()
        self._playout = playout
        self._send = send
        self._encoder = OpusEncoder()
        self._began_at = self._wake_at = loop_time()
        self._awake = asyncio.Event()
        self._number = 0

    def wake(self) -> None:
        """Send packets without a pause from now on, for a while."""
        self._wake_at = loop_time()
        self._awake.set()

    async def recv(self) -> "Packet[Any]":
        """Return the next packet when it is due."""
        await self._wait_until_due()
        pcm, events = self._playout.take_frame()
        if pcm:
            self.wake()
        packet = Packet(self._encoder.encode(pcm))
        packet.pts, packet.time_base = self._number * _FRAME_SAMPLES, Fraction(1, OPUS.rate)
        for event in events:
            self._send(event)
        return packet

    async def _wait_until_due(self) -> None:
        self._number += 1
        if self._playout.is_empty and loop_time() - self._wake_at > REST_AFTER_SECONDS:
            await self._rest()
        late = loop_time() - self._began_at - self._number * OPUS_FRAME_SECONDS
        if late > MAX_LATE_SECONDS:
            self._number = self._next_number()
        await asyncio.sleep(max(0.0, -late))

    async def _rest(self) -> None:
        self._awake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(REST_PACKET_SECONDS):
                await self._awake.wait()
        self._number = max(self._number, self._next_number())

    def _next_number(self) -> int:
        return ceil((loop_time() - self._began_at) / OPUS_FRAME_SECONDS)


class WebRtcPeer:
    """One connection. `on_audio` gets what the microphone hears, and may raise BadEventError, which ends the connection."""

    def __init__(
        self,
        playout: Playout,
        send: Callable[[Event], None],
        on_audio: Callable[[bytes], Awaitable[None]],
        stun: str = "",
    ) -> None:
        servers = [RTCIceServer(stun)] if stun else []
        self._connection = RTCPeerConnection(RTCConfiguration(servers))
        self._on_audio = on_audio
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._track = AnswerTrack(playout, send)
        self._receiver: asyncio.Task[None] | None = None
        self._connection.on("track", self._on_track)
        self._connection.on("connectionstatechange", self._on_state)

    def wake(self) -> None:
        """Prepare the page for an answer."""
        self._track.wake()

    async def answer(self, sdp: str) -> str:
        """Return the answer to a page's offer, with all candidates of this machine. Raises BadEventError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                self._connection.addTrack(self._track)
                await self._connection.setLocalDescription(await self._connection.createAnswer())
        except asyncio.CancelledError:
            await self.close()
            raise
        except Exception as err:  # aiortc raises what comes of a wrong offer, such as KeyError
            await self.close()
            raise BadEventError("this is no offer of WebRTC that can be answered") from err
        return str(self._connection.localDescription.sdp)

    async def run(self) -> None:
        """Wait until the connection is lost, or did not come up in time."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connected.wait()
        except TimeoutError:
            _LOG.info("WebRTC does not connect; the page goes on by WebSocket")
        else:
            await self._lost.wait()
        await self.close()

    async def close(self) -> None:
        """End the connection; it may be called again."""
        if self._receiver is not None:
            self._receiver.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if self._receiver is None:
            self._receiver = asyncio.create_task(self._receive(track))

    def _on_state(self) -> None:
        if self._connection.connectionState == "connected":
            self._connected.set()
        elif self._connection.connectionState in ("failed", "closed"):
            self._connected.set()
            self._lost.set()

    async def _receive(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler("s16", "mono", SPEECH.rate)
        with suppress(MediaStreamError, BadEventError):
            while True:
                frame: Any = await track.recv()
                for part in resampler.resample(frame):
                    await self._on_audio(pcm_of(part))
        self._lost.set()
