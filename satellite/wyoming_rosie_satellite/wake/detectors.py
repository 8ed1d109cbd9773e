"""Finding wake words in the microphone's audio: in this process, or at a wake daemon."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import Event
from wyoming.info import Describe, Info, WakeProgram
from wyoming.wake import Detect

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.wakeword.detection import TriggerRules, drop_near_misses
from wyoming_rosie.wakeword.micro import MicroModel, MicroStream
from wyoming_rosie_satellite.messages import WakeWord

_LOG = structlog.get_logger()
MAX_QUEUED_FRAMES = 250
PIECE_BYTES = SPEECH.bytes_in(0.06)
"""Two scores of a microWakeWord network; waking its thread costs several times what they do."""
MAX_QUEUED_PIECES = 100
MAX_PAUSE_SECONDS = 30.0
SAMPLES_PER_MS = SPEECH.rate // 1000
MAX_STREAM_MS = 1e12


class WakeDetector(Protocol):
    """Listens for wake words."""

    def push_audio(self, pcm: bytes) -> None:
        """Take the microphone's next audio; never waits."""

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        """Call `heard` for each wake word until cancelled."""


class AudioBacklog:
    """The microphone's audio that was not listened to yet; when there is too much, the oldest is lost.

    A sample's place in what the listener was given, plus `offset`, is its place in the microphone's audio.
    """

    def __init__(self) -> None:
        self.offset = 0
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED_FRAMES)
        self._received = 0

    def push(self, pcm: bytes) -> None:
        if self._frames.full():
            self.offset += _count_samples(self._frames.get_nowait())
        self._frames.put_nowait(pcm)
        self._received += _count_samples(pcm)

    async def pop(self) -> bytes:
        return await self._frames.get()

    def reset(self) -> None:
        """Forget everything for a listener that begins now."""
        while not self._frames.empty():
            self._frames.get_nowait()
        self.offset = self._received


class LocalDetector:
    """Wake words in this process, on a thread of their own, which wakes the event loop for words only."""

    def __init__(self, words: Sequence[MicroModel], rules: TriggerRules) -> None:
        self._words = words
        self._rules = rules
        self._received = 0  # samples
        self._piece = b""
        self._pieces: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()  # with the sample after each

    def push_audio(self, pcm: bytes) -> None:
        self._piece += pcm
        self._received += _count_samples(pcm)
        if len(self._piece) >= PIECE_BYTES:
            if self._pieces.qsize() >= MAX_QUEUED_PIECES:
                with suppress(Empty):  # it was taken just now
                    self._pieces.get_nowait()
            self._pieces.put((self._received, self._piece))
            self._piece = b""

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        worker = ThreadWorker("wake")
        loop = asyncio.get_running_loop()
        try:
            await worker.run(self._detect, lambda word: loop.call_soon_threadsafe(on_wake_word, word))
        finally:
            self._pieces.put(None)
            worker.close()

    def _detect(self, on_wake_word: Callable[[WakeWord], object]) -> None:
        stream = MicroStream(self._words, self._rules)
        given = 0
        while (piece := self._pieces.get()) is not None:
            end, pcm = piece
            stream.skip(end - _count_samples(pcm) - given)  # what was lost before it
            given = end
            for found in drop_near_misses(stream.process(pcm)):
                on_wake_word(WakeWord(found.name, found.sample, turn.new_id(), found.score))


class RemoteDetector:
    """Wake words found by a daemon; no names leave the choice to it. Connects again and again if need be."""

    def __init__(self, uri: str, names: Sequence[str], learned: Callable[[list[WakeProgram]], None]) -> None:
        self._uri = uri
        self._detect = Detect(names=list(names) or None).event()
        self._on_info = learned  # is told what the daemon can hear
        self._backlog = AudioBacklog()
        self._connected = False
        self._sent = 0  # samples of this connection's stream

    def push_audio(self, pcm: bytes) -> None:
        self._backlog.push(pcm)

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with connect(self._uri) as peer:
                    await run_until_first_exit(self._send(peer), self._receive(peer, on_wake_word))
            except RosieError as err:
                if self._connected:
                    backoff.reset()
                if not backoff.failures:
                    _LOG.warning("wake daemon is away", uri=self._uri, reason=str(err))
            self._connected = False
            await backoff.sleep()

    async def _send(self, peer: Client) -> None:
        self._backlog.reset()
        self._sent = 0
        for event in (Describe().event(), self._detect, AudioStart(SPEECH.rate, SPEECH.width, SPEECH.channels).event()):
            await peer.send(event)
        while True:
            pcm = await self._backlog.pop()
            timestamp = self._sent // SAMPLES_PER_MS
            self._sent += _count_samples(pcm)
            await peer.send(AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm, timestamp=timestamp).event())

    async def _receive(self, peer: Client, on_wake_word: Callable[[WakeWord], None]) -> None:
        while True:
            event = await peer.receive()
            match event.type:
                case "info":
                    self._connected = True
                    _LOG.info("wake daemon listens", uri=self._uri)
                    self._on_info(_parse_wake_programs(event))
                case "detection":
                    on_wake_word(self._parse_detection(event))
                case "error":
                    _LOG.warning("wake daemon refuses", uri=self._uri, reason=event.data.get("text"))

    def _parse_detection(self, detection: Event) -> WakeWord:
        context = turn.event_context(detection)
        milliseconds = _bounded_number(detection.data.get("timestamp"), MAX_STREAM_MS)
        place = self._sent if milliseconds is None else round(milliseconds * SAMPLES_PER_MS)
        return WakeWord(
            name=str(detection.data.get("name") or ""),
            sample=self._backlog.offset + place,
            turn_id=str(context.get("turn_id") or turn.new_id()),
            score=_bounded_number(context.get("score"), 1.0),
        )


def _parse_wake_programs(info: Event) -> list[WakeProgram]:
    try:
        return Info.from_event(info).wake
    except (TypeError, KeyError, ValueError, AttributeError) as err:  # whatever the daemon sent instead
        raise BadEventError("the wake daemon's info is not one") from err


def _bounded_number(value: object, most: float) -> float | None:
    number = parse_number(value)
    return number if number is not None and 0 <= number <= most else None


def _count_samples(pcm: bytes) -> int:
    return len(pcm) // SPEECH.frame_bytes
