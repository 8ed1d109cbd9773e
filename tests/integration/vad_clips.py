"""Clips of which the edges of the speech are known, recorded or of our own making."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie_tts.engines.espeak.engine import Settings, load
from wyoming_rosie_tts.text.segments import TextSegment, VoiceRequest

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clip:
    """Sound with one stretch of speech; its edges in milliseconds."""

    name: str
    samples: Samples
    start: int
    end: int


def read(path: Path) -> Samples:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    return np.frombuffer(converter.convert(pcm) + converter.finish(), "<i2").astype(np.float64)


def pcm_of(samples: Samples) -> bytes:
    return np.clip(np.rint(samples), -32_768, 32_767).astype("<i2").tobytes()


def loudness(samples: Samples, milliseconds: int) -> Samples:
    """Return the level of each stretch, in dB."""
    size = 16 * milliseconds
    stretches = samples[: len(samples) // size * size].reshape(-1, size)
    levels: Samples = 10 * np.log10(np.mean(stretches**2, axis=1) + 1)
    return levels


def synthetic(voice: str, sentence: str, lead_ms: int) -> Clip:
    """Return a voice of our own making in digital silence, which makes its edges certain."""
    engine = load(Settings())
    chosen = engine.select_voice(VoiceRequest(voice))
    pcm = b"".join(chosen.synthesize(TextSegment(sentence), pause=False))
    converter = Converter(chosen.audio_format, SPEECH)
    spoken = np.frombuffer(converter.convert(pcm) + converter.finish(), "<i2").astype(np.float64)
    samples = np.concatenate([np.zeros(16 * lead_ms), spoken, np.zeros(16_000)])
    return Clip(f"{voice}: {sentence}", samples, *edges(samples, 40))


def edges(samples: Samples, decibels: float) -> tuple[int, int]:
    """Return where a voice in silence begins and ends, when what is so much softer than its loudest is not heard."""
    loud = np.flatnonzero((level := loudness(samples, 5)) > level.max() - decibels)
    return 5 * int(loud[0]), 5 * int(loud[-1] + 1)


def with_noise(clip: Clip, noise: Samples, decibels: float) -> Clip:
    """Return the clip with noise so many dB under its speech."""
    speech = clip.samples[16 * clip.start : 16 * clip.end]
    looped = np.resize(np.roll(noise, -7919 * clip.start), len(clip.samples))
    gain = np.sqrt((speech**2).mean() / (looped**2).mean() * 10 ** (-decibels / 10))
    return replace(clip, samples=clip.samples + gain * looped)


def with_hiss(clip: Clip, decibels: float) -> Clip:
    """Return the clip with a steady hiss, which hides the edges that are softer (a voice's loudest is 10 dB over its mean)."""
    start, end = edges(clip.samples, min(40, decibels + 10))
    return replace(with_noise(clip, hiss(), decibels), start=start, end=end)


def hiss() -> Samples:
    return np.random.default_rng(1).normal(0, 1000, 160_000)


def energetic(name: str, samples: Samples) -> Clip:
    """Return a recording with the edges of its loudest stretch: not as exact as ears, but without any model."""
    level = loudness(samples, 10)
    loud = np.flatnonzero(level > max(float(np.percentile(level, 15)) + 8, level.max() - 35))
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 25) + 1)
    loudest = max(stretches, key=lambda stretch: float((10 ** (level[stretch] / 10)).sum()))
    return Clip(name, samples, 10 * int(loudest[0]), 10 * int(loudest[-1] + 1))


# Where speech begins and ends in recordings, in milliseconds, read by eye before any detector had heard them: from the
# level of each 10 ms, beside the levels under 1 kHz and over 3 kHz and the periodicity of the 25 ms around it. An edge
# is the outermost 10 ms that stands out of the room by 6 dB in one of them (10 dB in a quiet room) and is a sound of the
# known words: a burst or a hiss counts, with at most 60 ms of closed lips between it and the rest; chimes and clicks do not.
LABELS = {
    "asr/wfw_turn_on_the_living_room_lamp": (280, 1410),
    "commands-en/next": (570, 1000),
    "commands-en/pause": (590, 1030),
    "commands-en-tts/open_the_office_curtains": (400, 1610),
    "commands-en-tts/skip_this_song": (400, 1330),
    "commands-en-tts/turn_off_tv": (390, 1190),
    "wake/mww_alexa_2": (600, 1160),
    "wake/wmww_okay_computer": (610, 1390),
    "wake/woww_computer": (500, 1060),
    "wake/woww_hey_mycroft": (570, 1280),
    "wake/woww_hey_rhasspy": (510, 1170),
    "wake/woww_okay_nabu": (650, 1540),
}
