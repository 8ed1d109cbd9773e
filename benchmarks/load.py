"""Load generator for benchmarks: satellites that stream wake words in real time, and `describe` requests beside them.

Events are encoded once and sent at fixed times, whatever the server does. As a program it measures its own cost:

    python benchmarks/load.py [STREAMS ...]
"""

import asyncio
import random
import statistics
import sys
import time
from array import array
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.wire import Decoder, encode

CHUNK_SECONDS = 0.08
LATEST_SECONDS = 0.3
"""A word is detected in time if its detection comes between its start and this long after its end."""
LOUD = 0.1
"""Amplitude, relative to the maximum, from which a frame belongs to the word."""
FRAME_SECONDS = 0.05
NOISE = 8  # of 32768, as a quiet room has
PAUSES_SECONDS = (2.0, 3.1, 2.4, 2.8, 2.2)
"""Unequal, so that a server with a constant delay cannot seem to be in time for the next word."""
SLIP_SECONDS = 0.02
"""99th percentile of the send delay above which a measurement is invalid."""
CONNECTIONS_PER_ADDRESS = 8
"""Daemons limit them, and in a home each satellite has its own address."""
FORM = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
AUDIO_START = encode(Event("audio-start", FORM))
DESCRIBE = encode(Event("describe"))
AnyProtocol = TypeVar("AnyProtocol", bound=asyncio.Protocol)


@dataclass(frozen=True)
class SpokenWord:
    """Start and end of a spoken word, in seconds."""

    start: float
    end: float

    @property
    def deadline(self) -> float:
        return self.end + LATEST_SECONDS

    def shift(self, seconds: float) -> "SpokenWord":
        return SpokenWord(self.start + seconds, self.end + seconds)


@dataclass(frozen=True)
class AudioTrack:
    """Audio in a loop: an encoded event for each chunk, and the times of the words."""

    chunks: tuple[bytes, ...]
    words: tuple[SpokenWord, ...]

    @property
    def seconds(self) -> float:
        return len(self.chunks) * CHUNK_SECONDS

    @property
    def window_seconds(self) -> float:
        """The shortest time that always contains a complete word and its deadline."""
        following = (*self.words[1:], self.words[0].shift(self.seconds))
        return max(after.deadline - word.start for word, after in zip(self.words, following, strict=True))


def create_track(clip: bytes) -> AudioTrack:
    """Return the clip repeated with unequal pauses of soft noise."""
    noise = random.Random(1)
    spoken = find_speech(clip)
    pcm = bytearray()
    words = []
    for pause in PAUSES_SECONDS:
        pcm += create_noise(noise, SPEECH.bytes_in(pause))
        words.append(spoken.shift(SPEECH.seconds(len(pcm))))
        pcm += clip
    size = SPEECH.bytes_in(CHUNK_SECONDS)
    pcm += create_noise(noise, -len(pcm) % size)
    return AudioTrack(tuple(encode_chunk(bytes(pcm[at : at + size])) for at in range(0, len(pcm), size)), tuple(words))


def find_speech(clip: bytes) -> SpokenWord:
    """Return the start and end of the loud part of a clip."""
    size = SPEECH.bytes_in(FRAME_SECONDS)
    power = [_mean_power(clip[at : at + size]) for at in range(0, len(clip), size)]
    loud = [index for index, value in enumerate(power) if value > LOUD**2 * max(power)]
    return SpokenWord(loud[0] * FRAME_SECONDS, (loud[-1] + 1) * FRAME_SECONDS)


def create_noise(noise: random.Random, size: int) -> bytes:
    """Return `size` bytes of noise as in a quiet room."""
    return array("h", (noise.randint(-NOISE, NOISE) for _ in range(size // SPEECH.width))).tobytes()


def encode_chunk(pcm: bytes) -> bytes:
    """Return PCM as an encoded audio-chunk."""
    return encode(Event("audio-chunk", FORM, pcm))


class SatelliteStream(asyncio.Protocol):
    """A satellite that streams the track from one of its chunks on, and records the times of detections."""

    def __init__(self, track: AudioTrack, names: Sequence[str], first_chunk: int = 0) -> None:
        self.detections: list[float] = []
        self.send_delays: list[float] = []  # seconds, by chunk
        self.lost = False
        self._track = track
        self._hello = encode(Event("detect", {"names": list(names)})) + AUDIO_START
        self._first_chunk = first_chunk
        self._decoder = Decoder()
        self._begun = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def start(self, at: float) -> None:
        """Stream from this loop time on; a chunk is sent at the end of its audio."""
        self._loop = asyncio.get_running_loop()
        self._begun = at
        self._transport.write(self._hello)
        self._timer = self._loop.call_at(at + CHUNK_SECONDS, self._send)

    def pause(self) -> None:
        """Stop streaming, but stay connected."""
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        self.pause()
        self._transport.abort()

    def spoken_words(self, since: float, until: float) -> Iterator[SpokenWord]:
        """Yield the words that start after `since` and whose deadlines are before `until`."""
        zero = self._begun - self._first_chunk * CHUNK_SECONDS  # when the track would have begun
        since = max(since, self._begun)
        turn = int((since - zero) // self._track.seconds)
        while (turned := zero + turn * self._track.seconds) < until:
            words = [word.shift(turned) for word in self._track.words]
            yield from (word for word in words if word.start >= since and word.deadline <= until)
            turn += 1

    def detection_delay(self, word: SpokenWord) -> float | None:
        """Return the seconds from the end of a word to its detection, negative if earlier; None if not in time."""
        return next((at - word.end for at in self.detections if word.start <= at <= word.deadline), None)

    def keeps_up(self, since: float, until: float) -> bool:
        """Return whether there were words, and each was detected in time."""
        words = list(self.spoken_words(since, until))
        return bool(words) and not self.lost and all(self.detection_delay(word) is not None for word in words)

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next()) is not None:
            if event.type == "detection":
                self.detections.append(self._loop.time())

    def connection_lost(self, exc: Exception | None) -> None:
        self.pause()
        self.lost = True

    def _send(self) -> None:
        sent = len(self.send_delays)
        self.send_delays.append(self._loop.time() - self._begun - (sent + 1) * CHUNK_SECONDS)
        self._transport.write(self._track.chunks[(self._first_chunk + sent) % len(self._track.chunks)])
        self._timer = self._loop.call_at(self._begun + (sent + 2) * CHUNK_SECONDS, self._send)


class DescribeClient(asyncio.Protocol):
    """Sends `describe` at fixed times, without waiting for answers."""

    def __init__(self) -> None:
        self.infos: list[Event] = []
        self._waits: list[float] = []
        self._asked: deque[float] = deque()
        self._decoder = Decoder()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    async def send_requests(self, every: float, seconds: float) -> None:
        begun = self._loop.time()
        for number in range(round(seconds / every)):
            await asyncio.sleep(begun + number * every - self._loop.time())
            self._asked.append(self._loop.time())
            self._transport.write(DESCRIBE)

    def response_times(self) -> list[float]:
        """Return the seconds from each request to its answer, or to now without one."""
        return self._waits + [self._loop.time() - asked for asked in self._asked]

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next()) is not None:
            self.infos.append(event)
            self._waits.append(self._loop.time() - self._asked.popleft())


async def connect(port: int, protocol: AnyProtocol, number: int = 0) -> AnyProtocol:
    """Connect as satellite `number`, from an address that few others share."""
    source = f"127.0.0.{2 + number // CONNECTIONS_PER_ADDRESS % 250}"
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: protocol, "127.0.0.1", port, local_addr=(source, 0))
    return protocol


@asynccontextmanager
async def run_streams(
    port: int, track: AudioTrack, names: Sequence[str], count: int
) -> AsyncIterator[list[SatelliteStream]]:
    """Run `count` streams during the block, spread evenly over the track and over the time of a chunk."""
    streams: list[SatelliteStream] = []
    try:
        for number in range(count):
            first_chunk = number * len(track.chunks) // count
            streams.append(await connect(port, SatelliteStream(track, names, first_chunk), number))
        now = loop_time()
        for number, stream in enumerate(streams):
            stream.start(now + number * CHUNK_SECONDS / count)
        yield streams
    finally:
        for stream in streams:
            stream.close()


def loop_time() -> float:
    """Return the time of the event loop."""
    return asyncio.get_running_loop().time()


def send_delay_p99(streams: Sequence[SatelliteStream]) -> float:
    """Return the 99th percentile of the delay with which chunks were sent."""
    return percentile([slip for stream in streams for slip in stream.send_delays], 99)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else max(values)


def _mean_power(pcm: bytes) -> float:
    return statistics.fmean(sample * sample for sample in array("h", pcm))


class _DiscardProtocol(asyncio.Protocol):
    """A server that discards its input."""


async def _serve_discard() -> None:
    server = await asyncio.get_running_loop().create_server(_DiscardProtocol, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _measure_cost(port: int, count: int, seconds: float = 5.0) -> str:
    async with run_streams(
        port, create_track(bytes(SPEECH.bytes_in(1.0) - 2) + b"\xff\x7f"), ["any"], count
    ) as streams:
        await asyncio.sleep(1)
        begun = time.process_time()
        await asyncio.sleep(seconds)
        cpu = (time.process_time() - begun) / seconds
        return f"| {count} | {100 * cpu:.1f} | {1000 * send_delay_p99(streams):.2f} |"


async def _print_costs(counts: Sequence[int]) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, __file__, "--sink", stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        print("| streams of 80 ms | client's CPU, % of a core | 99 % of chunks leave within, ms |\n|---|---|---|")
        for count in counts:
            print(await _measure_cost(port, count), flush=True)
    finally:
        child.kill()
        await child.wait()


if __name__ == "__main__":
    if "--sink" in sys.argv:
        asyncio.run(_serve_discard())
    else:
        asyncio.run(_print_costs([int(count) for count in sys.argv[1:]] or [32, 128, 256]))
