"""The speech that checks send: "okay nabu, turn on the kitchen lights", or a recording of the user's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from wyoming_rosie.audio import files
from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.commands.demo import RECORDING

HOME_ASSISTANT_BYTES = 320
"""Bytes of a chunk of 10 ms."""
BIG_BYTES = 32_000
WAKE_SECONDS = 1.25
"""Start of the command in the recording."""
PAUSE_SECONDS = 1.5


@dataclass(frozen=True)
class CheckRecording:
    """Speech PCM: the wake word, and the command that follows it, each between pauses."""

    wake_word: bytes
    command: bytes


def load_recording(path: Path | None = None) -> CheckRecording:
    """Return the demo's recording, or a file that serves as wake word and as command. Raises ConfigError."""
    with files.open_audio(path or RECORDING) as opened:
        pcm = b"".join(files.speech_blocks(opened))
    cut = 0 if path else SPEECH.bytes_in(WAKE_SECONDS)
    pause = make_silence(PAUSE_SECONDS)
    return CheckRecording(pause + (pcm if path else pcm[:cut]) + pause, pause + pcm[cut:] + pause)


def make_silence(seconds: float) -> bytes:
    """Return speech PCM of silence."""
    return bytes(SPEECH.bytes_in(seconds))


def audio_events(
    pcm: bytes, chunk_bytes: int = HOME_ASSISTANT_BYTES, audio: AudioFormat = SPEECH, *, with_stop: bool = True
) -> Iterator[Event]:
    """Yield audio-start, chunks of `chunk_bytes` with timestamps in milliseconds, and audio-stop."""
    about = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    yield AudioStart(**about, timestamp=0).event()
    for at in range(0, len(pcm), chunk_bytes):
        milliseconds = round(1000 * audio.seconds(at))
        yield AudioChunk(**about, audio=pcm[at : at + chunk_bytes], timestamp=milliseconds).event()
    if with_stop:
        yield AudioStop(timestamp=round(1000 * audio.seconds(len(pcm)))).event()


def to_stereo(pcm: bytes) -> bytes:
    """Return speech PCM as 48 kHz stereo: each sample three times in two channels."""
    return b"".join(6 * pcm[at : at + 2] for at in range(0, len(pcm), 2))


STEREO_48K = AudioFormat(48_000, 2, 2)
