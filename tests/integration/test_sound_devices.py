"""The satellite on a sound server: a person speaks in the room, and the loudspeaker plays the reply."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon, describe
from tests.integration.satellite_room import SAID, ScriptedConductor, first_run, logged
from tests.integration.sound_server import RECORDED, ROOM, SPEAKER, SoundServer, missing_programs
from tests.unit.satellite.dialogues import SOUND_START, TRANSCRIBED
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.runtime.child_processes import send_signal

pytestmark = [
    pytest.mark.skipif(
        bool(missing_programs()), reason=f"apt install pulseaudio pulseaudio-utils: {missing_programs()}"
    ),
]
DEVICES = ("--mic", "pulse", "--snd", "pulse", "--wake-refractory-seconds", "0.5")
SPEECH_START = Event("audio-start", {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels})
STOP = Event("audio-stop")
ANSWER_SECONDS = 1.0
LOUD = 3000
PERIOD = RECORDED.rate // 500
"""Samples of the tone's period."""
HANGS = "the sound system hangs: the satellite ends, to be started again"


@pytest.fixture
def word(shared_data: Path) -> Path:
    return shared_data / "wake" / f"{SAID}.wav"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SoundServer:
    """A sound server that is not running yet."""
    prepared = SoundServer(folder)
    for name, value in prepared.environment.items():
        monkeypatch.setenv(name, value)
    return prepared


def rising(seconds: float) -> bytes:
    """Return a tone that is loud at its first sample and louder at its last."""
    places = np.arange(round(seconds * RECORDED.rate)) / RECORDED.rate
    swell = np.linspace(6_000, 18_000, len(places))
    return (np.cos(2 * np.pi * 500 * places) * swell).astype("<i2").tobytes()


def sounding_seconds(file: Path) -> float:
    """Return how long a recording sounds, without the gaps of a machine that has no time for the sound server."""
    samples = np.frombuffer(file.read_bytes()[: file.stat().st_size // 2 * 2], "<i2").astype(int)
    pauses = np.diff(np.flatnonzero(np.abs(samples) > LOUD))
    return float(pauses[pauses < PERIOD].sum() / RECORDED.rate)


async def speak_until_heard(server: SoundServer, satellite: Daemon, word: Path, before: int = 0) -> None:
    """Say a wake word again and again: nothing tells when a microphone has been opened."""
    async with asyncio.timeout(60):
        while len(satellite.lines("wake word")) == before:
            await server.play(word)
            await asyncio.sleep(0.5)


async def test_a_spoken_wake_word_is_heard_and_the_whole_answer_is_played(
    daemon: StartDaemon, folder: Path, word: Path, server: SoundServer
) -> None:
    async with server.run():
        satellite = await daemon("satellite", *DEVICES)
        async with ScriptedConductor.connected(satellite.uri) as conductor:
            await conductor.joins()
            await speak_until_heard(server, satellite, word)
            _, pcm, _ = await first_run(conductor, 0.5)
            assert SPEECH.seconds(len(pcm)) >= 0.5
            async with server.recorded(folder / "answer"):
                said = asyncio.get_running_loop().time()
                answer = Event("audio-chunk", SOUND_START.data, rising(ANSWER_SECONDS))
                await conductor.says(*TRANSCRIBED, SOUND_START, answer, STOP)
                await conductor.hears("played")
                played = asyncio.get_running_loop().time()
                async with asyncio.timeout(60):
                    while await asyncio.to_thread(sounding_seconds, folder / "answer") < ANSWER_SECONDS - 0.02:
                        await asyncio.sleep(0.1)
                await asyncio.sleep(0.5)
    assert await asyncio.to_thread(sounding_seconds, folder / "answer") == pytest.approx(ANSWER_SECONDS, abs=0.02)
    assert played - said >= ANSWER_SECONDS


@pytest.fixture
async def supervised() -> AsyncIterator[Callable[[], Awaitable[Daemon]]]:
    """Start satellites that may end with a failure."""
    started: list[Daemon] = []

    async def start() -> Daemon:
        started.append(await Daemon.start("satellite", *DEVICES))
        return started[-1]

    yield start
    for one in started:
        send_signal(one.process, signal.SIGKILL)


async def loses_its_microphone(satellite: Daemon) -> None:
    """Wait until the satellite says that the microphone has failed, or that the sound library hangs."""
    async with asyncio.timeout(180):
        while not (satellite.lines("microphone failed") or satellite.lines(HANGS)):
            await asyncio.sleep(0.05)


async def hears_again(satellite: Daemon, server: SoundServer, word: Path) -> bool:
    """Return whether the satellite hears a wake word, or has ended because the sound library hangs."""
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        before = len(satellite.lines("wake word"))
        async with asyncio.timeout(180):
            while len(satellite.lines("wake word")) == before:
                if satellite.lines(HANGS):
                    return False
                await server.play(word)
                await asyncio.sleep(0.5)
    return True


async def test_a_sound_server_that_comes_back_is_found(
    supervised: Callable[[], Awaitable[Daemon]], word: Path, server: SoundServer
) -> None:
    """Once in a while libpulse keeps a lock when its server ends, and PortAudio hangs: then the satellite ends with a
    failure, and whoever supervises it starts it again."""
    async with server.run():
        satellite = await supervised()
        async with ScriptedConductor.connected(satellite.uri) as conductor:
            await conductor.joins()
            await speak_until_heard(server, satellite, word)
    await loses_its_microphone(satellite)
    async with server.run():
        if satellite.lines(HANGS) or not await hears_again(satellite, server, word):
            async with asyncio.timeout(60):
                assert await satellite.process.wait() == 1
            satellite = await supervised()
            assert await hears_again(satellite, server, word)
    assert await satellite.stop() == 0


async def test_without_any_device_it_stays_up_and_says_so_once(daemon: StartDaemon, server: SoundServer) -> None:
    satellite = await daemon("satellite", *DEVICES)
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.joins()
        for _ in range(2):
            await conductor.says(SOUND_START, Event("audio-chunk", SOUND_START.data, rising(0.5)), STOP)
            await conductor.hears("played")
            await logged(satellite, "microphone failed")
            await logged(satellite, "speaker failed")
            await asyncio.sleep(1)  # both are tried again meanwhile
        assert (await describe(satellite.uri)).satellite is not None
    failed = [line["reason"] for kind in ("microphone failed", "speaker failed") for line in satellite.lines(kind)]
    assert [reason[:30] for reason in failed] == ["cannot use the microphone 'pul", "cannot use the speaker 'pulse'"]


@pytest.mark.parametrize(
    ("flags", "wakes"), [(("--no-echo-cancellation",), True), ((), False)], ids=["without", "with"]
)
async def test_its_own_voice_does_not_wake_it_when_the_echo_is_cancelled(
    daemon: StartDaemon, word: Path, server: SoundServer, flags: tuple[str, ...], wakes: bool
) -> None:
    said = Event("audio-chunk", SPEECH_START.data, (await asyncio.to_thread(read_wav, word))[1])
    async with server.run():
        await server.control("load-module", "module-loopback", f"source={SPEAKER}.monitor", f"sink={ROOM}")
        satellite = await daemon("satellite", *DEVICES, *flags)
        async with ScriptedConductor.connected(satellite.uri) as conductor:
            await conductor.joins()
            await asyncio.sleep(2)
            async with asyncio.timeout(60):
                while True:
                    await conductor.says(SPEECH_START, said, STOP)
                    await conductor.hears("played")
                    await asyncio.sleep(1)
                    if satellite.lines("wake word") or not wakes:
                        break
    assert bool(satellite.lines("wake word")) is wakes
