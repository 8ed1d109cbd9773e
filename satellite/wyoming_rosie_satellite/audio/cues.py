"""The satellite's own short sounds: recordings that the user names, and chimes made of sine waves."""

import cmath
import math
from array import array
from collections.abc import Iterator
from itertools import accumulate, repeat
from operator import mul
from pathlib import Path
from typing import TypeAlias

from wyoming_rosie.audio.formats import AudioFormat, Converter, read_wav
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import Cue

Tones: TypeAlias = tuple[tuple[float, float], ...]  # Hz, seconds after the beginning
CHIME = Path("chime")
"""Names the satellite's own sound where a WAV file could stand."""
SILENT_BY_DEFAULT = frozenset({Cue.AWAKE, Cue.DONE})
"""It begins and ends to listen without a sound unless told otherwise."""
WITH_PHRASE = frozenset({Cue.UNREACHABLE, Cue.LOST, Cue.KEPT, Cue.ERROR, Cue.DEAF})
"""Seldom heard, followed by words, and so made when they are needed unless the user names a sound."""
CHIMES: dict[Cue, Tones] = {
    Cue.AWAKE: ((784.0, 0.0), (1174.7, 0.09)),
    Cue.DONE: ((1174.7, 0.0), (784.0, 0.09)),
    Cue.TIMER: ((880.0, 0.0), (1108.7, 0.18), (1318.5, 0.36)),
    Cue.ERROR: ((392.0, 0.0), (311.1, 0.2)),
    Cue.NOTHING: ((587.3, 0.0), (523.3, 0.12)),
    Cue.UNREACHABLE: ((392.0, 0.0), (392.0, 0.25), (311.1, 0.5)),
    Cue.LOST: ((392.0, 0.0), (311.1, 0.25), (311.1, 0.5)),
    Cue.KEPT: ((392.0, 0.0), (392.0, 0.25), (523.3, 0.5)),
    Cue.DEAF: ((311.1, 0.0), (311.1, 0.2)),
    Cue.MUTE: ((587.3, 0.0), (392.0, 0.12)),
    Cue.UNMUTE: ((392.0, 0.0), (587.3, 0.12)),
}
AMPLITUDE = 0.2
ATTACK_SECONDS = 0.005  # a sudden beginning would click
DECAY_SECONDS = 0.1  # to a third
LAST_TONE_SECONDS = 0.5


def load_cues(settings: SatelliteConfig) -> dict[Cue, bytes]:
    """Return the sounds that are to be there at once, in the speaker's format. Raises ConfigError."""
    paths = configured_files(settings)
    return {
        cue: load_cue(cue, paths[cue], settings.snd_format)
        for cue in Cue
        if paths[cue] or cue not in SILENT_BY_DEFAULT | WITH_PHRASE
    }


def configured_files(settings: SatelliteConfig) -> dict[Cue, Path | None]:
    """Return the WAV files that the user has named; CHIME among them."""
    files = {
        Cue.AWAKE: settings.awake_wav,
        Cue.DONE: settings.done_wav,
        Cue.TIMER: settings.timer_finished_wav,
        Cue.UNREACHABLE: settings.unreachable_wav,
        Cue.LOST: settings.lost_wav,
        Cue.KEPT: settings.kept_wav,
        Cue.ERROR: settings.error_wav,
        Cue.DEAF: settings.deaf_wav,
    }
    return {cue: files.get(cue) for cue in Cue}


def load_cue(cue: Cue, path: Path | None, wanted: AudioFormat) -> bytes:
    """Return a WAV file's sound in the wanted format, or the satellite's own. Raises ConfigError."""
    return synthesize_tones(CHIMES[cue], wanted) if path in (None, CHIME) else load_recording(path, wanted)


def load_recording(path: Path, wanted: AudioFormat) -> bytes:
    """Return a WAV file's sound in the wanted format. Raises ConfigError."""
    audio, pcm = read_wav(path)
    return _convert(pcm, audio, wanted)


def synthesize_tones(tones: Tones, wanted: AudioFormat) -> bytes:
    """Return tones that fade away, one after the other."""
    samples = [0.0] * round((tones[-1][1] + LAST_TONE_SECONDS) * wanted.rate)
    for hertz, start in tones:
        first = round(start * wanted.rate)
        for place, sample in enumerate(_synthesize_tone(hertz, wanted.rate, len(samples) - first), first):
            samples[place] += sample
    pcm = array("h", (round(32_767 * AMPLITUDE * sample) for sample in samples))
    return _convert(pcm.tobytes(), AudioFormat(wanted.rate, 2, 1), wanted)


def _synthesize_tone(hertz: float, rate: int, samples: int) -> Iterator[float]:
    step = cmath.exp(complex(-math.log(3) / DECAY_SECONDS, 2 * math.pi * hertz) / rate)
    turns = accumulate(repeat(step, samples - 1), mul, initial=1 + 0j)
    rises_in = ATTACK_SECONDS * rate
    return (turn.imag * min(1.0, place / rises_in) for place, turn in enumerate(turns))


def _convert(pcm: bytes, audio: AudioFormat, wanted: AudioFormat) -> bytes:
    converter = Converter(audio, wanted)
    return converter.convert(pcm) + converter.finish()
