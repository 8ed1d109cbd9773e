"""Loudness of 16-bit PCM by ITU-R BS.1770-4, without numpy: about 30 ms for a second of audio on a small board."""

import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

SPEECH_LUFS = -20.0
"""Loudness of all voices, which is about espeak-ng's own, and of chimes. The peaks of speech are 13 to 19 LU above it."""
FULL_SCALE = 32_768
SILENCE_LUFS = -120.0
"""The lowest loudness."""
BLOCK_SECONDS = 0.4
STEP_SECONDS = 0.1
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
_OFFSET = -0.691
Biquad: TypeAlias = tuple[float, float, float, float, float]
"""Coefficients b0, b1, b2, a1, a2 of a filter of second order; a0 is 1."""


def measure_loudness(pcm: bytes, rate: int) -> float:
    """Return the gated loudness of mono PCM in LUFS. Audio shorter than a block counts as one."""
    powers = list(_block_powers(_weight(_to_samples(pcm), rate), rate))
    audible = [power for power in powers if _to_lufs(power) > ABSOLUTE_GATE_LUFS]
    if not audible:
        return SILENCE_LUFS
    gate = _to_lufs(_mean(audible)) + RELATIVE_GATE_LU
    return _to_lufs(_mean([power for power in audible if _to_lufs(power) > gate]))


def _weight(samples: Iterable[float], rate: int) -> Iterator[float]:
    """Apply the K-weighting: the effect of a head, and less bass."""
    return _filter(_filter(samples, _head_filter(rate)), _high_pass(rate))


def _head_filter(rate: int) -> Biquad:
    """Return the high shelf of 4 dB whose coefficients the standard gives for 48 kHz, for another sample rate."""
    gain, quality, hertz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * hertz / rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    scale = 1 + k / quality + k * k
    return (
        (high + band * k / quality + k * k) / scale,
        2 * (k * k - high) / scale,
        (high - band * k / quality + k * k) / scale,
        2 * (k * k - 1) / scale,
        (1 - k / quality + k * k) / scale,
    )


def _high_pass(rate: int) -> Biquad:
    """Return the high-pass filter, likewise."""
    quality, hertz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * hertz / rate)
    scale = 1 + k / quality + k * k
    return 1.0, -2.0, 1.0, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale


def _filter(samples: Iterable[float], coefficients: Biquad) -> Iterator[float]:
    b0, b1, b2, a1, a2 = coefficients
    first = second = 0.0
    for sample in samples:
        output = b0 * sample + first
        first = b1 * sample - a1 * output + second
        second = b2 * sample - a2 * output
        yield output


def _block_powers(samples: Iterable[float], rate: int) -> Iterator[float]:
    """Yield the mean power of each block; the last samples that fill no step are left out."""
    sums = list(accumulate((sample * sample for sample in samples), initial=0.0))
    count, block, step = len(sums) - 1, round(BLOCK_SECONDS * rate), round(STEP_SECONDS * rate)
    if 0 < count < block:
        yield sums[-1] / count
    for start in range(0, count - block + 1, step):
        yield (sums[start + block] - sums[start]) / block


def _to_samples(pcm: bytes) -> list[float]:
    samples = array("h", pcm[: len(pcm) - len(pcm) % 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return [sample / FULL_SCALE for sample in samples]


def _to_lufs(power: float) -> float:
    return max(SILENCE_LUFS, _OFFSET + 10 * math.log10(power)) if power > 0 else SILENCE_LUFS


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
