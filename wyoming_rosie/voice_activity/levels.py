"""Levels of audio in dBFS."""

from math import log10

import numpy as np
import numpy.typing as npt

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0


def frame_levels(frames: npt.NDArray[np.float32]) -> list[float]:
    """Return the level of each frame of 16-bit samples in dBFS: 0 for the loudest square wave, SILENCE_DBFS for zeros."""
    full = frames.shape[1] * float(FULL_SCALE) ** 2
    powers: list[float] = np.einsum("ij,ij->i", frames, frames).tolist()
    return [10 * log10(power / full) if power else SILENCE_DBFS for power in powers]


def mean_level(pcm: bytes) -> float:
    """Return the level of 16-bit PCM as a whole in dBFS."""
    return frame_levels(np.frombuffer(pcm, "<i2").astype(np.float32)[None])[0]
