"""The satellite's own short sounds: recordings that the user names, and a chime made of sine waves."""

import math
from array import array
from pathlib import Path

from wyoming_rosie.audio import AudioFormat, Converter, read_wav

CHIME_TONES = ((880.0, 0.0), (1108.7, 0.18), (1318.5, 0.36))  # Hz, seconds after the beginning
CHIME_SECONDS = 1.4
LOUDNESS = 0.2
FADES_IN_SECONDS = 0.15  # to a third


def recording(path: Path, wanted: AudioFormat) -> bytes:
    """Return a WAV file's sound in the wanted format. Raises ConfigError."""
    audio, pcm = read_wav(path)
    return _converted(pcm, audio, wanted)


def chime(wanted: AudioFormat) -> bytes:
    """Return three rising tones that fade away."""
    rate = min(wanted.rate, 24_000)
    samples = (_chime_at(place / rate) for place in range(round(CHIME_SECONDS * rate)))
    pcm = array("h", (round(32_767 * LOUDNESS * sample) for sample in samples))
    return _converted(pcm.tobytes(), AudioFormat(rate, 2, 1), wanted)


def _chime_at(seconds: float) -> float:
    begun = [(hertz, seconds - start) for hertz, start in CHIME_TONES if seconds >= start]
    return sum(math.sin(2 * math.pi * hertz * since) * _fading(since) for hertz, since in begun)


def _fading(seconds: float) -> float:
    attack = min(1.0, seconds / 0.005)  # a sudden beginning would click
    return float(attack * 3 ** (-seconds / FADES_IN_SECONDS))


def _converted(pcm: bytes, audio: AudioFormat, wanted: AudioFormat) -> bytes:
    converter = Converter(audio, wanted)
    return converter.convert(pcm) + converter.finish()
