"""The offline queue of a satellite that is restarted, with conductors that come and go."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from wyoming.event import Event
from wyoming.satellite import PauseSatellite, RunSatellite

from tests.conftest import StartDaemon
from tests.integration.satellite_room import SAID, ScriptedConductor, furnished, logged
from tests.unit.satellite.dialogues import ANSWER, TRANSCRIBED
from wyoming_rosie.audio.formats import SPEECH, read_wav

JOIN = RunSatellite().event()


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        (Path(name) / "again").mkdir()
        yield Path(name)


@pytest.fixture(scope="session")
def said(shared_data: Path) -> bytes:
    """Return a wake word and a command."""
    word = read_wav(shared_data / "wake" / f"{SAID}.wav")[1]
    return word + bytes(SPEECH.bytes_in(0.3)) + command(shared_data)


def command(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en" / "turn_on_standing_light.wav")[1]


async def heard_by(conductor: ScriptedConductor, *first: str) -> tuple[list[Event], bytes]:
    """Return the first events and all audio of the next run."""
    events = [await conductor.hears(kind) for kind in first]
    pcm = b""
    while (event := await conductor.next()).type == "audio-chunk":
        pcm += event.payload or b""
    assert event.type == "audio-stop"
    return events, pcm


async def test_what_was_said_reaches_who_answers_it_and_nobody_after_that(
    daemon: StartDaemon, folder: Path, said: bytes, shared_data: Path
) -> None:
    keeps = ("--outbox", "--data-dir", str(folder / "data"))
    async with furnished(daemon, folder, *keeps) as room:
        room.voice.says(said)
        await logged(room.satellite, "run is stored")
        await logged(room.satellite, "phase", phase="offline")
        await room.satellite.stop()
    async with furnished(daemon, folder / "again", *keeps) as room:
        async with ScriptedConductor.connected(room.satellite.uri) as forgetful:
            await forgetful.says(JOIN)
            _, first = await heard_by(forgetful, "run-pipeline")
        await logged(room.satellite, "phase", phase="offline")
        await room.conductor.says(JOIN)
        (run,), pcm = await heard_by(room.conductor, "run-pipeline")
        assert run.data["wake_word_name"] == "okay_nabu"
        assert {"turn_id", "recorded_at"} == run.data["context"].keys()
        assert await asyncio.to_thread(command, shared_data) in pcm
        assert pcm == first
        await room.conductor.says(*TRANSCRIBED, *ANSWER)
        await room.conductor.hears("played")
        await room.conductor.says(PauseSatellite().event(), JOIN)
        assert await room.conductor.hears_types(0) == []


async def test_a_conductor_that_comes_in_the_middle_hears_all_of_it(
    daemon: StartDaemon, folder: Path, said: bytes, shared_data: Path
) -> None:
    async with furnished(daemon, folder, "--outbox", "--data-dir", str(folder / "data")) as room:
        room.voice.says(said)
        await logged(room.satellite, "phase", phase="streaming")
        await asyncio.sleep(0.5)
        await room.conductor.says(JOIN)
        (detection, _), pcm = await heard_by(room.conductor, "detection", "run-pipeline")
        assert detection.data["name"] == "okay_nabu"
        assert await asyncio.to_thread(command, shared_data) in pcm
        await room.conductor.says(*TRANSCRIBED, *ANSWER)
        await room.conductor.hears("played")
        assert room.satellite.lines("run is stored") == []
