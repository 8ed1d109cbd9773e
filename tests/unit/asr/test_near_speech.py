import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_asr.engine import SpeechAudio
from wyoming_rosie_asr.near_speech import FAR_DB, NEAR_MARGIN_MS, cut_far_speech

LOUD = 8000.0
SLACK_MS = 2 * (NEAR_MARGIN_MS + 40) + 120
"""Margins and paddings on both sides, and the syllable over which the level is averaged."""


def noise(ms: int, below_db: float = 0.0) -> bytes:
    amplitude = LOUD / 10 ** (below_db / 20)
    samples = np.random.default_rng(1).normal(0, amplitude, SPEECH.bytes_in(ms / 1000) // 2)
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def milliseconds(pcm: bytes) -> int:
    return round(1000 * SPEECH.seconds(len(pcm)))


def test_softer_speech_before_and_after_is_cut() -> None:
    pcm = noise(800, 2 * FAR_DB) + noise(1000) + noise(800, 2 * FAR_DB)
    cut = cut_far_speech(SpeechAudio(pcm, ((0, 2600),)))
    assert 1000 <= milliseconds(cut) <= 1000 + SLACK_MS
    assert cut in pcm


def test_speech_of_one_voice_is_kept() -> None:
    pcm = noise(500) + noise(500, FAR_DB / 2) + noise(500)
    assert cut_far_speech(SpeechAudio(pcm, ((0, 1500),))) == pcm


def test_a_soft_word_between_loud_ones_is_kept() -> None:
    pcm = noise(500) + noise(500, 3 * FAR_DB) + noise(500)
    assert cut_far_speech(SpeechAudio(pcm, ((0, 1500),))) == pcm


def test_a_segment_of_a_far_voice_is_dropped() -> None:
    pcm = noise(500) + bytes(SPEECH.bytes_in(1.0)) + noise(500, 2 * FAR_DB)
    cut = cut_far_speech(SpeechAudio(pcm, ((0, 500), (1500, 2000))))
    assert milliseconds(cut) <= 500 + SLACK_MS


@given(st.integers(0, 2000), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=4))
def test_segments_of_any_kind_are_no_error(length_ms: int, edges: list[tuple[int, int]]) -> None:
    times = sorted(time for edge in edges for time in edge)
    segments = tuple(zip(times[::2], times[1::2], strict=True))
    pcm = noise(length_ms) if length_ms else b""
    assert len(cut_far_speech(SpeechAudio(pcm, segments))) <= len(pcm)
