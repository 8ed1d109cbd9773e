"""The phrases of a satellite process without a conductor."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from wyoming.satellite import RunSatellite

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.satellite_room import ScriptedConductor
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie_satellite.audio.fallback_phrases import FOLDER

HEARING = "cat /dev/zero"


class Alone:
    """A satellite whose speaker is a file."""

    def __init__(self, start: StartDaemon, folder: Path) -> None:
        self._start = start
        self._folder = folder
        self._satellite: Daemon | None = None
        self._speaker = folder / "speaker.wav"

    async def begins(self, *flags: str, microphone: str = HEARING) -> Daemon:
        self._satellite = await self._start(
            "satellite",
            *("--mic-command", microphone, "--snd", f"wav:{self._speaker}", "--snd-command-rate", "16000"),
            *("--api-port", "0", "--data-dir", str(self._folder), *flags),
        )
        return self._satellite

    async def is_woken(self) -> None:
        assert self._satellite is not None
        api = (await self._satellite.wait_for_line("local API"))["uri"]
        async with aiohttp.ClientSession() as http, http.post(f"{api}/trigger") as answer:
            assert answer.status == 200

    async def says(self, phrase: str) -> None:
        """Wait until a phrase was begun."""
        _, words = await asyncio.to_thread(read_wav, FOLDER / f"{phrase}.wav")
        async with asyncio.timeout(60):
            while words[:6400] not in await asyncio.to_thread(self._speaker.read_bytes):
                await asyncio.sleep(0.02)

    def played_seconds(self) -> float:
        return SPEECH.seconds(self._speaker.stat().st_size) if self._speaker.exists() else 0.0

    async def said(self, phrase: str) -> int:
        """Return how often it has said a phrase."""
        _, words = await asyncio.to_thread(read_wav, FOLDER / f"{phrase}.wav")
        return (await asyncio.to_thread(self._speaker.read_bytes)).count(words)


@pytest.fixture
def alone(daemon: StartDaemon, tmp_path: Path) -> Alone:
    return Alone(daemon, tmp_path)


@pytest.mark.parametrize("language", ["en", "de"])
async def test_without_a_server_it_says_so_in_its_language(alone: Alone, language: str) -> None:
    await alone.begins("--language", language)
    await alone.is_woken()
    await alone.says(f"{language}/unreachable")


async def test_a_server_that_goes_in_the_middle_is_spoken_about(alone: Alone) -> None:
    satellite = await alone.begins()
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.says(RunSatellite().event())
        await satellite.wait_for_line("phase", phase="waiting")
        await alone.is_woken()
        await conductor.hears("audio-chunk")
    await alone.says("en/lost")


async def test_a_microphone_that_does_not_work_is_spoken_about_once(alone: Alone) -> None:
    satellite = await alone.begins(microphone="false")
    async with asyncio.timeout(60):
        while not await alone.said("en/deaf"):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)  # it is tried again meanwhile
    await satellite.stop()
    assert await alone.said("en/deaf") == 1


async def test_who_wants_no_words_hears_chimes(alone: Alone) -> None:
    satellite = await alone.begins("--no-failure-phrases")
    await alone.is_woken()
    async with asyncio.timeout(60):
        while await asyncio.to_thread(alone.played_seconds) <= 0.5:
            await asyncio.sleep(0.02)
    await asyncio.sleep(1)  # words would follow
    await satellite.stop()
    audio, pcm = await asyncio.to_thread(read_wav, alone._speaker)
    assert audio == SPEECH
    assert 0.5 < audio.seconds(len(pcm)) < 1.5
