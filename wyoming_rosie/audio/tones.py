"""Chimes: decaying sine tones, synthesized when they are needed."""

import cmath
import math
from array import array
from collections.abc import Iterator
from itertools import accumulate, repeat
from operator import mul
from typing import TypeAlias

from wyoming_rosie.audio.formats import AudioFormat, Converter

Tones: TypeAlias = tuple[tuple[float, float], ...]
"""Frequency of each tone in Hz, and its start in seconds."""
AMPLITUDE = 0.3  # about as loud as speech: SPEECH_LUFS
ATTACK_SECONDS = 0.005  # a sudden start would click
DECAY_SECONDS = 0.1  # to a third
LAST_TONE_SECONDS = 0.5


def synthesize_tones(tones: Tones, target: AudioFormat, last_tone_seconds: float = LAST_TONE_SECONDS) -> bytes:
    """Return the tones as samples in the target format; they end `last_tone_seconds` after the last one's start."""
    samples = [0.0] * round((tones[-1][1] + last_tone_seconds) * target.rate)
    for hertz, start_seconds in tones:
        start = round(start_seconds * target.rate)
        for index, sample in enumerate(_synthesize_tone(hertz, target.rate, len(samples) - start), start):
            samples[index] += sample
    pcm = array("h", (round(32_767 * AMPLITUDE * sample) for sample in samples))
    converter = Converter(AudioFormat(target.rate, 2, 1), target)
    return converter.convert(pcm.tobytes()) + converter.finish()


def _synthesize_tone(hertz: float, rate: int, count: int) -> Iterator[float]:
    step = cmath.exp(complex(-math.log(3) / DECAY_SECONDS, 2 * math.pi * hertz) / rate)
    phasors = accumulate(repeat(step, count - 1), mul, initial=1 + 0j)
    attack = ATTACK_SECONDS * rate
    return (phasor.imag * min(1.0, index / attack) for index, phasor in enumerate(phasors))
