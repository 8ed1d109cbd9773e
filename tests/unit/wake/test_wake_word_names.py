"""A wake word has many names: microWakeWord's, openWakeWord's, those of files, and what people write."""

from pathlib import Path

import pytest

from wyoming_rosie.wakeword.detection import (
    TriggerRules,
    UnknownWakeWordError,
    check_trigger_rules,
    match_name,
    normalize_name,
    select_words,
)
from wyoming_rosie.wakeword.micro import find_package_models
from wyoming_rosie_wake.models import parse_models

NAMES = {
    "okay_nabu": (
        "ok_nabu",
        "ok_nabu_v0.1",
        "Okay Nabu",
        "OK, Nabu!",
        "okay-nabu",
        "ok_nabu_v0.1.tflite",
        " okay nabu ",
    ),
    "hey_jarvis": ("hey jarvis", "hey_jarvis_v0.1", "Hey Jarvis", "models/hey_jarvis_v0.1.onnx", "HEY_JARVIS"),
    "hey_mycroft": ("hey_mycroft_v0.1", "hey mycroft"),
    "alexa": ("alexa_v0.1", "Alexa", "alexa_v2.tflite"),
}
PAIRS = [(word, written) for word, all_of_it in NAMES.items() for written in all_of_it]


@pytest.mark.parametrize(("word", "written"), PAIRS)
def test_every_name_of_a_word_means_it(word: str, written: str) -> None:
    assert [one.name for one in select_words(find_package_models(), [written])] == [word]
    assert TriggerRules(word_threshold={written: 0.42}).create_trigger(word, 0.9).threshold == 0.42
    check_trigger_rules(TriggerRules(word_threshold={written: 0.42}), find_package_models())


def test_a_name_that_is_known_means_itself() -> None:
    known = {"ok_nabu": 1, "okay_nabu": 2, "hey_marvin": 3, "hey_marvin_v2": 4}
    assert select_words(known, ["okay_nabu", "ok_nabu", "hey_marvin_v2"]) == [2, 1, 4]
    assert match_name("Okay Nabu", ["ok_nabu_v0.1"]) == "ok_nabu_v0.1"
    assert normalize_name("book nabu") == "book_nabu"


@pytest.mark.parametrize("name", ["sesame", "", "!?", "ok", "nabu"])
def test_what_no_word_is_named_is_refused(name: str) -> None:
    with pytest.raises(UnknownWakeWordError):
        select_words(find_package_models(), [name])


def test_a_files_name_alone_is_a_words_name_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_models((), ["hey_jarvis_v0.1.tflite"], TriggerRules()).names == ("hey_jarvis_v0.1.tflite",)
    Path("hey_jarvis_v0.1.tflite").touch()
    assert parse_models((), ["hey_jarvis_v0.1.tflite"], TriggerRules()).files == (Path("hey_jarvis_v0.1.tflite"),)
    assert parse_models((), ["/no/such.onnx"], TriggerRules()).files == (Path("/no/such.onnx"),)
