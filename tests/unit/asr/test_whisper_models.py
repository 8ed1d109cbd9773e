import json
from pathlib import Path

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import whisper


def folder(path: Path, tokens: int = 51_865, without: str = "") -> Path:
    path.mkdir()
    for name in {"model.bin", "config.json", "tokenizer.json"} - {without}:
        (path / name).touch()
    if without != "vocabulary.json":
        (path / "vocabulary.json").write_text(json.dumps([str(number) for number in range(tokens)]))
    return path


def test_a_name_says_where_a_model_comes_from_and_goes_to(tmp_path: Path) -> None:
    model = whisper.find_model("base", tmp_path)
    files = model.downloads("http://hub.example/")
    assert model.path == tmp_path / "base"
    assert not model.is_installed
    assert files[0].url == "http://hub.example/Systran/faster-whisper-base/resolve/main/config.json"
    assert {str(file.path) for file in files} == {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}


@pytest.mark.parametrize("name", whisper.REPOSITORIES)
def test_the_weights_of_each_named_model_are_pinned_and_come_last(tmp_path: Path, name: str) -> None:
    files = whisper.find_model(name, tmp_path).downloads("http://hub.example")
    assert files[-1].path == Path("model.bin")
    assert (files[-1].checksum or "").startswith("sha256:")


def test_the_files_of_another_repository_are_the_usual_ones(tmp_path: Path) -> None:
    files = whisper.find_model("somebody/whisper-x", tmp_path).downloads("http://hub.example")
    assert {str(file.path) for file in files} == {"config.json", "model.bin", "tokenizer.json", "vocabulary.json"}
    assert {(file.size, file.checksum) for file in files} == {(None, None)}


@pytest.mark.parametrize("name", ["turbo", "large", "distil-small.en", "distil-medium.en"])
def test_newer_models_bring_more_files(tmp_path: Path, name: str) -> None:
    files = {str(file.path) for file in whisper.find_model(name, tmp_path).downloads("http://hub.example")}
    assert {"vocabulary.json", "preprocessor_config.json"} <= files


def test_names_of_other_servers_and_of_repositories_are_known(tmp_path: Path) -> None:
    assert whisper.find_model("tiny-int8", tmp_path).name == "tiny"
    assert whisper.find_model("somebody/whisper-x", tmp_path).path == tmp_path / "somebody--whisper-x"


@pytest.mark.parametrize(("name", "said"), [("bass", "did you mean base"), ("nothing at all", "large-v3")])
def test_an_unknown_model_is_rejected_with_known_names(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        whisper.find_model(name, tmp_path)


@pytest.mark.parametrize("path", ["../../nowhere", "/nowhere", "a/b/c"])
def test_a_folder_that_does_not_exist_is_named(path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"no folder {path} with a Whisper model"):
        whisper.find_model(path, tmp_path)


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_folder_without_a_required_file_is_rejected(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ConfigError, match=missing):
        whisper.find_model(str(folder(tmp_path / "model", without=missing)), tmp_path)


def test_the_vocabulary_tells_which_languages_a_model_knows(tmp_path: Path) -> None:
    english = whisper.find_model(str(folder(tmp_path / "english", 51_864)), tmp_path)
    many = whisper.find_model(str(folder(tmp_path / "many", 51_865)), tmp_path)
    assert (list(english.languages), "de" in many.languages) == (["en"], True)
    assert whisper.find_model("tiny.en", tmp_path).languages == ("en",)
