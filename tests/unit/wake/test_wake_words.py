"""The bundled models on recorded words."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.wakeword.detection import (
    TriggerRules,
    UnknownWakeWordError,
    WakeDetection,
    drop_near_misses,
    select_words,
)
from wyoming_rosie.wakeword.micro import MicroStream, describe_models, find_package_models

SECOND = SPEECH.bytes_in(1)


def clip(shared_data: Path, name: str) -> bytes:
    audio, pcm = read_wav(shared_data / "wake" / f"{name}.wav")
    assert audio == SPEECH
    return bytes(SECOND) + pcm + bytes(SECOND)


def heard_in(pcm: bytes, *names: str, chunk: int = 2048, refractory_seconds: float = 2.0) -> list[WakeDetection]:
    stream = MicroStream(
        select_words(find_package_models(), names), TriggerRules(refractory_seconds=refractory_seconds)
    )
    return [
        one
        for start in range(0, len(pcm), chunk)
        for one in drop_near_misses(stream.process(pcm[start : start + chunk]))
    ]


def test_four_good_words_are_bundled() -> None:
    assert set(find_package_models()) == {"alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"}


def test_info_has_what_home_assistant_needs() -> None:
    described = describe_models(find_package_models().values())
    assert described.installed
    assert all(
        model.installed and model.languages and model.phrase and model.attribution.url for model in described.models
    )


def test_no_names_choose_all_words() -> None:
    assert select_words(find_package_models(), []) == list(find_package_models().values())


def test_an_unknown_word_is_rejected_with_the_known_names() -> None:
    with pytest.raises(UnknownWakeWordError, match=r"'snowboy'.*alexa, hey_jarvis, hey_mycroft, okay_nabu"):
        select_words(find_package_models(), ["alexa", "snowboy"])


def test_a_word_is_reported_once_with_score_and_sample_inside_the_recording(shared_data: Path) -> None:
    pcm = clip(shared_data, "mww_okay_nabu_1")
    (heard,) = heard_in(pcm)
    assert heard.name == "okay_nabu"
    assert 0.8 < heard.score <= 1
    assert 16_000 < heard.sample < len(pcm) // 2 - 16_000


def test_other_words_are_not_reported(shared_data: Path) -> None:
    assert heard_in(clip(shared_data, "mww_okay_nabu_1"), "alexa", "hey_jarvis") == []


def test_the_same_word_is_heard_again_after_its_pause(shared_data: Path) -> None:
    pcm = clip(shared_data, "woww_alexa")
    first, second = heard_in(2 * pcm, "alexa")
    assert second.sample - first.sample == pytest.approx(len(pcm) // 2, abs=1600)


def test_the_same_word_within_its_pause_is_not_reported(shared_data: Path) -> None:
    assert len(heard_in(2 * clip(shared_data, "woww_alexa"), "alexa", refractory_seconds=30)) == 1


def test_one_utterance_is_one_detection_even_without_a_pause(shared_data: Path) -> None:
    assert len(heard_in(clip(shared_data, "oww_hey_mycroft_test"), "hey_mycroft", refractory_seconds=0)) == 1


def test_streams_do_not_disturb_each_other(shared_data: Path) -> None:
    pcm = clip(shared_data, "woww_alexa")
    one, other = (MicroStream(select_words(find_package_models(), ["alexa"])) for _ in range(2))
    heard = [one.process(pcm[start : start + 3200]) + other.process(bytes(3200)) for start in range(0, len(pcm), 3200)]
    assert [one for some in heard for one in some] == heard_in(pcm, "alexa", chunk=3200)


@settings(max_examples=10)
@given(chunk=st.integers(160, 16_000).map(lambda samples: 2 * samples))
def test_chunk_size_changes_nothing(shared_data: Path, chunk: int) -> None:
    pcm = clip(shared_data, "woww_hey_jarvis")
    assert heard_in(pcm, chunk=chunk) == heard_in(pcm)
