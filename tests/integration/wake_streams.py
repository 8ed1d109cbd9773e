"""Recorded words as streams for a wake daemon, and what it answers to them."""

from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.wake import Detect

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, read_wav
from wyoming_rosie.protocol.client import Client

TEN_MS = SPEECH.bytes_in(0.01)
LEAD_MS = 1000


def recorded_words(shared_data: Path) -> dict[str, bytes]:
    """Return the recorded words. Most are not longer than what a machine that has no time keeps of a stream."""
    sounds = {path.stem: read_wav(path) for path in (shared_data / "wake").glob("*.wav")}
    assert {audio for audio, _ in sounds.values()} == {SPEECH}
    return {name: pcm for name, (_, pcm) in sounds.items()}


def padded_words(shared_data: Path) -> dict[str, bytes]:
    """Return the recorded words, each with a second of silence before and after."""
    silence = bytes(SPEECH.bytes_in(LEAD_MS / 1000))
    return {name: silence + pcm + silence for name, pcm in recorded_words(shared_data).items()}


def start(audio: AudioFormat = SPEECH) -> Event:
    return AudioStart(audio.rate, audio.width, audio.channels).event()


def chunks(pcm: bytes, step: int = TEN_MS, audio: AudioFormat = SPEECH) -> list[Event]:
    pieces = (pcm[at : at + step] for at in range(0, len(pcm), step))
    return [AudioChunk(audio.rate, audio.width, audio.channels, piece).event() for piece in pieces]


async def answers(peer: Client, *events: Event) -> list[Event]:
    """Send the events and an audio-stop; return what comes until the daemon has worked them all off."""
    for event in events:
        await peer.send(event)
    await peer.send(AudioStop().event())
    # A detect with a word that does not exist is answered in order: it marks the end.
    await peer.send(Detect(names=["end"]).event())
    received = []
    while (event := await peer.receive(60)).type != "error":
        received.append(event)
    return received


def names(events: list[Event]) -> list[str]:
    """Return the words that were detected."""
    return [str(event.data["name"]) for event in events if event.type == "detection"]
