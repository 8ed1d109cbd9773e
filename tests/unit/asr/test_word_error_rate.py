from pathlib import Path

import pytest

from wyoming_rosie_asr.word_error_rate import count_word_errors, normalize_words, read_reference


@pytest.mark.parametrize(
    ("said", "written", "errors"),
    [
        ("turn on the light", "turn on the light", 0),
        ("turn on the light", "turn the lights", 2),
        ("", "thank you", 2),
        ("stop", "", 1),
        ("a b c d", "b c d e", 2),
    ],
)
def test_word_errors_are_the_edit_distance(said: str, written: str, errors: int) -> None:
    assert count_word_errors(said.split(), written.split()) == errors


def test_capitals_and_punctuation_are_no_errors() -> None:
    assert normalize_words("What's the time, please?") == normalize_words("whats THE time please")


def test_the_text_is_beside_the_recording_or_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello there")
    names = ("a.wav", "turn_on_the-light.wav", "oov_1.wav")
    assert [read_reference(tmp_path / name) for name in names] == ["Hello there", "turn on the light", ""]
