"""Microphones and speakers that are Wyoming services, on this machine or another."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie_satellite.audio.errors import DeviceError
from wyoming_rosie_satellite.audio.pacing import PlayingPace

LONGEST_GAP_SECONDS = 5.0
LEAD_SECONDS = 0.5
"""So much sound is sent before it is heard."""
LAST_SOUND_SECONDS = 15.0
"""A speaker may take so long to say that it has played what it was sent."""


class WyomingMicrophone:
    """Hears the audio that a service sends, in its format. Raises ConfigError."""

    def __init__(self, uri: str) -> None:
        address.parse(uri)
        self.format = SPEECH
        self._uri = uri

    async def frames(self) -> AsyncGenerator[bytes, None]:
        known: AudioFormat | None = None
        async with connect(self._uri) as peer:
            while True:
                event = await peer.receive(LONGEST_GAP_SECONDS)
                if event.type != "audio-chunk":
                    continue
                self.format = format_of(event)
                if known not in (None, self.format):
                    raise DeviceError(f"the microphone {self._uri} has changed its format")
                known = self.format
                pcm = event.payload or b""
                yield pcm[: len(pcm) - len(pcm) % known.frame_bytes]


class WyomingSpeaker:
    """Sends each sound to a service, which says when it was played. Raises ConfigError."""

    def __init__(self, uri: str, audio: AudioFormat) -> None:
        address.parse(uri)
        self.format = audio
        self._uri = uri
        self._pace = PlayingPace()
        self._connection = AsyncExitStack()
        self._peer: Client | None = None

    async def play(self, pcm: bytes) -> None:
        peer = self._peer or await self._begin()
        await self._pace.until_left(LEAD_SECONDS)
        self._pace.play(self.format.seconds(len(pcm)))
        await peer.send(AudioChunk(self.format.rate, self.format.width, self.format.channels, pcm).event())

    async def drain(self) -> None:
        peer, self._peer = self._peer, None
        if peer is None:
            return
        async with self._connection:
            await peer.send(AudioStop().event())
            await self._pace.until_left(0)
            await peer.wait_for("played", seconds=LAST_SOUND_SECONDS)

    async def silence(self) -> None:
        self._peer = None
        self._pace.stop()
        await self._connection.aclose()  # there is no other way to tell it

    async def close(self) -> None:
        await self.silence()

    async def _begin(self) -> Client:
        self._connection = AsyncExitStack()
        peer = await self._connection.enter_async_context(connect(self._uri))
        self._peer = peer
        await peer.send(AudioStart(self.format.rate, self.format.width, self.format.channels).event())
        return peer
