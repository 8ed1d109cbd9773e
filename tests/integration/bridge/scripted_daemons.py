"""Small Wyoming daemons for tests of the bridge. The text of an utterance is written into its audio."""

import asyncio
import random
import sqlite3
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer

POISON = "poison"
SILENCE = bytes(3200)
TTS_RATE = 22_050


def audio_of(text: str) -> bytes:
    """Return samples that say a text, by their bytes; as long as a tenth of a second."""
    raw = text.encode().ljust(3200, b"\0")
    return raw[: len(raw) // 2 * 2]


def text_in(pcm: bytes) -> str:
    return pcm.rstrip(b"\0").decode(errors="replace")


class ScriptedAsr(AsyncEventHandler):
    """Transcribes audio of `audio_of`; poison is an error."""

    def __init__(self, *arguments: Any, seconds: float = 0.0) -> None:
        super().__init__(*arguments)
        self._pcm = b""
        self._seconds = seconds

    async def handle_event(self, event: Event) -> bool:
        if AudioChunk.is_type(event.type):
            self._pcm += AudioChunk.from_event(event).audio
        elif event.type == "audio-stop":
            await asyncio.sleep(self._seconds)
            text, self._pcm = text_in(self._pcm), b""
            if POISON in text:
                await self.write_event(Event("error", {"text": "the audio breaks the engine", "code": "engine"}))
            else:
                await self.write_event(Event("transcript", {"text": text}))
        return True


class HearingAsr(AsyncEventHandler):
    """Hears the same words in whatever was said; `words` may be changed from outside."""

    def __init__(self, *arguments: Any, words: list[str]) -> None:
        super().__init__(*arguments)
        self._words = words

    async def handle_event(self, event: Event) -> bool:
        if event.type == "audio-stop":
            await self.write_event(Event("transcript", {"text": self._words[-1]}))
        return True


class ScriptedTts(AsyncEventHandler):
    """Speaks a text as `speech_of` it, in chunks; closes the connection after `most` bytes."""

    def __init__(self, *arguments: Any, most: int | None = None) -> None:
        super().__init__(*arguments)
        self._most = most

    async def handle_event(self, event: Event) -> bool:
        if event.type == "synthesize":
            await self.write_event(AudioStart(TTS_RATE, 2, 1).event())
            pcm = speech_of(str(event.data.get("text")))[: self._most]
            for start in range(0, len(pcm), 4096):
                await self.write_event(AudioChunk(TTS_RATE, 2, 1, pcm[start : start + 4096]).event())
            if self._most is not None:
                return False
            await self.write_event(AudioStop().event())
        return True


def speech_of(text: str) -> bytes:
    """Return samples that no other text has: two seconds of quiet noise."""
    quiet = array("h", random.Random(text).choices(range(-300, 300), k=2 * TTS_RATE))
    return quiet.tobytes()


class ScriptedVad(AsyncEventHandler):
    """Calls silence what is silent, and everything else speech."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._pcm = b""

    async def handle_event(self, event: Event) -> bool:
        if AudioChunk.is_type(event.type):
            self._pcm += AudioChunk.from_event(event).audio
        elif event.type == "audio-stop":
            is_speech, self._pcm = any(self._pcm), b""
            if is_speech:
                await self.write_event(Event("voice-started", {"timestamp": 0}))
                await self.write_event(Event("voice-stopped", {"timestamp": 100}))
            data = {"class": "speech" if is_speech else "silence", "final": True}
            await self.write_event(Event("user-event", {"name": "voice-class", "data": data}))
        return True


class ScriptedUnderstanding(AsyncEventHandler):
    """Understands `turn on NAME` and `toggle NAME` as intents, answers questions, and knows nothing else."""

    async def handle_event(self, event: Event) -> bool:
        if event.type == "transcript":
            await self.write_event(understand(str(event.data.get("text"))))
        return True


def understand(text: str) -> Event:
    for words, intent in (("turn on ", "HassTurnOn"), ("toggle ", "HassToggle")):
        if text.startswith(words):
            slots = {"name": text.removeprefix(words), "domain": "light"}
            return Event("intent", {"name": intent, "entities": [{"name": k, "value": v} for k, v in slots.items()]})
    if text.endswith("?"):
        return Event("handled", {"text": f"You asked: {text}"})
    return Event("not-handled", {"text": ""})


class ScriptedActor(AsyncEventHandler):
    """Carries out each sentence: one row in a database for each time that it was done."""

    def __init__(self, *arguments: Any, database: Path, seconds: float = 0.0) -> None:
        super().__init__(*arguments)
        self._database, self._seconds = database, seconds

    async def handle_event(self, event: Event) -> bool:
        if event.type == "transcript":
            text, context = str(event.data.get("text")), event.data.get("context") or {}
            await asyncio.to_thread(record_effect, self._database, str(context.get("turn_id")), text)
            await asyncio.sleep(self._seconds)
            await self.write_event(Event("handled", {"text": f"Done: {text}."}))
        return True


def record_effect(database: Path, key: str, text: str) -> None:
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute("create table if not exists effects (key text, text text)")
        connection.execute("insert into effects values (?, ?)", (key, text))


def read_effects(database: Path) -> list[tuple[str, str]]:
    if not database.exists():
        return []
    with sqlite3.connect(database, timeout=30) as connection:
        return list(connection.execute("select key, text from effects order by rowid"))


@asynccontextmanager
async def serve_daemon(create: Callable[..., AsyncEventHandler], port: int) -> AsyncIterator[str]:
    """Serve a daemon during the block."""
    server = AsyncServer.from_uri(f"tcp://127.0.0.1:{port}")
    await server.start(create)
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        await server.stop()


@asynccontextmanager
async def serve_daemons(
    database: Path, ports: tuple[int, int, int, int], seconds: float = 0.0
) -> AsyncIterator[dict[str, str]]:
    """Serve all of them during the block; return their URIs by the bridge's setting."""
    vad, asr, intent, executor = ports
    async with (
        serve_daemon(ScriptedVad, vad) as vad_uri,
        serve_daemon(partial(ScriptedAsr, seconds=seconds), asr) as asr_uri,
        serve_daemon(ScriptedUnderstanding, intent) as intent_uri,
        serve_daemon(partial(ScriptedActor, database=database), executor) as executor_uri,
    ):
        yield {"vad_uri": vad_uri, "asr_uri": asr_uri, "intent_uri": intent_uri, "executor_uri": executor_uri}
