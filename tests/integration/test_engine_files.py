"""Engines made on the spot: one new file in the right folder is offered, configured and used by the installed daemons."""

import asyncio
import os
import shutil
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.tts import Synthesize

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command, describe
from wyoming_rosie.audio.files import read_audio
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.commands.demo import COMMAND

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "engines"
FOLDERS = {
    "asr": ("wyoming_rosie_asr", "engines"),
    "tts": ("wyoming_rosie_tts", "engines"),
    "wake": ("wyoming_rosie_wake", "engines"),
    "vad": ("wyoming_rosie_vad", "engines"),
    "actors": ("wyoming_rosie_intent", "actors"),
    "providers": ("wyoming_rosie_intent", "llm/providers"),
}
Add = Callable[[str], None]


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Copy an example into the folder of its kind, in a copy of the package that comes first on the path."""

    def add(example: str) -> None:
        kind, _ = example.split("/")
        package, folder = FOLDERS[kind]
        copied = tmp_path / "packages" / package
        shutil.copytree(ROOT / "servers" / package, copied, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(EXAMPLES / example, copied / folder)
        monkeypatch.setenv("PYTHONPATH", str(copied.parent))

    return add


def tone(seconds: float) -> bytes:
    return array("h", [20_000, -20_000] * round(seconds * SPEECH.rate / 2)).tobytes()


def audio(*pieces: bytes) -> list[Event]:
    return [
        AudioStart(SPEECH.rate, SPEECH.width, SPEECH.channels).event(),
        *(AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm).event() for pcm in pieces),
        AudioStop().event(),
    ]


async def test_a_speech_engine(add: Add, daemon: StartDaemon, peer: OpenPeer) -> None:
    add("asr/constant.py")
    asr = await daemon("asr", "--engine", "constant", "--constant.text", "made on the spot")
    client = await peer(asr.uri)
    _, recording = await asyncio.to_thread(read_audio, COMMAND)
    for event in (Transcribe(language="en").event(), *audio(recording)):
        await client.send(event)
    assert (await client.wait_for("transcript", seconds=60)).data["text"] == "made on the spot"
    assert [model.name for model in (await describe(asr.uri)).asr[0].models] == ["constant"]


async def test_a_voice_engine(add: Add, daemon: StartDaemon, peer: OpenPeer) -> None:
    add("tts/beep.py")
    client = await peer((await daemon("tts", "--engine", "beep", "--beep.hertz", "880")).uri)
    await client.send(Synthesize("abc").event())
    heard = b""
    while (event := await client.receive(60)).type != "audio-stop":
        heard += event.payload or b""
    assert SPEECH.seconds(len(heard)) == pytest.approx(3 * 0.05)


async def test_a_wake_word_engine(add: Add, daemon: StartDaemon, peer: OpenPeer) -> None:
    add("wake/loud.py")
    client = await peer((await daemon("wake", "--engine", "loud", "--loud.amplitude", "5000")).uri)
    for event in (Event("detect", {"names": ["loud"]}), *audio(bytes(32_000), tone(0.5))):
        await client.send(event)
    assert (await client.wait_for("detection", seconds=60)).data["name"] == "loud"


async def test_a_voice_activity_engine(add: Add, daemon: StartDaemon, peer: OpenPeer) -> None:
    add("vad/level.py")
    client = await peer((await daemon("vad", "--engine", "level", "--level.dbfs", "-20")).uri)
    for event in audio(bytes(32_000), tone(0.5), bytes(32_000)):
        await client.send(event)
    assert (await client.wait_for("voice-started", seconds=60)).data["timestamp"] == pytest.approx(1000, abs=64)


async def test_an_actor(add: Add, daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    add("actors/notebook.py")
    file = tmp_path / "written"
    client = await peer((await daemon("intent", "--actor", "notebook", "--notebook.file", str(file))).uri)
    await client.send(Event("transcript", {"text": "turn on the kitchen light"}))
    assert (await client.wait_for("handled", seconds=60)).data["text"] == "Written down."
    assert file.read_text() == "HassTurnOn light.kitchen\n"


async def test_a_model_provider(add: Add, daemon: StartDaemon, peer: OpenPeer) -> None:
    add("providers/echo.py")
    flags = ("--local.provider", "echo", "--local.model", "any", "--local.echo.prefix", "You asked:", "--no-fillers")
    client = await peer((await daemon("intent", *flags)).uri)
    await client.send(Event("transcript", {"text": "why is the sky blue"}))
    said = ""
    while (event := await client.receive(60)).type not in ("handled", "handled-stop"):
        said += event.data.get("text", "")
    assert (said or event.data["text"]).strip() == "You asked: why is the sky blue"


def test_help_shows_an_added_engine_and_its_settings(add: Add) -> None:
    add("asr/constant.py")
    shown = subprocess.run(
        [command("wyoming-rosie-asr"), "--help"], env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True
    )
    assert "choices: cascade, constant, faster-whisper" in " ".join(shown.stdout.split())
    assert "--constant.text" in shown.stdout


def test_without_the_file_there_is_no_such_engine() -> None:
    refused = subprocess.run([command("wyoming-rosie-asr"), "--engine", "constant"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "cascade" in refused.stderr


def test_a_file_with_a_fault_keeps_nobody_from_the_others(add: Add, tmp_path: Path) -> None:
    add("vad/level.py")
    (tmp_path / "packages" / "wyoming_rosie_vad" / "engines" / "broken.py").write_text("import nothing_of_this_name\n")
    refused = subprocess.run([command("wyoming-rosie-vad"), "--engine", "broken"], capture_output=True, text=True)
    assert refused.returncode == 1
    assert "'broken' cannot be imported: ModuleNotFoundError" in refused.stderr
    assert "Traceback" not in refused.stderr
    shown = subprocess.run([command("wyoming-rosie-vad"), "--help"], capture_output=True, text=True)
    assert "--level.dbfs" in shown.stdout


def test_the_page_on_extending_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    assert (EXAMPLES / "asr" / "constant.py").read_text("utf-8").strip() in page
