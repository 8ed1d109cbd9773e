"""Levels of 16-bit PCM, without numpy: for recordings of a few seconds."""

import sys
from array import array
from dataclasses import dataclass
from math import log10, sqrt

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0
CLIPPED = 32_700
"""Amplitude from which a sample counts as clipped."""


@dataclass(frozen=True)
class AudioLevels:
    """`rms` and `peak` in dBFS; `clipped` as a share of the samples, 0 to 1; `offset` is the mean, -1 to 1."""

    rms: float
    peak: float
    clipped: float
    offset: float


def measure_levels(pcm: bytes) -> AudioLevels:
    """Return the levels of PCM; no samples count as silence."""
    samples = _to_samples(pcm)
    if not samples:
        return AudioLevels(SILENCE_DBFS, SILENCE_DBFS, 0.0, 0.0)
    mean = sum(samples) / len(samples)
    power = sum(sample * sample for sample in samples) / len(samples) - mean * mean
    return AudioLevels(
        rms=round(_to_db(sqrt(max(0.0, power))), 1),
        peak=round(_to_db(max(max(samples), -min(samples))), 1),
        clipped=sum(abs(sample) >= CLIPPED for sample in samples) / len(samples),
        offset=round(mean / FULL_SCALE, 4),
    )


def _to_samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm[: len(pcm) - len(pcm) % 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _to_db(level: float) -> float:
    return max(SILENCE_DBFS, 20 * log10(level / FULL_SCALE)) if level else SILENCE_DBFS
