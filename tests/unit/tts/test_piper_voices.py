from pathlib import Path

import pytest

from tests import piper_voice
from wyoming_rosie.models import piper
from wyoming_rosie.models.piper import SOURCE
from wyoming_rosie_tts.engines.piper import voices
from wyoming_rosie_tts.text import writing_systems


def test_the_first_folder_takes_precedence_and_invalid_voices_are_left_out(tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second", tmp_path / "missing"]
    for folder in folders[:2]:
        folder.mkdir()
        piper_voice.build(folder, "en_US-both-low")
    piper_voice.build(folders[1], "de_DE-second-low")
    (folders[1] / "stray.onnx").touch()
    found = voices.find_voices(folders)
    assert {name: file.network.parent.name for name, file in found.items()} == {
        "en_US-both-low": "first",
        "de_DE-second-low": "second",
    }
    assert found["de_DE-second-low"].language == "de-DE"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("en_US-lessac-medium", "en/en_US/lessac/medium"),
        ("de_DE-thorsten_emotional-medium", "de/de_DE/thorsten_emotional/medium"),
        ("es_419-carla-x_low", "es/es_419/carla/x_low"),
    ],
)
def test_a_voice_is_downloaded_by_its_name(name: str, folder: str) -> None:
    files = piper.downloads(name, SOURCE + "/")
    assert [file.url for file in files] == [f"{SOURCE}/{folder}/{name}.onnx.json", f"{SOURCE}/{folder}/{name}.onnx"]
    assert [file.path for file in files] == [Path(f"{name}.onnx.json"), Path(f"{name}.onnx")]


@pytest.mark.parametrize("name", ["", "lessac", "en-US-lessac-medium", "en_US-../../x-low", "en_US-a-medium.onnx", "en_US-a-best"])  # fmt: skip
def test_other_names_are_not_downloaded(name: str) -> None:
    assert piper.downloads(name, SOURCE) == []


@pytest.mark.parametrize(
    ("text", "language", "suits"),
    [
        ("hello", "en-US", True),
        ("21", "en-US", True),
        ("", "en-US", True),
        ("привет", "en-US", False),
        ("привет", "ru-RU", True),
        ("hello", "ru-RU", True),
        ("say привет", "en-US", True),
        ("今日は", "ja-JP", True),
        ("안녕", "ja-JP", False),
        ("γειά", "xx", False),
        ("café naïve", "fr-FR", True),
    ],
)
def test_which_texts_a_voice_can_read(text: str, language: str, suits: bool) -> None:
    assert writing_systems.is_readable(text, language) is suits
