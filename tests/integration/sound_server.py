"""A PulseAudio server of the test: the microphone picks up what is played in the room, and the speaker is recorded."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.runtime.child_processes import send_signal

ROOM = "room"
SPEAKER = "loudspeaker"
RECORDED = AudioFormat(22_050, 2, 1)
STARTED_SECONDS = 60.0
PROGRAMS = ("pulseaudio", "pactl", "paplay", "pacat", "parec")


def missing_programs() -> list[str]:
    """Return the programs that are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


class SoundServer:
    """A running server; `environment` leads programs to it."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            "PULSE_SERVER": f"unix:{folder}/socket",
            "PULSE_SOURCE": f"{ROOM}.monitor",
            "PULSE_SINK": SPEAKER,
            "PULSE_RUNTIME_PATH": str(folder),
            "HOME": str(folder),
        }
        self._folder = folder

    @asynccontextmanager
    async def run(self) -> AsyncIterator["SoundServer"]:
        process = await self._start(
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error",
            "-L", f"module-native-protocol-unix socket={self._folder}/socket auth-anonymous=1",
            *(word for sink in (ROOM, SPEAKER) for word in ("-L", f"module-null-sink sink_name={sink} rate=48000")),
        )  # fmt: skip
        try:
            async with asyncio.timeout(STARTED_SECONDS):
                while await self.control("info"):
                    await asyncio.sleep(0.1)
            async with self._awake(ROOM), self._awake(SPEAKER):
                yield self
        finally:
            await _end(process)

    async def control(self, *words: str) -> int:
        """Run pactl; return its status."""
        return await (await self._start("pactl", *words)).wait()

    async def play(self, recording: Path) -> None:
        """Play a WAV file in the room, to its end."""
        assert await (await self._start("paplay", f"--device={ROOM}", str(recording))).wait() == 0

    @asynccontextmanager
    async def recorded(self, file: Path, sink: str = SPEAKER) -> AsyncIterator[None]:
        """Record raw samples in RECORDED of what is played by the speaker, or in the room."""
        format_flags = (f"--rate={RECORDED.rate}", "--channels=1", "--format=s16le", "--latency-msec=20")
        process = await self._start("parec", f"--device={sink}.monitor", *format_flags, str(file))
        try:
            async with asyncio.timeout(STARTED_SECONDS):
                while not wav_seconds(file):
                    await asyncio.sleep(0.02)
            yield
        finally:
            await _end(process)

    @asynccontextmanager
    async def _awake(self, sink: str) -> AsyncIterator[None]:
        """Play silence: what a sink plays first after it was idle is not recorded."""
        process = await self._start("pacat", f"--device={sink}", "/dev/zero")
        try:
            yield
        finally:
            await _end(process)

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *words, env=os.environ | self.environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip


def wav_seconds(file: Path) -> float:
    """Return how much has been recorded so far."""
    return RECORDED.seconds(file.stat().st_size) if file.exists() else 0.0


async def _end(process: asyncio.subprocess.Process) -> None:
    send_signal(process, signal.SIGTERM)
    async with asyncio.timeout(STARTED_SECONDS):
        await process.wait()
