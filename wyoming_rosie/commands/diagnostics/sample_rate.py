"""Measurement of a microphone's true sample rate: some promise 44 100 Hz and deliver 22 050."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

KNOWN_RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000)
TOLERANCE = 0.03
MIN_SECONDS = 1.0


@dataclass(frozen=True)
class AudioArrival:
    """A chunk of audio and its time of arrival in seconds; all chunks have about the same length."""

    time: float
    samples: int


def measure_rate(arrivals: Sequence[AudioArrival]) -> float | None:
    """Return the measured rate in Hz, or None for less than SHORTEST_SECONDS of audio.

    A linear regression over all arrivals: a late chunk changes little, and initial buffering nothing.
    """
    if len(arrivals) < 3 or arrivals[-1].time - arrivals[0].time < MIN_SECONDS:
        return None
    totals = [0.0]
    for arrival in arrivals[1:]:
        totals.append(totals[-1] + arrival.samples)
    time = fsum(item.time for item in arrivals) / len(arrivals)
    amount = fsum(totals) / len(totals)
    both = fsum((item.time - time) * (samples - amount) for item, samples in zip(arrivals, totals, strict=True))
    return both / fsum((item.time - time) ** 2 for item in arrivals)


def find_standard_rate(arrivals: Sequence[AudioArrival]) -> int | None:
    """Return the standard rate nearest to the measured one; None if it is not within TOLERANCE, or too little audio."""
    rate = measure_rate(arrivals)
    if rate is None:
        return None
    nearest = min(KNOWN_RATES, key=lambda known: abs(known - rate))
    return nearest if abs(nearest - rate) <= TOLERANCE * nearest else None
