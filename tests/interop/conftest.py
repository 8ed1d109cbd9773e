"""Generated voices and models for programs of other projects."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import piper_voice, whisper_model
from tests.interop.home_assistant import NEWEST, OLD, HomeAssistant, run_home_assistant
from wyoming_rosie.audio.formats import read_wav, write_wav
from wyoming_rosie.commands.demo import RECORDING

VOICE = "en_US-test-medium"


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Piper voice that speaks noise."""
    folder = tmp_path_factory.mktemp("voices")
    piper_voice.build(folder, VOICE)
    return folder


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper model that transcribes all loud audio as `whisper_model.TEXT`."""
    return whisper_model.build(tmp_path_factory.mktemp("whisper"), quiet_text="")


@pytest.fixture
def said(tmp_path: Path, shared_data: Path) -> Path:
    """A recording of "okay nabu" that openWakeWord detects, then the command of the demo."""
    audio, word = read_wav(shared_data / "wake" / "woww_okay_nabu.wav")
    _, demo = read_wav(RECORDING)
    pcm = bytes(audio.bytes_in(1.0)) + word + bytes(audio.bytes_in(0.3)) + demo[audio.bytes_in(1.25) :]
    write_wav(tmp_path / "said.wav", audio, pcm)
    return tmp_path / "said.wav"


@pytest.fixture(params=[OLD, NEWEST])
async def core(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[HomeAssistant]:
    """A Home Assistant, of the oldest and of the newest version under test."""
    async with run_home_assistant(tmp_path / "core", request.param) as core:
        yield core
