"""How loud a voice is, without waiting for the loudest moment of a sentence."""

import numpy as np

from wyoming_rosie_tts.engines.piper.network import Floats

USUAL_PEAK = 0.8
MOST_PEAK = 0.98
MOST_GAIN = 10.0
FALL_SAMPLES = 128
_FULL_SCALE = 32767


def gain(samples: Floats) -> float:
    """Return what to multiply a voice's sound with, from a sentence of it."""
    peak = float(np.abs(samples).max(initial=0.0))
    return min(MOST_GAIN, USUAL_PEAK / peak) if peak > 0 else 1.0


class Leveller:
    """One sentence as 16-bit samples: its gain is the voice's, and falls for the rest of it where a piece is too loud."""

    def __init__(self, gain: float) -> None:
        self._gain = gain

    def level(self, samples: Floats) -> bytes:
        """Return the next piece of the sentence, given as -1 to 1."""
        peak = float(np.abs(samples).max(initial=0.0))
        wanted = min(self._gain, MOST_PEAK / peak) if peak > 0 else self._gain
        louder = samples * wanted
        if wanted < self._gain:  # not in one step, which would click
            fall = np.linspace(self._gain, wanted, min(FALL_SAMPLES, len(samples)), dtype=np.float32)
            louder[: len(fall)] = np.clip(samples[: len(fall)] * fall, -1, 1)
            self._gain = wanted
        return bytes(np.rint(louder * _FULL_SCALE).astype("<i2").tobytes())
