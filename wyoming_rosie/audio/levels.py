"""Levels of 16-bit PCM in dBFS: 0 for the loudest square wave."""

import sys
from array import array
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0
"""The lowest level."""
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
    """Return the levels of a few seconds of PCM, without numpy; no samples count as silence."""
    samples = _to_samples(pcm)
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
