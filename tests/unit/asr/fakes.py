"""Stand-ins for an engine and for a peer."""

import asyncio
from typing import Any

from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution

from wyoming_rosie import turn
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_asr.conversation import AsrConversation
from wyoming_rosie_asr.engine import Transcript, UnknownLanguageError

SPEECH_DATA = {"rate": 16_000, "width": 2, "channels": 1}
CREDIT = Attribution("nobody", "https://example.org")


class CountingUtterance:
    """Says how many bytes it heard."""

    def __init__(self, go_on: asyncio.Event) -> None:
        self.heard = bytearray()
        self._go_on = go_on

    def feed(self, pcm: bytes) -> None:
        self.heard += pcm

    async def finish(self) -> Transcript:
        await self._go_on.wait()
        return Transcript(str(len(self.heard)), 0.9, "en") if self.heard else Transcript(language="en")


class CountingEngine:
    """Understands English only."""

    def __init__(self) -> None:
        self.utterances: list[CountingUtterance] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    def describe(self) -> AsrProgram:
        model = AsrModel("counting", CREDIT, True, None, None, ["en"])
        return AsrProgram("counting", CREDIT, True, None, None, [model])

    def listen(self, language: str | None) -> CountingUtterance:
        if language not in (None, "en"):
            raise UnknownLanguageError(f"no model for {language}")
        self.utterances.append(CountingUtterance(self.go_on))
        return self.utterances[-1]

    async def close(self) -> None: ...


class Speaker:
    """A peer: what it sends and what it hears back."""

    def __init__(self, engine: CountingEngine, worker: ThreadWorker, longest_seconds: float = 2.0) -> None:
        self.heard: list[Event] = []
        self.conversation = AsrConversation(engine, worker, longest_seconds, self._hear)

    async def send(self, kind: str, payload: bytes | None = None, **data: Any) -> None:
        event = Event(kind, data, payload)
        turn.follow(event)  # as the service does before it hands an event on
        await self.conversation.on_event(event)

    async def say(self, pcm: bytes, **audio: Any) -> None:
        """Send a whole utterance."""
        audio = audio or SPEECH_DATA
        await self.send("audio-start", **audio)
        await self.send("audio-chunk", pcm, **audio)
        await self.send("audio-stop")

    async def _hear(self, event: Event) -> None:
        self.heard.append(event)
