import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.engines.faster_whisper.segments import split_segments

MOST = 30_000
SPEECH = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 40_000)), max_size=12)


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ([], []),
        ([(1000, 2000)], [(700, 2400)]),
        ([(100, 2000)], [(0, 2400)]),
        ([(1000, 2000), (5000, 9900)], [(700, 10_000)]),
        ([(1000, 20_000), (25_000, 40_000)], [(700, 20_400), (24_700, 40_400)]),
        ([(1000, 29_900), (30_000, 31_000)], [(700, 30_300), (30_300, 31_400)]),
        ([(0, 70_000)], [(0, 30_000), (30_000, 60_000), (60_000, 70_400)]),
    ],
    ids=["silence", "a sentence", "at the start", "a pause", "a pause too far", "a pause too short", "no pause"],
)
def test_segments_contain_the_speech(speech: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    whole = 10_000 if speech[-1:] == [(5000, 9900)] else 100_000
    assert list(split_segments(speech, whole, MOST)) == expected


@given(SPEECH)
def test_all_speech_is_in_a_segment_and_no_segment_is_too_long(pieces: list[tuple[int, int]]) -> None:
    speech, at = [], 0
    for silence, length in pieces:
        speech.append((at + silence, at + silence + length))
        at = speech[-1][1] + 1
    found = list(split_segments(speech, at, MOST))
    assert all(0 < end - begin <= MOST for begin, end in found)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))
    covered = {ms for begin, end in found for ms in range(begin // 50, end // 50 + 1)}
    assert all(ms // 50 in covered for begin, end in speech for ms in range(begin, end, 50))
