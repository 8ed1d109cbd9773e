"""Volume, on samples of each width."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie_satellite.audio.volume import Volume

SAMPLES = st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=200).map(lambda whole: np.array(whole, "<i2"))


def apply(volume: Volume, samples: "np.ndarray") -> list[int]:
    return np.frombuffer(volume.apply(samples.tobytes()), "<i2").tolist()  # type: ignore[no-any-return]


def test_full_volume_touches_nothing() -> None:
    pcm = bytes(640)
    assert Volume(SPEECH).apply(pcm) is pcm


@given(SAMPLES, st.floats(0, 100), st.floats(0, 100))
def test_more_percent_is_never_softer(samples: "np.ndarray", one: float, other: float) -> None:
    softer, louder = (apply(Volume(SPEECH, percent=percent), samples) for percent in sorted((one, other)))
    assert all(abs(a) <= abs(b) for a, b in zip(softer, louder, strict=True))


@given(SAMPLES, st.floats(0, 1000), st.floats(allow_nan=False))
def test_nothing_overflows_and_no_sample_changes_its_sign(
    samples: "np.ndarray", multiplier: float, percent: float
) -> None:
    played = apply(Volume(SPEECH, multiplier, percent), samples)
    assert len(played) == len(samples)
    assert all(a * b >= 0 for a, b in zip(played, samples.tolist(), strict=True))


@given(st.lists(st.floats(0, 100), max_size=10))
def test_changes_are_smooth(percents: list[float]) -> None:
    volume = Volume(SPEECH)
    played = []
    for percent in percents:
        volume.set_percent(percent)
        played += apply(volume, np.full(320, 20_000, "<i2"))
    assert all(abs(a - b) <= 20_000 / 319 + 1 for a, b in zip([20_000, *played], played, strict=False))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_half_volume_is_a_quarter_of_the_amplitude_in_each_format(width: int) -> None:
    audio = AudioFormat(22_050, width, 2)
    sample = (1 << (8 * width - 2)).to_bytes(width, "little")
    quarter = int.from_bytes(Volume(audio, percent=50).apply(sample * 2)[-width:], "little")
    assert quarter == pytest.approx(1 << (8 * width - 4), rel=1e-6)
