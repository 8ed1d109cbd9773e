"""Levels of a few seconds of sound."""

from array import array
from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.levels import SILENCE_DBFS, measure_levels


def sine(amplitude: float, offset: int = 0) -> bytes:
    return array("h", [offset + round(amplitude * sin(2 * pi * at / 40)) for at in range(4000)]).tobytes()


def test_a_sine_is_3_db_under_its_peak() -> None:
    found = measure_levels(sine(16_384))
    assert found.peak == pytest.approx(-6.0, abs=0.1)
    assert found.rms == pytest.approx(-9.0, abs=0.1)
    assert found.clipped == 0


def test_an_offset_is_no_sound() -> None:
    found = measure_levels(sine(0, offset=3277))
    assert found.rms == SILENCE_DBFS
    assert found.offset == pytest.approx(0.1, abs=0.001)


def test_what_is_cut_off_is_counted() -> None:
    assert measure_levels(array("h", [32_767, -32_768, 0, 0]).tobytes()).clipped == 0.5


@given(st.binary(max_size=400))
def test_any_bytes_have_levels(pcm: bytes) -> None:
    found = measure_levels(pcm)
    assert SILENCE_DBFS <= found.rms <= 0.1
    assert SILENCE_DBFS <= found.peak <= 0.1
    assert 0 <= found.clipped <= 1
    assert -1 <= found.offset <= 1
