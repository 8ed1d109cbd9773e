"""Fakes: a speech-to-text engine and a client."""

import asyncio
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution

from tests.unit.vad.fakes import LoudnessEngine
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.home.model import Home
from wyoming_rosie.protocol import turn
from wyoming_rosie.voice_activity.endpointing import Completeness, EndpointingRules
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, create_scheduler
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.engine import SpeechAudio, TranscribeRequest, Transcript, UnsupportedLanguageError
from wyoming_rosie_asr.handler import AsrHandler
from wyoming_rosie_asr.utterance import AsrContext

SPEECH_DATA = {"rate": 16_000, "width": 2, "channels": 1}
CREDIT = Attribution("nobody", "https://example.org")
RULES = SegmenterRules(hangover_ms=64)
CHUNK = SPEECH.bytes_in(0.05)


def voice(seconds: float) -> bytes:
    """Return audio that the fake voice activity engine takes for speech."""
    return array("h", [20_000, -20_000] * round(seconds * SPEECH.rate / 2)).tobytes()


def silence(seconds: float) -> bytes:
    return bytes(SPEECH.bytes_in(seconds))


class CountingEngine:
    """Transcribes audio as its number of bytes, in English only."""

    is_installed = True
    waiting = 0

    def __init__(self) -> None:
        self.supports_streaming = False
        self.completeness = Completeness.UNKNOWN
        self.decoded: list[tuple[int, Priority]] = []  # bytes, and the priority at the end
        self.requests: list[TranscribeRequest] = []
        self.jobs: list[DecodeJob] = []
        self.may_continue = asyncio.Event()
        self.may_continue.set()
        self.write: Callable[[SpeechAudio], str] = lambda sound: str(len(sound.pcm))
        self.cancelled = 0
        self.homes: list[Home] = []

    def describe(self) -> AsrProgram:
        model = AsrModel("counting", CREDIT, True, None, None, ["en"])
        return AsrProgram("counting", CREDIT, True, None, None, [model])

    def check_request(self, request: TranscribeRequest) -> None:
        if request.language not in (None, "en"):
            raise UnsupportedLanguageError(f"no model for {request.language}")

    async def change_home(self, home: Home) -> None:
        self.homes.append(home)

    async def install(self) -> None: ...

    async def prepare(self) -> None: ...

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        self.requests.append(request)
        self.jobs.append(job)
        try:
            await self.may_continue.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        self.decoded.append((len(audio.pcm), job.priority))
        return Transcript(self.write(audio), 0.9, "en", self.completeness)

    async def close(self) -> None: ...


class FakeClient:
    """Sends events to a handler and keeps what it sends back."""

    def __init__(self, engine: CountingEngine, **settings: Any) -> None:
        self.received: list[Event] = []
        self.vad = LoudnessEngine()
        self.scheduler = create_scheduler(self.vad)
        default = AsrContext(
            engine,
            self.scheduler,
            lambda: VadStream(self.vad, RULES),
            EndpointingRules(50, 50, 100, 200, 400),
            max_seconds=2.0,
        )
        self.context = replace(default, **settings)
        self.handler = AsrHandler(self.context, self._receive)

    async def send(self, kind: str, payload: bytes | None = None, **data: Any) -> None:
        event = Event(kind, data, payload)
        turn.adopt(event)  # as the service does before it hands an event on
        await self.handler.on_event(event)

    async def start(self, **audio: Any) -> None:
        await self.send("audio-start", **(audio or SPEECH_DATA))

    async def stream(self, pcm: bytes) -> None:
        """Send audio in chunks, each after the previous one has been processed."""
        for at in range(0, len(pcm), CHUNK):
            await self.send("audio-chunk", pcm[at : at + CHUNK], **SPEECH_DATA)
            if (utterance := self.handler._utterance) is not None and utterance._stream is not None:
                await utterance._stream.finish()
                await asyncio.sleep(0)

    async def transcribe(self, pcm: bytes, **audio: Any) -> None:
        """Send a whole utterance at once."""
        audio = audio or SPEECH_DATA
        await self.send("audio-start", **audio)
        await self.send("audio-chunk", pcm, **audio)
        await self.send("audio-stop")

    async def wait_for(self, kind: str, count: int = 1) -> Event:
        """Wait for the event that is the `count`th of its kind, and return it."""
        async with asyncio.timeout(60):
            while True:
                found = [event for event in self.received if event.type == kind]
                if len(found) >= count:
                    return found[count - 1]
                await asyncio.sleep(0.005)

    @property
    def texts(self) -> list[str]:
        return [event.data["text"] for event in self.received if event.type == "transcript"]

    async def close(self) -> None:
        await self.handler.close()
        self.scheduler.close()

    async def _receive(self, event: Event) -> None:
        self.received.append(event)
