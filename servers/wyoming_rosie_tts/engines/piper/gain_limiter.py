"""Normalization of a voice's volume that does not have to wait for a sentence's peak."""

import numpy as np

from wyoming_rosie_tts.engines.piper.network import Floats

TARGET_PEAK = 0.8
MAX_PEAK = 0.98
MAX_GAIN = 10.0
RAMP_SAMPLES = 128
_FULL_SCALE = 32767


def measure_gain(samples: Floats) -> float:
    """Return the gain that brings a voice's sample sentence to TARGET_PEAK, at most MAX_GAIN."""
    peak = float(np.abs(samples).max(initial=0.0))
    return min(MAX_GAIN, TARGET_PEAK / peak) if peak > 0 else 1.0


class GainLimiter:
    """Applies the voice's gain to one sentence, and lowers it for the rest where a chunk would clip."""

    def __init__(self, gain: float) -> None:
        self._gain = gain

    def apply(self, samples: Floats) -> bytes:
        """Return the next samples (-1 to 1) as 16-bit PCM."""
        peak = float(np.abs(samples).max(initial=0.0))
        allowed = min(self._gain, MAX_PEAK / peak) if peak > 0 else self._gain
        output = samples * allowed
        if allowed < self._gain:  # gradually, as a step would click
            ramp = np.linspace(self._gain, allowed, min(RAMP_SAMPLES, len(samples)), dtype=np.float32)
            output[: len(ramp)] = np.clip(samples[: len(ramp)] * ramp, -1, 1)
            self._gain = allowed
        return bytes(np.rint(output * _FULL_SCALE).astype("<i2").tobytes())
