from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vad.frame_strings import FRAME_MS, frames
from wyoming_rosie.voice_activity.classifier import SETTLE_MS, AudioClassifier
from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, VadFrame

SETTLE = -(-SETTLE_MS // FRAME_MS)


def classes(drawing: str) -> list[AudioClassified]:
    """Return what is told of a stream in which every # is a voice that the segmenter has found."""
    classifier = AudioClassifier(-45.0, FRAME_MS)
    told = [
        classifier.process(frame, is_speech=letter == "#")
        for letter, frame in zip(drawing, frames(drawing), strict=True)
    ]
    return [one for one in [*told, classifier.finish()] if one is not None]


def sounds(drawing: str) -> list[str]:
    return [one.audio_class for one in classes(drawing)]


def test_each_change_is_reported_once_and_a_class_for_the_stream_at_the_end() -> None:
    assert sounds("." * 20 + "#" * 20 + "~" * 20 + "." * 20) == ["silence", "speech", "noise", "silence", "speech"]


def test_a_change_is_dated_from_its_beginning() -> None:
    told = classes("." * 20 + "~" * 20)
    assert [one.time for one in told] == [0, 20 * FRAME_MS, 40 * FRAME_MS]


def test_short_noise_is_not_reported() -> None:
    assert sounds("." * 20 + "~" * (SETTLE - 1) + "." * 20) == ["silence", "silence"]
    assert sounds("." * 20 + "~" * SETTLE + "." * 20) == ["silence", "noise", "silence", "noise"]


def test_speech_is_reported_at_once() -> None:
    assert [(one.audio_class, one.time) for one in classes("#")] == [
        (AudioClass.SPEECH, 0),
        (AudioClass.SPEECH, FRAME_MS),
    ]


def test_a_stream_too_short_to_settle_has_its_most_frequent_class() -> None:
    assert sounds("~~~") == ["noise"]
    assert sounds("~~...") == ["silence"]


def test_no_audio_is_silence() -> None:
    assert classes("") == [AudioClassified(AudioClass.SILENCE, 0.0, 0, is_final=True)]


def test_the_probability_is_the_mean_over_the_frames_that_are_meant() -> None:
    told = classes("." * 10 + "#" * 10)
    assert told[0].probability == pytest.approx(0.02)
    assert told[-1].probability == pytest.approx(0.95)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-120, 0), st.booleans()), max_size=200))
def test_two_in_a_row_are_never_the_same_and_the_final_one_was_heard(stream: list[tuple[float, float, bool]]) -> None:
    classifier = AudioClassifier(-45.0, FRAME_MS)
    told = [classifier.process(VadFrame(probability, level), is_speech=speech) for probability, level, speech in stream]
    changes = [one for one in told if one is not None]
    assert all(one.audio_class is not other.audio_class for one, other in pairwise(changes))
    assert all(one.time <= other.time for one, other in pairwise(changes))
    final = classifier.finish()
    assert final.is_final
    assert (final.audio_class is AudioClass.SPEECH) == any(speech for _, _, speech in stream)
    assert 0 <= final.probability <= 1
