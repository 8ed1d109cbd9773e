"""The satellite's own speech, and the way from its speaker to its microphone: for benchmarks of what is heard meanwhile."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from benchmarks.accuracy_asr import samples
from benchmarks.rooms import MS, RATE, Samples
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak import engine as espeak
from wyoming_rosie_tts.text.segments import TextSegment

REPOSITORY = Path(__file__).parents[1]
PHRASES = REPOSITORY / "servers" / "wyoming_rosie_intent" / "responses" / "phrases" / "en.toml"
READINGS = REPOSITORY / "tests" / "unit" / "tts" / "readings" / "en.tsv"
REVERBERATION_SECONDS = 0.3
PREDELAY_MS = (20, 120)
MAX_DRIFT = 100e-6
DRIVE = 0.5
"""Share of full scale from which the loudspeaker compresses."""


@dataclass(frozen=True)
class EchoPath:
    """Latency, room and clock of a speaker as its microphone hears them."""

    delay: int  # samples
    response: Samples
    drift: float  # of the speaker's clock against the microphone's

    def apply(self, played: Samples) -> Samples:
        """Return the echo of what is played, of the same length and loudness."""
        compressed = np.tanh(played / 32768 / DRIVE) * DRIVE * 32768
        late = np.concatenate([np.zeros(self.delay), _convolve(compressed, self.response)])
        place = np.arange(len(played)) * (1 + self.drift)
        echo = np.interp(place, np.arange(len(late)), late)
        return np.asarray(echo * _rms(played) / max(_rms(echo), 1e-9), float)


def create_echo_path(rng: np.random.Generator) -> EchoPath:
    """Return a way with a direct sound and a diffuse, decaying room, 10 dB softer."""
    count = int(REVERBERATION_SECONDS * RATE)
    diffuse = rng.normal(0, 1, count) * 10 ** (-3 * np.arange(count) / count)
    diffuse *= 10 ** (-10 / 20) / np.sqrt((diffuse**2).sum())
    diffuse[0] = 1.0
    return EchoPath(int(rng.integers(*PREDELAY_MS)) * MS, diffuse, float(rng.uniform(-MAX_DRIFT, MAX_DRIFT)))


@cache
def say(text: str, voice: str = "en-US", rate: int = 175, pitch: int = 50) -> Samples:
    """Return a sentence as the default engine speaks it, at RATE."""
    engine = espeak.load(espeak.Settings(rate=rate, pitch=pitch))
    chosen = engine.select_voice(VoiceRequest(name=voice))
    pcm = b"".join(chosen.synthesize(TextSegment(text), pause=True))
    return np.asarray(soxr.resample(samples(pcm), chosen.audio_format.rate, RATE), float)


def answers() -> Iterator[str]:
    """Yield sentences as the suite speaks them: its fixed phrases, texts with numbers and names, and long explanations."""
    for table in tomllib.loads(PHRASES.read_text("utf-8")).values():
        yield from (
            text for text in table.values() if isinstance(text, str) and "{" not in text and " " in text.strip()
        )
    yield from (line.split("\t")[1] for line in READINGS.read_text("utf-8").splitlines() if "\t" in line)
    for file in sorted((REPOSITORY / "docs").glob("*.md")):
        for paragraph in file.read_text("utf-8").split("\n\n"):
            if paragraph[:1].isalpha():
                yield " ".join(re.sub(r"\[(.*?)\]\(.*?\)|[`*]", r"\1", paragraph).split())


def _convolve(audio: Samples, response: Samples) -> Samples:
    size = 1 << (len(audio) + len(response)).bit_length()
    return np.fft.irfft(np.fft.rfft(audio, size) * np.fft.rfft(response, size), size)[: len(audio)]


def _rms(audio: Samples) -> float:
    return float(np.sqrt((audio**2).mean()))
