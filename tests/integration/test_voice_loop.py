"""The voice loop with real daemons: recorded voices, commands right after the wake word, follow-ups, daemons that stop."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from wyoming.event import Event

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon, command
from tests.fakes import SPEECH_DATA, FakeSatellite
from wyoming_rosie.audio.formats import SPEECH, Converter, format_of, read_wav, write_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.protocol.client import connect

CHUNK = 640  # 20 ms
WORD_END_MS = 1100  # where the demo's recording is done with "okay nabu"


def speech(path: Path) -> bytes:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


class Loop:
    """Real daemons and a hub, with a scripted satellite that sends recorded speech."""

    def __init__(self, start: StartDaemon) -> None:
        self._start = start
        self.satellite = FakeSatellite()
        self.daemons: dict[str, Daemon] = {}
        self.asr_uri = ""

    async def begin(self, stack: AsyncExitStack, data_dir: Path, home: Path | None = None) -> None:
        await stack.enter_async_context(self.satellite.serving(info=self.satellite.info))
        homes = ("--home", str(home)) if home else ()
        self.asr_uri = f"tcp://127.0.0.1:{free_port()}"
        flags = {"asr": (*homes, "--uri", self.asr_uri), "intent": (*homes, "--confirm", "lock")}
        roles = ("vad", "asr", "intent", "tts")
        started = await asyncio.gather(*(self._start(role, *flags.get(role, ())) for role in roles))
        self.daemons = dict(zip(roles, started, strict=True))
        uris = [part for role, daemon in self.daemons.items() for part in (f"--{role}-uri", daemon.uri)]
        hub = await self._start(
            "hub", "--satellite", self.satellite.uri, *uris, "--no-zeroconf", "--data-dir", str(data_dir), "--debug"
        )
        await self.daemons["asr"].wait_for_line("grammar loaded")
        await hub.wait_for_line("satellite connected")

    async def say(self, pcm: bytes, turn_id: str) -> str:
        """Speak after a wake word; return the answer's text."""
        heard = len(self.satellite.heard)
        await self.satellite.wake(turn_id)
        quiet = bytes(CHUNK)
        for start in range(0, len(pcm), CHUNK):
            await self.satellite.send(Event("audio-chunk", dict(SPEECH_DATA), pcm[start : start + CHUNK]))
            await asyncio.sleep(0.02)
        while not [event for event in self.satellite.heard[heard:] if event.type == "voice-stopped"]:
            await self.satellite.send(Event("audio-chunk", dict(SPEECH_DATA), quiet))
            await asyncio.sleep(0.02)
        answer = await self.satellite.wait_for("synthesize", after=heard)
        await self.satellite.wait_for("audio-stop", after=heard, seconds=60)
        await self.satellite.send(Event("played"))
        return str(answer.data["text"])

    async def spoken(self, text: str) -> bytes:
        """Return a sentence as our tts daemon synthesizes it."""
        async with connect(self.daemons["tts"].uri) as peer:
            await peer.send(Event("synthesize", {"text": text}))
            start = await peer.wait_for("audio-start", seconds=60)
            pcm = b""
            while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=60)).type == "audio-chunk":
                pcm += event.payload or b""
        converter = Converter(format_of(start), SPEECH)
        return converter.convert(pcm) + converter.finish()


@pytest.fixture
async def loop(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Loop]:
    async with AsyncExitStack() as stack:
        one = Loop(daemon)
        await one.begin(stack, tmp_path)
        yield one


@pytest.fixture
def turn_on_the_lights() -> bytes:
    return speech(RECORDING)[WORD_END_MS * 32 :]


@pytest.fixture
def lock_the_door(shared_data: Path) -> bytes:
    return speech(shared_data / "commands-en" / "lock_the_front_door.wav")


async def test_a_spoken_command_is_carried_out_and_answered(loop: Loop, turn_on_the_lights: bytes) -> None:
    assert await loop.say(turn_on_the_lights, "t1") == "Turned on the Kitchen Light."


async def test_a_lock_needs_a_spoken_confirmation_without_wake_word(loop: Loop, lock_the_door: bytes) -> None:
    question = await loop.say(lock_the_door, "t1")
    assert question == "Shall I lock the Front Door?"
    names = [event.data["name"] for event in loop.satellite.heard if event.type == "user-event"]
    assert [name for name in names if name != "watch"] == ["listen-again"]
    assert "lock" in (await loop.say(await loop.spoken("yes"), "t2")).lower()


async def test_a_stopped_asr_daemon_is_reported_aloud_and_used_again_later(
    loop: Loop, daemon: StartDaemon, turn_on_the_lights: bytes
) -> None:
    await loop.daemons["asr"].stop()
    heard = len(loop.satellite.heard)
    await loop.satellite.wake("t1")
    spoken = await loop.satellite.wait_for("synthesize", after=heard, seconds=60)
    assert "speech recognition" in spoken.data["text"]
    await loop.satellite.wait_for("audio-stop", after=heard)
    await loop.satellite.send(Event("played"))
    restarted = await daemon("asr", "--uri", loop.asr_uri)
    await restarted.wait_for_line("grammar loaded")
    assert await loop.say(turn_on_the_lights, "t2") == "Turned on the Kitchen Light."


@pytest.mark.long
def test_a_recorded_voice_needs_no_pause_after_the_wake_word(shared_data: Path, tmp_path: Path) -> None:
    word = speech(shared_data / "wake" / "woww_okay_nabu.wav")
    spoken = speech(shared_data / "commands-en-tts" / "turn_on_the_kitchen_lights.wav")
    write_wav(tmp_path / "one_breath.wav", SPEECH, trimmed(word) + trimmed(spoken))
    ran = subprocess.run(
        [command("wyoming-rosie"), "demo", str(tmp_path / "one_breath.wav"), "--output", str(tmp_path / "reply.wav")],
        capture_output=True,
        timeout=120,
        check=False,
    )
    shown = ran.stdout.decode()
    assert ran.returncode == 0, shown + ran.stderr.decode()
    assert "light.kitchen: off -> on" in shown


def trimmed(pcm: bytes) -> bytes:
    """Cut both ends up to the first sample above a twentieth of the peak."""
    levels = [abs(sample) for sample in memoryview(pcm).cast("h")]
    threshold = max(levels) / 20
    loud = [index for index, level in enumerate(levels) if level > threshold]
    return pcm[2 * loud[0] : 2 * loud[-1]]
