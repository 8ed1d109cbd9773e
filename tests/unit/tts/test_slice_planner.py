from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wyoming_rosie_tts.engines.piper.slice_planner import FIRST_SECONDS, GROWTH, MARGIN, MAX_SECONDS, SlicePlanner

FRAME_SECONDS = 0.0116


def sizes(frames: int, work_seconds: float, around: int = 22) -> list[int]:
    return [end - begin for begin, end in pairwise(SlicePlanner(FRAME_SECONDS, around, work_seconds).plan(frames))]


def test_a_fast_machine_begins_with_a_short_slice_and_goes_on_with_longer_ones() -> None:
    found = [size * FRAME_SECONDS for size in sizes(1000, 0.0002)]
    assert found[0] == pytest.approx(FIRST_SECONDS, abs=FRAME_SECONDS)
    assert found[:5] == sorted(found[:5])
    assert max(found[:-1]) == pytest.approx(MAX_SECONDS, abs=FRAME_SECONDS)


def test_a_slow_machine_begins_with_a_longer_slice() -> None:
    assert sizes(1000, 0.003)[0] < sizes(1000, 0.005)[0] < sizes(1000, 0.006)[0]


def test_a_machine_that_is_too_slow_for_slices_gets_whole_sentences() -> None:
    assert sizes(1000, FRAME_SECONDS) == [1000]


def test_a_machine_that_becomes_slow_is_noticed() -> None:
    pace = SlicePlanner(FRAME_SECONDS, 22, 0.0002)
    before = pace.plan(1000)[1]
    for _ in range(50):
        pace.record(50, 50 * 0.006)
    assert pace.plan(1000)[1] > before


@given(frames=st.integers(0, 5000), work=st.floats(0, 0.02), around=st.integers(0, 60))
def test_slices_cover_everything_once_and_grow_slowly(frames: int, work: float, around: int) -> None:
    found = sizes(frames, work, around)
    assert sum(found) == frames
    assert all(size > 0 for size in found)
    assert all(after <= before * GROWTH**2 + 2 for before, after in pairwise(found))


@given(frames=st.integers(100, 5000), work=st.floats(1e-6, 0.007), around=st.integers(0, 60))
def test_no_listener_waits_within_a_sentence(frames: int, work: float, around: int) -> None:
    assume(GROWTH * work < MARGIN * FRAME_SECONDS)
    first, *others = sizes(frames, work, around)
    in_hand = first * FRAME_SECONDS
    for size in others:
        in_hand -= (size + around) * work
        assert in_hand >= 0
        in_hand += size * FRAME_SECONDS
