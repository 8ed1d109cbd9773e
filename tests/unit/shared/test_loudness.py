"""Loudness by the cases of EBU Tech 3341, for one channel, which has 3 LU less than two."""

import math
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.loudness import SILENCE_LUFS, measure_loudness

HERTZ = 997.0


def sine(decibels: float, seconds: float, rate: int, hertz: float = HERTZ) -> bytes:
    peak = 32_767 * 10 ** (decibels / 20)
    step = 2 * math.pi * hertz / rate
    return array("h", (round(peak * math.sin(step * position)) for position in range(round(seconds * rate)))).tobytes()


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_a_full_scale_sine_has_the_loudness_of_the_standard(rate: int) -> None:
    assert measure_loudness(sine(0, 2, rate), rate) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23, 3)], -26.0),
        ([(-33, 3)], -36.0),
        ([(-36, 2), (-23, 10), (-36, 2)], -26.0),
        ([(-72, 2), (-36, 2), (-23, 10), (-36, 2), (-72, 2)], -26.0),
        ([(-26, 4), (-20, 4.02), (-26, 4)], -26.0),
    ],
    ids=["-23", "-33", "quiet ends", "silent ends", "louder middle"],
)
def test_the_cases_of_the_standard(parts: Sequence[tuple[float, float]], expected: float) -> None:
    pcm = b"".join(sine(decibels, seconds, 16_000) for decibels, seconds in parts)
    assert measure_loudness(pcm, 16_000) == pytest.approx(expected, abs=0.15)


def test_high_tones_count_more_and_low_ones_less() -> None:
    low, middle, high = (measure_loudness(sine(-20, 1, 48_000, hertz), 48_000) for hertz in (40, HERTZ, 6000))
    assert low < middle - 4
    assert high == pytest.approx(middle + 3.3, abs=0.4)


@given(st.floats(-40, -1), st.floats(0.05, 0.39))
def test_a_sound_shorter_than_a_block_is_measured_whole(decibels: float, seconds: float) -> None:
    assert measure_loudness(sine(decibels, seconds, 8_000), 8_000) == pytest.approx(decibels - 3, abs=0.7)


@pytest.mark.parametrize(
    "pcm", [b"", b"\0", bytes(32_000), sine(-90, 1, 16_000)], ids=["none", "half", "zeros", "noise"]
)
def test_silence_has_the_lowest_loudness(pcm: bytes) -> None:
    assert measure_loudness(pcm, 16_000) == SILENCE_LUFS
