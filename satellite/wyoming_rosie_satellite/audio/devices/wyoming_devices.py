"""Wyoming devices: microphones and speakers that are Wyoming services, on this machine or another."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from wyoming.audio import AudioChunk, AudioStart, AudioStop

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie_satellite.audio.devices.pacing import PlaybackClock

CHUNK_TIMEOUT_SECONDS = 5.0
LEAD_SECONDS = 0.5
"""Audio that is sent ahead of real time."""
PLAYED_TIMEOUT_SECONDS = 15.0
"""A speaker may take this long to report the end of playback."""


class WyomingMicrophone:
    """Yields the audio that a service sends, in its format. Raises ConfigError."""

    def __init__(self, uri: str) -> None:
        address.parse(uri)
        self.format = SPEECH
        self._uri = uri

    async def frames(self) -> AsyncGenerator[bytes, None]:
        first_format: AudioFormat | None = None
        async with connect(self._uri) as peer:
            while True:
                event = await peer.receive(CHUNK_TIMEOUT_SECONDS)
                if event.type != "audio-chunk":
                    continue
                self.format = format_of(event)
                if first_format not in (None, self.format):
                    raise DeviceError(f"the microphone {self._uri} has changed its format")
                first_format = self.format
                pcm = event.payload or b""
                yield pcm[: len(pcm) - len(pcm) % first_format.frame_bytes]


class WyomingSpeaker:
    """Sends each clip to a service, which reports when it was played. Raises ConfigError."""

    def __init__(self, uri: str, audio: AudioFormat) -> None:
        address.parse(uri)
        self.format = audio
        self._uri = uri
        self._clock = PlaybackClock()
        self._connection = AsyncExitStack()
        self._client: Client | None = None

    async def play(self, pcm: bytes) -> None:
        peer = self._client or await self._connect()
        await self._clock.wait_until_left(LEAD_SECONDS)
        self._clock.add(self.format.seconds(len(pcm)))
        await peer.send(AudioChunk(self.format.rate, self.format.width, self.format.channels, pcm).event())

    async def drain(self) -> None:
        peer, self._client = self._client, None
        if peer is None:
            return
        async with self._connection:
            await peer.send(AudioStop().event())
            await self._clock.wait_until_left(0)
            await peer.wait_for("played", seconds=PLAYED_TIMEOUT_SECONDS)

    async def stop(self) -> None:
        self._client = None
        self._clock.reset()
        await self._connection.aclose()  # Wyoming has no event to stop playback

    async def close(self) -> None:
        await self.stop()

    async def _connect(self) -> Client:
        self._connection = AsyncExitStack()
        peer = await self._connection.enter_async_context(connect(self._uri))
        self._client = peer
        await peer.send(AudioStart(self.format.rate, self.format.width, self.format.channels).event())
        return peer
