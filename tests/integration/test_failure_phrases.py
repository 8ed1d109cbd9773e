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

    def __init__(self, start: StartDaemon, folder: Path, port: int) -> None:
        self._start = start
        self._folder = folder
        self._port = port
        self._speaker = folder / "speaker.wav"

    async def begins(self, *flags: str, microphone: str = HEARING) -> Daemon:
        return await self._start(
            "satellite",
            *("--mic-command", microphone, "--snd", f"wav:{self._speaker}", "--snd-command-rate", "16000"),
            *("--api-port", str(self._port), "--data-dir", str(self._folder), *flags),
        )

    async def is_woken(self) -> None:
        async with aiohttp.ClientSession() as http, asyncio.timeout(60):
            while not await self._is_triggered(http):
                await asyncio.sleep(0.02)

    async def _is_triggered(self, http: aiohttp.ClientSession) -> bool:
        try:
            await (await http.post(f"http://127.0.0.1:{self._port}/trigger")).release()
        except aiohttp.ClientConnectorError:
            return False  # the API opens a moment after the satellite is ready
        return True

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
def alone(daemon: StartDaemon, tmp_path: Path, unused_tcp_port: int) -> Alone:
    return Alone(daemon, tmp_path, unused_tcp_port)


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
    await alone.says("en/deaf")
    await asyncio.sleep(2)  # it is tried again meanwhile
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
