"""Somebody says "stop" while the satellite is heard: its own sound comes back into its microphone, as in a room."""

import asyncio
import os
import shlex
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soxr
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.integration.satellite_room import FRAME_SECONDS, Room, ScriptedConductor, Voice, logged
from tests.unit.satellite.dialogues import TIMER
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak import engine as espeak
from wyoming_rosie_tts.text.segments import TextSegment

ECHO_FRAMES = 3
ECHO_GAIN = 0.3
MICROPHONE_NOISE = 10.0
Samples = npt.NDArray[np.float64]


def samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(float)


def say(text: str) -> bytes:
    """Return speech that is as loud as the recordings of the tests."""
    voice = espeak.load(espeak.Settings(rate=160, pitch=60)).select_voice(VoiceRequest(name="en-GB"))
    pcm = b"".join(voice.synthesize(TextSegment(text), pause=True))
    said = soxr.resample(samples(pcm), voice.audio_format.rate, SPEECH.rate)
    return bytes((said * 0.5).astype("<i2"))


class EchoingVoice(Voice):
    """A voice in a room where the speaker is heard as well, softer and a little later, and perhaps music."""

    def __init__(self, folder: Path, music: Samples | None = None) -> None:
        super().__init__(folder / "voice")
        hiss = np.random.default_rng(1).normal(0, MICROPHONE_NOISE, 2 * SPEECH.rate)
        self._music = hiss if music is None else music + hiss
        self._place = 0
        self._late = deque([b""] * ECHO_FRAMES)
        speaker = folder / "speaker"
        os.mkfifo(speaker)
        self._speaker = os.open(speaker, os.O_RDWR | os.O_NONBLOCK)
        self.speaker_command = f"sh -c {shlex.quote(f'exec cat > {shlex.quote(str(speaker))}')}"
        self.heard_bytes = 0
        """Bytes that the speaker has played."""

    def _mix(self, frame: bytes) -> bytes:
        mixed = samples(frame) + self._take_echo(len(frame)) + self._take_music(len(frame) // 2)
        return np.clip(mixed, -32768, 32767).astype("<i2").tobytes()

    def _take_echo(self, step: int) -> Samples:
        played = b""
        with suppress(BlockingIOError):
            while len(played) < step:  # a read ends where a page of the pipe does
                played += os.read(self._speaker, step - len(played))
        self.heard_bytes += len(played)
        self._late.append(played)
        return ECHO_GAIN * samples(self._late.popleft().ljust(step, b"\0"))

    def _take_music(self, count: int) -> Samples:
        self._place += count
        return np.take(self._music, range(self._place - count, self._place), mode="wrap")


@asynccontextmanager
async def echoing_room(
    daemon: StartDaemon, folder: Path, *arguments: str, music: Samples | None = None
) -> AsyncIterator[tuple[Room, EchoingVoice]]:
    voice = EchoingVoice(folder, music)
    devices = ("--mic-command", voice.command, "--snd-command", voice.speaker_command)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(voice.speaking())
        satellite = await daemon("satellite", *devices, "--snd-command-rate", str(SPEECH.rate), *arguments)
        conductor = await stack.enter_async_context(ScriptedConductor.connected(satellite.uri))
        await conductor.joins()
        yield Room(satellite, voice, conductor, folder), voice


def chords() -> Samples:
    """Return two seconds of a chord that comes and goes."""
    time = np.arange(2 * SPEECH.rate) / SPEECH.rate
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6))
    return np.asarray(150 * chord * (1 + np.sin(2 * np.pi * 2 * time)), float)


def spoken(pcm: bytes) -> list[Event]:
    """Return a reply as a conductor sends it."""
    shape, step = (SPEECH.rate, SPEECH.width, SPEECH.channels), SPEECH.bytes_in(0.5)
    chunks = [AudioChunk(*shape, pcm[at : at + step]).event() for at in range(0, len(pcm), step)]
    return [AudioStart(*shape).event(), *chunks, AudioStop().event()]


@pytest.mark.timeout(120)
async def test_stop_ends_a_reply_whose_echo_is_heard(daemon: StartDaemon, tmp_path: Path, shared_data: Path) -> None:
    reply = (await asyncio.to_thread(read_wav, shared_data / "asr" / "jfk.wav"))[1] * 3
    stop = await asyncio.to_thread(say, "stop!")
    async with echoing_room(daemon, tmp_path) as (room, voice):
        await room.conductor.says(*spoken(reply))
        await logged(room.satellite, "phase", phase="speaking")
        async with asyncio.timeout(60):
            while voice.heard_bytes < SPEECH.bytes_in(8):
                await asyncio.sleep(FRAME_SECONDS)
        assert not room.satellite.lines("stop word")  # of its own voice
        voice.says(stop)
        await room.conductor.hears("played")
        assert room.satellite.lines("stop word")
        assert voice.heard_bytes < len(reply) - SPEECH.bytes_in(10)


@pytest.mark.timeout(120)
async def test_stop_silences_a_timer_while_music_plays(daemon: StartDaemon, tmp_path: Path) -> None:
    stop = await asyncio.to_thread(say, "stop!")
    async with echoing_room(daemon, tmp_path, "--timer-ring-pause-seconds", "1", music=chords()) as (room, voice):
        await room.conductor.says(*TIMER)
        async with asyncio.timeout(60):
            while voice.heard_bytes < SPEECH.bytes_in(4):
                await asyncio.sleep(FRAME_SECONDS)
        async with asyncio.timeout(60):
            while not room.satellite.lines("stop word"):  # the chime may drown the first one
                voice.says(stop)
                await asyncio.sleep(3)
        played = -1
        async with asyncio.timeout(60):
            while played != (played := voice.heard_bytes):
                await asyncio.sleep(3)  # longer than a ring and its pause


@pytest.mark.timeout(120)
async def test_stop_is_left_to_the_conductor_if_the_satellite_is_silent(daemon: StartDaemon, tmp_path: Path) -> None:
    stop = await asyncio.to_thread(say, "stop!")
    async with echoing_room(daemon, tmp_path) as (room, voice):
        voice.says(stop)
        await asyncio.sleep(3)
        assert not room.satellite.lines("stop word")
