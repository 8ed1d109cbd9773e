"""Levels of 16-bit PCM in dBFS: 0 for the loudest square wave."""

import sys
from array import array
from collections import deque
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

from wyoming_rosie.audio.formats import SPEECH

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0
"""The lowest level."""
CLIPPED = 32_700
"""Amplitude from which a sample counts as clipped."""
READING_SECONDS = 0.25
NOISE_READINGS = 40
"""Readings of ten seconds, in which people pause at least once."""
LEAST_READINGS = 8
SAMPLE_STEP = 4
"""Of so many samples one is measured, which changes the power of no sound that people make, and saves most of the time."""
NOISE_SHARE = 0.1
"""Share of the readings that are no louder than the noise, as speech is louder in most of the others."""


@dataclass(frozen=True)
class AudioLevels:
    """`rms` and `peak` in dBFS; `clipped` as a share of the samples, 0 to 1; `offset` is the mean, -1 to 1."""

    rms: float
    peak: float
    clipped: float
    offset: float


@dataclass(frozen=True)
class LevelReading:
    """Level of a moment, and of the noise between what people say; None until enough was heard."""

    level_dbfs: float
    noise_dbfs: float | None


class LevelMeter:
    """Measures a stream of 16 kHz 16-bit mono PCM, without numpy."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._levels = deque[float](maxlen=NOISE_READINGS)

    def push(self, pcm: bytes) -> LevelReading | None:
        """Measure the next audio, of any length; return a reading every READING_SECONDS."""
        self._pcm += pcm
        if len(self._pcm) < SPEECH.bytes_in(READING_SECONDS):
            return None
        samples = _to_samples(bytes(self._pcm))[::SAMPLE_STEP]
        self._levels.append(_measure_samples(samples).rms)
        self._pcm.clear()
        lowest = sorted(self._levels)
        noise = lowest[int(NOISE_SHARE * len(lowest))] if len(lowest) >= LEAST_READINGS else None
        return LevelReading(self._levels[-1], noise)


def measure_levels(pcm: bytes, every: int = 1) -> AudioLevels:
    """Return the levels of a few seconds of PCM, or of one of `every` samples, without numpy; no samples count as silence."""
    return _measure_samples(_to_samples(pcm)[::every])


def _measure_samples(samples: "array[int]") -> AudioLevels:
    if not samples:
        return AudioLevels(SILENCE_DBFS, SILENCE_DBFS, 0.0, 0.0)
    mean = sum(samples) / len(samples)
    power = sum(sample * sample for sample in samples) / len(samples) - mean * mean
    peak = max(max(samples), -min(samples))
    return AudioLevels(
        rms=round(_to_dbfs(max(0.0, power) / FULL_SCALE**2), 1),
        peak=round(_to_dbfs(peak**2 / FULL_SCALE**2), 1),
        clipped=sum(abs(sample) >= CLIPPED for sample in samples) / len(samples),
        offset=round(mean / FULL_SCALE, 4),
    )


def frame_levels(frames: "npt.NDArray[np.float32]") -> list[float]:
    """Return the level of each frame, a row of samples from -FULL_SCALE to FULL_SCALE."""
    import numpy as np

    full_power = frames.shape[1] * float(FULL_SCALE) ** 2
    powers: list[float] = np.einsum("ij,ij->i", frames, frames).tolist()
    return [_to_dbfs(power / full_power) for power in powers]


def _to_samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm[: len(pcm) - len(pcm) % 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _to_dbfs(power: float) -> float:
    """Convert a power relative to full scale."""
    return max(SILENCE_DBFS, 10 * log10(power)) if power else SILENCE_DBFS
