from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vad.frame_strings import FRAME_MS, LETTERS, frames
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.voice_activity.boundaries import DOUBTFUL_FRAMES
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadFrame
from wyoming_rosie.voice_activity.segmenter import SegmenterRules, SpeechSegmenter, check_segmenter_rules

DRAWINGS = st.lists(st.tuples(st.sampled_from(list(LETTERS)), st.integers(1, 60)), max_size=30).map(
    lambda runs: frames("".join(letter * length for letter, length in runs))
)
ANY_FRAMES = st.lists(st.builds(VadFrame, st.floats(0, 1), st.integers(-120, 0).map(float)), max_size=200)
STREAMS = st.one_of(DRAWINGS, ANY_FRAMES)
RULES = st.builds(
    lambda start, stop, shortest, hangover, padding: SegmenterRules(start, min(start, stop), shortest, hangover, padding),
    st.floats(0.1, 1), st.floats(0.1, 1), st.integers(0, 500), st.integers(0, 2000), st.integers(0, 1000),
)  # fmt: skip


def segments(stream: list[VadFrame], rules: SegmenterRules | None = None) -> list[tuple[int, int]]:
    """Return the first frame of each speech and the frame after its last."""
    edges = hear(stream, rules or SegmenterRules())
    times = [edge.time // FRAME_MS for edge in edges]
    return list(zip(times[::2], times[1::2], strict=True))


def hear(stream: list[VadFrame], rules: SegmenterRules) -> list[SpeechStart | SpeechStop]:
    segmenter = SpeechSegmenter(rules, FRAME_MS)
    edges = [segmenter.process(frame) for frame in stream]
    return [edge for edge in [*edges, segmenter.finish()] if edge is not None]


def told_at(stream: list[VadFrame], rules: SegmenterRules) -> list[SpeechStart | SpeechStop | None]:
    """Return what is told with each frame."""
    segmenter = SpeechSegmenter(rules, FRAME_MS)
    return [segmenter.process(frame) for frame in stream]


def drawn(drawing: str) -> list[tuple[int, int]]:
    return segments(frames(drawing))


def test_speech_ends_with_the_near_voice_and_not_when_the_far_one_is_told_from_it() -> None:
    near, doubtful = [VadFrame(0.9, -20.0)] * 30, [VadFrame(0.9, -40.0)] * 10
    far = [VadFrame(0.0, -40.0, 11 + count) for count in range(30)]
    assert segments([*frames("." * 40), *near, *doubtful, *far]) == [(40, 40 + len(near))]


def test_speech_between_silences_has_its_start_and_its_end() -> None:
    assert drawn("." * 40 + "#" * 20 + "." * 40) == [(40, 60)]


def test_a_stream_may_begin_and_end_with_speech() -> None:
    assert drawn("#" * 20) == [(0, 20)]


@pytest.mark.parametrize("drawing", ["", "." * 100, "~" * 100, "m" * 200, ".#." * 30, ("#" + "." * 20) * 5], ids=ascii)
def test_short_speech_and_other_audio_are_not_reported(drawing: str) -> None:
    assert drawn(drawing) == []


def test_a_pause_shorter_than_the_hangover_ends_nothing() -> None:
    assert drawn("." * 40 + "#" * 10 + "." * 5 + "#" * 10 + "." * 40) == [(40, 65)]


def test_a_longer_pause_ends_the_speech_which_starts_again() -> None:
    assert drawn("." * 40 + "#" * 10 + "." * 8 + "#" * 10 + "." * 40) == [(40, 50), (58, 68)]


def test_a_stop_is_reported_after_the_hangover() -> None:
    segmenter = SpeechSegmenter(SegmenterRules(hangover_ms=200), FRAME_MS)
    told = [segmenter.process(frame) for frame in frames("." * 40 + "#" * 10 + "." * 20)]
    (at,) = [position for position, edge in enumerate(told) if isinstance(edge, SpeechStop)]
    assert (at + 1 - 50) * FRAME_MS == 224


def test_a_start_is_reported_as_soon_as_speech_is_long_enough() -> None:
    segmenter = SpeechSegmenter(SegmenterRules(shortest_ms=96), FRAME_MS)
    told = [segmenter.process(frame) for frame in frames("." * 40 + "#" * 10)]
    (at,) = [position for position, edge in enumerate(told) if isinstance(edge, SpeechStart)]
    assert at + 1 - 40 == 3


@pytest.mark.parametrize(
    ("padding_ms", "starts"), [(0, [1280, 2144]), (100, [1180, 2044]), (500, [780, 1920]), (5000, [0, 1920])]
)
def test_a_padded_start_is_earlier_but_never_inside_speech_before_it_or_before_the_stream(
    padding_ms: int, starts: list[int]
) -> None:
    edges = hear(frames("." * 40 + "#" * 20 + "." * 7 + "#" * 20 + "." * 20), SegmenterRules(padding_ms=padding_ms))
    assert [edge.time for edge in edges if isinstance(edge, SpeechStart)] == starts
    assert [edge.time for edge in edges if isinstance(edge, SpeechStop)] == [1920, 2784]


@given(STREAMS, RULES)
def test_a_stop_is_reported_after_the_hangover_and_starts_never_overlap_it(
    stream: list[VadFrame], rules: SegmenterRules
) -> None:
    edges = hear(stream, replace(rules, padding_ms=0))
    starts, stops = [edge.time for edge in edges[::2]], [edge.time for edge in edges[1::2]]
    told = [
        (number + 1) * FRAME_MS for number, edge in enumerate(told_at(stream, rules)) if isinstance(edge, SpeechStop)
    ]
    assert all(at - stop >= rules.hangover_ms for at, stop in zip(told, stops, strict=False))
    assert all(start >= stop for start, stop in zip(starts[1:], stops, strict=False))


def test_speech_continues_through_less_probable_frames() -> None:
    assert drawn("." * 40 + "##" + "+" * 30 + "." * 40) == [(40, 72)]


def test_frames_below_the_start_threshold_are_not_speech() -> None:
    assert drawn("." * 40 + "+" * 30 + "." * 40) == []


def test_the_hiss_before_a_word_belongs_to_it() -> None:
    assert drawn("." * 40 + "tt" + "#" * 20 + "." * 40) == [(40, 62)]


def test_a_noise_long_before_a_word_does_not() -> None:
    assert drawn("." * 30 + "~" * 5 + "." * 5 + "#" * 20 + "." * 40) == [(40, 60)]


def test_the_closed_lips_inside_a_beginning_belong_to_it() -> None:
    assert drawn("." * 40 + "t." + "#" * 20 + "." * 40) == [(40, 62)]


def test_the_lag_of_the_model_does_not_extend_speech() -> None:
    assert drawn("." * 40 + "#" * 20 + "---" + "." * 40) == [(40, 60)]


def test_the_hiss_that_ends_a_word_belongs_to_it() -> None:
    assert drawn("." * 40 + "#" * 20 + "sss" + "." * 40) == [(40, 63)]


def test_doubtful_frames_extend_a_word_further_than_rejected_ones() -> None:
    assert drawn("." * 40 + "s" * 8 + "#" * 20 + "s" * 8 + "." * 40) == [(40, 76)]
    assert drawn("." * 40 + "t" * 8 + "#" * 20 + "t" * 8 + "." * 40) == [(44, 72)]


def test_a_start_may_hesitate() -> None:
    assert drawn("." * 40 + "#+" * 5 + "." * 40) == [(40, 50)]
    assert drawn("." * 40 + "+" * 25 + "#" * 10 + "." * 40) == [(40, 75)]


def test_music_after_a_word_delays_its_end_by_no_more_than_a_syllable_or_two() -> None:
    ((start, end),) = drawn("." * 40 + "#" * 20 + "m" * 400)
    assert start == 40
    assert 60 <= end <= 60 + DOUBTFUL_FRAMES


def test_speech_over_a_steady_noise_has_the_same_edges() -> None:
    assert drawn("~" * 40 + "#" * 20 + "~" * 40) == [(40, 60)]


@given(STREAMS, RULES)
def test_starts_and_stops_alternate_in_order_inside_the_stream(stream: list[VadFrame], rules: SegmenterRules) -> None:
    edges = hear(stream, rules)
    assert [type(edge) for edge in edges] == [SpeechStart, SpeechStop] * (len(edges) // 2)
    times = [edge.time for edge in edges]
    assert times == sorted(times)
    assert all(0 <= time <= len(stream) * FRAME_MS for time in times)
    assert all(start < stop for start, stop in zip(times[::2], times[1::2], strict=True))


@given(STREAMS, RULES)
def test_nothing_is_reported_before_its_audio(stream: list[VadFrame], rules: SegmenterRules) -> None:
    segmenter = SpeechSegmenter(rules, FRAME_MS)
    for heard, frame in enumerate(stream, 1):
        edge = segmenter.process(frame)
        assert edge is None or edge.time <= heard * FRAME_MS


@given(STREAMS, st.integers(-40, 40))
def test_the_volume_changes_nothing(stream: list[VadFrame], gain: int) -> None:
    louder = [replace(frame, level=frame.level + gain) for frame in stream]
    assert segments(louder) == segments(stream)


@given(st.lists(st.builds(VadFrame, st.floats(0, 0.34), st.floats(-90, 0))))
def test_improbable_frames_are_never_speech(stream: list[VadFrame]) -> None:
    assert segments(stream) == []


@given(STREAMS)
def test_a_voice_after_anything_is_found(stream: list[VadFrame]) -> None:
    found = segments(stream + frames("." * 40 + "#" * 10 + "." * 40))
    assert (len(stream) + 40, len(stream) + 50) in found


@pytest.mark.parametrize(
    "rules",
    [
        SegmenterRules(start_threshold=0.3),
        SegmenterRules(stop_threshold=0),
        SegmenterRules(start_threshold=1.5),
        SegmenterRules(hangover_ms=-1),
        SegmenterRules(shortest_ms=20_000),
        SegmenterRules(padding_ms=-1),
        SegmenterRules(padding_ms=20_000),
    ],
    ids=str,
)
def test_contradicting_rules_are_config_errors(rules: SegmenterRules) -> None:
    with pytest.raises(ConfigError, match="--speech"):
        check_segmenter_rules(rules)
