"""Measurement of a microphone's true rate from the arrival of its audio."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.commands.diagnostics.sample_rate import KNOWN_RATES, AudioArrival, find_standard_rate, measure_rate


def arrivals(
    rate: float, *, seconds: float = 4.0, jitter: float = 0.0, buffered: int = 0, seed: int = 0
) -> list[AudioArrival]:
    """Return chunks of 20 ms with a delay of up to `jitter` seconds, after some that were buffered."""
    random = Random(seed)
    samples = round(rate * 0.02)
    times = [0.0] * buffered + [(number + 1) * samples / rate for number in range(round(seconds / 0.02))]
    return [AudioArrival(time + random.uniform(0, jitter), samples) for time in times]


@given(st.sampled_from(KNOWN_RATES), st.floats(0, 0.05), st.integers(0, 1000))
def test_each_usual_rate_is_told_however_unsteadily_it_comes(rate: int, jitter: float, seed: int) -> None:
    assert find_standard_rate(arrivals(rate, jitter=jitter, seed=seed)) == rate


def test_what_says_44100_and_means_22050_is_found_out() -> None:
    assert find_standard_rate(arrivals(22_050, jitter=0.01)) == 22_050


def test_sound_that_was_buffered_at_first_changes_little() -> None:
    assert measure_rate(arrivals(16_000, buffered=3)) == pytest.approx(16_000, rel=0.03)


def test_no_usual_rate_is_none() -> None:
    assert find_standard_rate(arrivals(19_000)) is None


@pytest.mark.parametrize("heard", [[], arrivals(16_000, seconds=0.5), [AudioArrival(0.0, 320), AudioArrival(5.0, 320)]])
def test_too_little_sound_tells_nothing(heard: list[AudioArrival]) -> None:
    assert measure_rate(heard) is None
    assert find_standard_rate(heard) is None
