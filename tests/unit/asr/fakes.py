"""Stand-ins for an engine and for a peer."""

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
from wyoming_rosie.voice_activity.endpointing import EndpointingRules
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
    """Return what the stand-in for a voice detector takes for speech."""
    return array("h", [20_000, -20_000] * round(seconds * SPEECH.rate / 2)).tobytes()


def silence(seconds: float) -> bytes:
    return bytes(SPEECH.bytes_in(seconds))


class CountingEngine:
    """Understands English only: how many bytes it heard."""

    is_installed = True
    waiting = 0

    def __init__(self) -> None:
        self.supports_streaming = False
        self.is_complete = False
        self.heard: list[tuple[int, Priority]] = []  # bytes, and how urgent they were at the end
        self.requests: list[TranscribeRequest] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.write: Callable[[SpeechAudio], str] = lambda sound: str(len(sound.pcm))
        self.dropped = 0

    def describe(self) -> AsrProgram:
        model = AsrModel("counting", CREDIT, True, None, None, ["en"])
        return AsrProgram("counting", CREDIT, True, None, None, [model])

    def check_request(self, request: TranscribeRequest) -> None:
        if request.language not in (None, "en"):
            raise UnsupportedLanguageError(f"no model for {request.language}")

    async def change_home(self, home: Home) -> None: ...

    async def install(self) -> None: ...

    async def prepare(self) -> None: ...

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        self.requests.append(request)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        self.heard.append((len(audio.pcm), job.priority))
        return Transcript(self.write(audio), 0.9, "en", self.is_complete)

    async def close(self) -> None: ...


class Speaker:
    """A peer: what it sends and what it hears back."""

    def __init__(self, engine: CountingEngine, **ears: Any) -> None:
        self.heard: list[Event] = []
        self.vad = LoudnessEngine()
        self.voices = create_scheduler(self.vad)
        usual = AsrContext(
            engine, self.voices, lambda: VadStream(self.vad, RULES), EndpointingRules(50, 100, 200), max_seconds=2.0
        )
        self.ears = replace(usual, **ears)
        self.conversation = AsrHandler(self.ears, self._hear)

    async def send(self, kind: str, payload: bytes | None = None, **data: Any) -> None:
        event = Event(kind, data, payload)
        turn.adopt(event)  # as the service does before it hands an event on
        await self.conversation.on_event(event)

    async def begin(self, **audio: Any) -> None:
        await self.send("audio-start", **(audio or SPEECH_DATA))

    async def speak(self, pcm: bytes) -> None:
        """Send audio piece by piece, each once the one before has been listened to."""
        for at in range(0, len(pcm), CHUNK):
            await self.send("audio-chunk", pcm[at : at + CHUNK], **SPEECH_DATA)
            if (utterance := self.conversation._utterance) is not None and utterance._stream is not None:
                await utterance._stream.finish()
                await asyncio.sleep(0)

    async def say(self, pcm: bytes, **audio: Any) -> None:
        """Send a whole utterance at once."""
        audio = audio or SPEECH_DATA
        await self.send("audio-start", **audio)
        await self.send("audio-chunk", pcm, **audio)
        await self.send("audio-stop")

    async def hears(self, kind: str) -> Event:
        """Wait for an event and return it."""
        async with asyncio.timeout(60):
            while True:
                for event in self.heard:
                    if event.type == kind:
                        return event
                await asyncio.sleep(0.005)

    @property
    def texts(self) -> list[str]:
        return [event.data["text"] for event in self.heard if event.type == "transcript"]

    async def close(self) -> None:
        await self.conversation.close()
        self.voices.close()

    async def _hear(self, event: Event) -> None:
        self.heard.append(event)
