"""How loud audio is."""

from array import array
from math import log10
from operator import mul

FULL_SCALE = 32_768
SILENCE_DBFS = -120.0


def level(pcm: bytes) -> float:
    """Return the level of 16-bit samples in dBFS: 0 for the loudest square wave, SILENCE_DBFS for zeros."""
    samples = array("h", pcm)
    power = sum(map(mul, samples, samples)) / len(samples)
    return 10 * log10(power / FULL_SCALE**2) if power else SILENCE_DBFS
