"""The near voice against others, by level."""

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.voice_activity.events import VadFrame
from wyoming_rosie.voice_activity.near_voice import SOFT_FRAMES, WINDOW_FRAMES, NearVoiceFilter

FAR_DB = 11.0
LEVELS = st.lists(st.floats(-80, 0), min_size=1, max_size=60)


def heard(*parts: tuple[float, int]) -> list[bool]:
    """Return for each frame whether its speech counts; a part is a level and a number of frames."""
    near_voice = NearVoiceFilter(FAR_DB)
    frames = [VadFrame(0.9, level) for level, count in parts for _ in range(count)]
    return [near_voice.process(frame).probability > 0 for frame in frames]


def test_a_television_after_a_person_does_not_count() -> None:
    counted = heard((-20, 30), (-33, 60))
    assert all(counted[:30])
    assert not any(counted[30 + WINDOW_FRAMES + SOFT_FRAMES :])


def test_a_soft_syllable_is_part_of_the_voice() -> None:
    assert all(heard((-20, 30), (-33, SOFT_FRAMES), (-22, 30)))


def test_a_person_who_goes_on_counts_again_and_a_louder_word_on_television_does_not() -> None:
    television = (-33.0, 40)
    assert all(heard((-20, 30), television, (-22, 20))[-10:])
    assert not any(heard((-20, 30), television, (-30, 20))[-20:])


def test_a_person_who_is_louder_than_the_television_before_counts() -> None:
    assert all(heard((-33, 60), (-20, 30)))


def test_noise_sets_no_level() -> None:
    near_voice = NearVoiceFilter(FAR_DB)
    for _ in range(20):
        near_voice.process(VadFrame(0.1, -10.0))
    assert [near_voice.process(VadFrame(0.9, -35.0)).probability for _ in range(20)] == [0.9] * 20


@given(LEVELS, st.floats(-30, 30))
def test_only_differences_of_levels_count(levels: list[float], louder: float) -> None:
    one, other = NearVoiceFilter(FAR_DB), NearVoiceFilter(FAR_DB)
    near = [one.process(VadFrame(0.9, round(level))).probability for level in levels]
    assert near == [other.process(VadFrame(0.9, round(level) + round(louder))).probability for level in levels]


@given(LEVELS)
def test_speech_within_the_range_of_a_voice_always_counts(levels: list[float]) -> None:
    near_voice = NearVoiceFilter(FAR_DB)
    frames = [VadFrame(0.9, -20 + level / 10) for level in levels]  # -28 to -20 dBFS
    assert [near_voice.process(frame) for frame in frames] == frames
