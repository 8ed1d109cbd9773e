import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_tts.engines.piper.gain_limiter import (
    MAX_PEAK,
    RAMP_SAMPLES,
    TARGET_PEAK,
    GainLimiter,
    measure_gain,
)
from wyoming_rosie_tts.engines.piper.network import Floats


def wave(peak: float, samples: int = 1000) -> Floats:
    return np.array([peak * math.sin(sample / 5) for sample in range(samples)], np.float32)


def apply(limiter: GainLimiter, samples: Floats) -> Floats:
    return np.frombuffer(limiter.apply(samples), "<i2").astype(np.float32) / np.float32(32767)


@pytest.mark.parametrize("peak", [0.1, 0.5, 1.0])
def test_every_voice_is_normalized(peak: float) -> None:
    found = measure_gain(wave(peak))
    assert np.abs(apply(GainLimiter(found), wave(peak))).max() == pytest.approx(TARGET_PEAK, rel=0.01)


def test_silence_stays_silence() -> None:
    assert measure_gain(np.zeros(100, np.float32)) == 1.0
    assert measure_gain(np.zeros(0, np.float32)) == 1.0
    assert GainLimiter(2.0).apply(np.zeros(3, np.float32)) == bytes(6)
    assert GainLimiter(2.0).apply(np.zeros(0, np.float32)) == b""


def test_a_chunk_that_would_clip_lowers_the_rest_of_the_sentence_without_a_click() -> None:
    limiter = GainLimiter(2.0)
    soft, loud, after = (apply(limiter, wave(peak)) for peak in (0.3, 0.9, 0.3))
    assert np.abs(soft).max() == pytest.approx(0.6, rel=0.01)
    assert np.abs(loud[RAMP_SAMPLES:]).max() == pytest.approx(MAX_PEAK, rel=0.01)
    assert np.abs(after).max() == pytest.approx(0.3 * MAX_PEAK / 0.9, rel=0.01)
    steady = apply(GainLimiter(2.0), np.full(1000, 0.3, np.float32))
    falling = GainLimiter(2.0).apply(np.full(1000, 0.6, np.float32))
    steps = np.abs(np.diff(np.frombuffer(falling, "<i2").astype(np.int32)))
    assert steps.max() < 32767 * 0.01
    assert np.abs(np.diff(steady)).max() == 0


@given(st.lists(st.floats(0, 1, width=32), max_size=8), st.floats(0, 20))
def test_samples_never_clip(peaks: list[float], first: float) -> None:
    limiter = GainLimiter(first)
    for peak in peaks:
        assert np.abs(apply(limiter, wave(peak, 300))).max(initial=0) <= 1.0
