"""The commands for wake word models."""

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.daemons import command
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.wakeword.micro import find_package_models
from wyoming_rosie.wakeword.openwakeword import model_files

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
SECONDS = 240
"""Training takes seconds of a processor that others may want as well."""
PACKAGES = dict(model_files.find_packages())
JARVIS = PACKAGES["openwakeword"] / "hey_jarvis_v0.1.onnx"
NABU = PACKAGES["pyopen_wakeword"] / "okay_nabu.tflite"


def rosie(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROSIE, *arguments], capture_output=True, text=True, timeout=SECONDS, check=False, env=environment or None
    )


def result(*arguments: str) -> str:
    ran = rosie(*arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def complaint(*arguments: str) -> str:
    ran = rosie(*arguments)
    assert ran.returncode == 1, ran.stdout
    *progress, line = ran.stderr.splitlines()
    assert all(one.startswith("fetching ") for one in progress)
    return line


@pytest.mark.parametrize(
    ("model", "clip", "kind", "frames"),
    [
        (JARVIS, "woww_hey_jarvis", "openWakeWord", 16),
        (NABU, "woww_okay_nabu", "openWakeWord", 16),
        (find_package_models()["alexa"].file, "woww_alexa", "microWakeWord", 3),
    ],
    ids=["onnx", "tflite", "micro"],
)
def test_a_model_is_checked_on_its_word(shared_data: Path, model: Path, clip: str, kind: str, frames: int) -> None:
    wav = shared_data / "wake" / f"{clip}.wav"
    told = json.loads(result("check-model", str(model), "--wav", str(wav), "--json"))
    assert (told["kind"], told["frames"], told["is_heard"]) == (kind, frames, True)
    assert told["score"] > told["threshold"]
    assert 0 < told["at_ms"] < 1000 * SPEECH.seconds(wav.stat().st_size)
    assert told["cpu_ms_per_80_ms"] > 0


def test_a_model_does_not_hear_another_word(shared_data: Path) -> None:
    wav = shared_data / "wake" / "woww_alexa.wav"
    told = json.loads(result("check-model", str(JARVIS), "--wav", str(wav), "--json"))
    assert (told["is_heard"], told["score"] < 0.1) == (False, True)


def test_a_check_is_readable(shared_data: Path) -> None:
    lines = result("check-model", str(NABU)).splitlines()
    assert lines[0].split() == ["kind", "openWakeWord"]
    assert any(line.startswith("cpu ms per 80 ms") for line in lines)


@pytest.mark.parametrize("name", ["nothing.onnx", "text.onnx", "text.json", "text.wav"])
def test_what_is_no_model_is_said_so(tmp_path: Path, name: str) -> None:
    if not name.startswith("nothing"):
        (tmp_path / name).write_text("this is no model")
    assert str(tmp_path / name) in complaint("check-model", str(tmp_path / name))


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_a_damaged_model_ends_with_a_sentence_whatever_native_code_does(tmp_path: Path, kept: float) -> None:
    word = find_package_models()["alexa"].file
    (tmp_path / "alexa.json").write_bytes(word.read_bytes())
    network = word.with_suffix(".tflite").read_bytes()
    (tmp_path / "alexa.tflite").write_bytes(network[: round(kept * len(network))] + b"\xff" * 4000)
    assert str(tmp_path) in complaint("check-model", str(tmp_path / "alexa.json"))


def test_a_recording_that_is_none_ends_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("only words, no sound " * 50)
    assert str(tmp_path / "words.wav") in complaint("check-model", str(NABU), "--wav", str(tmp_path / "words.wav"))


def test_a_verifier_is_trained_and_tells_what_it_is_worth(shared_data: Path, tmp_path: Path) -> None:
    own, others = tmp_path / "own", tmp_path / "others"
    own.mkdir()
    others.mkdir()
    audio, pcm = read_wav(shared_data / "wake" / "woww_alexa.wav")
    for lead in (0, 4000, 9000):  # the same voice at other moments
        write_wav(own / f"{lead}.wav", audio, bytes(2 * lead) + pcm)
    (own / "wrong.wav").write_bytes((shared_data / "wake" / "woww_computer.wav").read_bytes())
    (others / "stranger.wav").write_bytes((shared_data / "wake" / "mww_alexa_2.wav").read_bytes())
    file = tmp_path / "anna.npz"
    words = ("--word", "alexa", "--user", "anna", "--output", str(file))
    ran = rosie("train-verifier", str(own), *words, "--other", str(others), "--other", str(shared_data / "commands-en"))
    assert ran.returncode == 0, ran.stderr
    assert "wrong.wav: the word is not detected" in " ".join(ran.stderr.split())
    assert "from 3 recordings of the voice" in ran.stdout
    assert "it accepts 3 of 3 recordings of the voice" in ran.stdout
    assert file.is_file()


def test_a_verifier_cannot_be_trained_on_nothing(shared_data: Path, tmp_path: Path) -> None:
    words = ("--word", "alexa", "--user", "anna", "--output", str(tmp_path / "anna.npz"))
    other = ("--other", str(shared_data / "commands-en"))
    assert "no .wav file" in complaint("train-verifier", str(tmp_path), *words, *other)
    silence = tmp_path / "silence.wav"
    write_wav(silence, SPEECH, bytes(SPEECH.bytes_in(2)))
    assert "at least 3" in rosie("train-verifier", str(silence), *words, *other).stderr
    assert "no openWakeWord model is named 'snowboy'" in complaint(
        "train-verifier", str(silence), "--word", "snowboy", *words[2:], *other
    )


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def release(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine that holds openWakeWord's files as its release does."""
    handler = partial(Quiet, directory=str(PACKAGES["openwakeword"]))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_models_are_fetched_where_they_are_found_again(release: str, tmp_path: Path) -> None:
    ran = rosie("fetch-models", "alexa_v0.1", "--from", release, XDG_DATA_HOME=str(tmp_path), PATH="/usr/bin:/bin")
    assert ran.returncode == 0, ran.stderr
    assert "CC BY-NC-SA 4.0" in ran.stdout
    folder = tmp_path / "wyoming-rosie" / "openwakeword"
    assert {file.name for file in folder.iterdir()} == {
        "alexa_v0.1.onnx",
        "embedding_model.onnx",
        "melspectrogram.onnx",
    }
    assert (folder / "alexa_v0.1.onnx").read_bytes() == (PACKAGES["openwakeword"] / "alexa_v0.1.onnx").read_bytes()


def test_what_cannot_be_fetched_is_said_and_leaves_nothing(release: str, tmp_path: Path) -> None:
    to = ("--to", str(tmp_path / "models"))
    missing = complaint("fetch-models", "snowboy", "--from", release, *to)
    assert "snowboy.onnx answers 404 File not found; put snowboy.onnx into" in missing
    assert {file.name for file in (tmp_path / "models").iterdir()} == {"embedding_model.onnx", "melspectrogram.onnx"}
    assert "http:// or https://" in complaint("fetch-models", "--from", "file:///etc", "--to", str(tmp_path / "other"))


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    said = complaint("fetch-models", "--from", "http://127.0.0.1:9", "--to", str(tmp_path / "models"))
    assert "cannot fetch http://127.0.0.1:9/melspectrogram.onnx: Connection refused" in said
