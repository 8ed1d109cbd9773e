"""The flags of wyoming-satellite in its users' service files, of which one word is changed."""

import asyncio
import shlex
import stat
import sys
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import command
from tests.integration.satellite_room import ScriptedConductor
from tests.old_satellite_flags import COMMON, FINDER, commands, flag_names
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie_satellite.compat.migration import VALUE_KINDS

pytestmark = pytest.mark.long

OTHERWISE = {"version", "zeroconf-host"}
"""Flags that have tests of their own: one ends at once, one needs a port that is known."""


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    write_wav(tmp_path / "sound.wav", SPEECH, b"ab" * 1600)
    return tmp_path / "sound.wav"


def test_no_flag_is_left_out(tmp_path: Path) -> None:
    given = {name for one in commands(tmp_path, tmp_path).values() for name in flag_names(one)}
    assert given | OTHERWISE == VALUE_KINDS.keys()


@pytest.mark.parametrize("about", commands(Path(), Path()))
async def test_the_satellite_starts_with_the_flags_of_old(
    daemon: StartDaemon, tmp_path: Path, wav: Path, about: str
) -> None:
    satellite = await daemon("satellite", *commands(tmp_path, wav)[about], "--data-dir", str(tmp_path))
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        assert conductor.info.satellite is not None


async def test_an_address_may_be_announced_that_is_not_its_own(daemon: StartDaemon) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"
    satellite = await daemon("satellite", *COMMON, "--uri", uri, "--zeroconf-host", "127.0.0.1", "--zeroconf-name", "x")
    await satellite.wait_for_line("no address to announce yet")  # nobody can call loopback


async def test_a_wake_command_wakes_it_and_what_is_said_is_recorded(daemon: StartDaemon, tmp_path: Path) -> None:
    finder = shlex.join([sys.executable, "-c", FINDER])
    heard = tmp_path / "recordings"
    satellite = await daemon(
        "satellite",
        *("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--data-dir", str(tmp_path)),
        *("--wake-command", finder, "--wake-word-name", "okay_nabu", "Kitchen", "--debug-recording-dir", str(heard)),
    )
    await satellite.wait_for_line("speech is being recorded; see --debug-recording-dir")
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        assert conductor.info.satellite is not None
        assert conductor.info.satellite.active_wake_words == ["okay_nabu"]
        assert [model.name for program in conductor.info.wake for model in program.models] == ["okay_nabu"]
        assert (await conductor.hears("detection")).data["name"] == "okay_nabu"
        assert (await conductor.hears("run-pipeline")).data["name"] == "Kitchen"
        await conductor.hears("audio-chunk")
    async with asyncio.timeout(60):
        while not (files := await asyncio.to_thread(lambda: list(heard.glob("*.wav")))):
            await asyncio.sleep(0.05)
    audio, pcm = await asyncio.to_thread(read_wav, files[0])
    assert audio == SPEECH
    assert pcm
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


async def test_log_lines_may_have_the_form_of_old(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(command("wyoming-rosie-satellite"), *COMMON, "--data-dir", str(tmp_path)),
        *("--log-format", "%(levelname)s:%(name)s:%(message)s"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while not (line := await process.stderr.readline()).startswith(b"INFO:wyoming_rosie_satellite:ready"):
            assert line, "it ended"
    process.terminate()
    await asyncio.wait_for(process.wait(), 60)


async def test_its_version_is_told() -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-satellite"), "--version", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, said.count(b".")) == (0, 2)
