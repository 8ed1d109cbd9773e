"""Fallback phrases are synthesized once, and kept even where they cannot be stored."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from tests.fakes import FakeDaemon
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_hub.fallback_audio import CLIP_NAMES, FILLER, FallbackAudio
from wyoming_rosie_hub.voice_selection import VoiceSelector

PCM = bytes(3200)


async def speak(event: Event, send: Send) -> None:
    if event.type == "synthesize":
        await send(AudioStart(16_000, 2, 1).event())
        await send(AudioChunk(16_000, 2, 1, PCM).event())
        await send(AudioStop().event())


def stored_sizes(folder: Path) -> list[int]:
    return [file.stat().st_size for file in folder.glob("en/*") if file.suffix == ".wav"]


async def synthesize_phrases(folder: Path) -> tuple[FakeDaemon, FallbackAudio, list[str]]:
    """Request the English phrases; return when all are synthesized and it has tried to store them, with the log's events."""
    async with FakeDaemon(speak).serving() as tts:
        phrases = FallbackAudio(folder, lambda: tts.uri, VoiceSelector(lambda: tts.uri))
        phrases.request_language("en")
        with capture_logs() as logs:
            running = asyncio.create_task(phrases.run())
            async with asyncio.timeout(60):
                while not logs and len(stored_sizes(folder)) < len(CLIP_NAMES):
                    await asyncio.sleep(0.01)
            running.cancel()
        return tts, phrases, [entry["event"] for entry in logs]


async def test_phrases_are_stored_whole(tmp_path: Path) -> None:
    _, _, events = await synthesize_phrases(tmp_path)
    assert not events
    assert all(size > len(PCM) for size in stored_sizes(tmp_path))


async def test_phrases_that_cannot_be_stored_are_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "phrases").write_text("a file where the folder should be")
    tts, phrases, events = await synthesize_phrases(tmp_path / "phrases")
    assert events == ["fallback phrases could not be stored"]
    assert len(tts.of_type("synthesize")) == len(CLIP_NAMES)
    assert phrases.get_clip(FILLER, "en").pcm == PCM
