"""The satellite with --vad: wake words are detected during speech only."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.integration.satellite_room import SAID, ScriptedConductor, first_run
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav

SILENCE_SECONDS = 4.0


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.long
@pytest.mark.parametrize("where", ["in process", "at a daemon"])
async def test_a_command_after_silence_begins_where_its_wake_word_ends(
    daemon: StartDaemon, folder: Path, shared_data: Path, where: str
) -> None:
    word, after = [
        (await asyncio.to_thread(read_wav, shared_data / "wake" / f"{name}.wav"))[1] for name in (SAID, "woww_computer")
    ]
    said = bytes(SPEECH.bytes_in(SILENCE_SECONDS)) + word + after
    await asyncio.to_thread(write_wav, folder / "said.wav", SPEECH, said)
    wake = ("--wake-uri", (await daemon("wake")).uri) if where == "at a daemon" else ()
    devices = ("--mic", f"wav:{folder}/said.wav", "--snd", f"wav:{folder}/reply.wav")
    satellite = await daemon("satellite", "--vad", "--vad-buffer-seconds", "1", *devices, *wake)
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        detection, pcm, _ = await first_run(conductor, 1.0)
    assert detection.data["name"] == "okay_nabu"
    begun = said.find(pcm[:6400]) / 2 / SPEECH.rate
    ended = SILENCE_SECONDS + SPEECH.seconds(len(word))
    assert ended - 1.0 < begun < ended + 0.5
