"""Speakers: the protocol, and a WAV file, standard output or a command as a sink."""

import asyncio
import os
import wave
from pathlib import Path
from typing import Protocol, runtime_checkable

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.audio.devices.pacing import PlaybackClock
from wyoming_rosie_satellite.audio.echo_reference import EchoReference
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.subprocesses import end_process, kill_process, split_command, start_process

LEAD_SECONDS = 0.1
"""Audio that is accepted ahead of real time."""
DRAIN_TIMEOUT_SECONDS = 15.0
"""A command may take this long to play what it and the pipe have buffered."""


class Speaker(Protocol):
    """Plays audio in one format. Each method may raise DeviceError or OSError."""

    @property
    def format(self) -> AudioFormat: ...

    async def play(self, pcm: bytes) -> None:
        """Play whole frames; wait while too much is buffered."""

    async def drain(self) -> None:
        """Wait until everything has been played."""

    async def stop(self) -> None:
        """Stop at once and drop the rest."""

    async def close(self) -> None:
        """Release the device."""


@runtime_checkable
class NowaitSpeaker(Protocol):
    """A speaker that can mostly take audio without waiting."""

    def play_nowait(self, pcm: bytes) -> bool:
        """Play whole frames if that is possible without waiting; return whether it was. Raises nothing."""


class VolumeSpeaker:
    """Another speaker at a volume; what it plays goes to the echo reference as well."""

    def __init__(self, speaker: Speaker, volume: Volume, echo: EchoReference | None = None) -> None:
        self.format = speaker.format
        self._speaker = speaker
        self._volume = volume
        self._echo = echo
        self._play_nowait = speaker.play_nowait if isinstance(speaker, NowaitSpeaker) else None

    def play_nowait(self, pcm: bytes) -> bool:
        scaled = self._volume.apply(pcm)
        if self._play_nowait is None or not self._play_nowait(scaled):
            return False
        if self._echo is not None:
            self._echo.push(scaled)
        return True

    async def play(self, pcm: bytes) -> None:
        scaled = self._volume.apply(pcm)
        await self._speaker.play(scaled)
        if self._echo is not None:
            self._echo.push(scaled)

    async def drain(self) -> None:
        await self._speaker.drain()

    async def stop(self) -> None:
        if self._echo is not None:
            self._echo.clear()
        await self._speaker.stop()

    async def close(self) -> None:
        await self._speaker.close()


class WavSpeaker:
    """Writes to a WAV file in real time, without audio that is stopped before it would be played. Raises ConfigError."""

    def __init__(self, path: Path, audio: AudioFormat) -> None:
        self.format = audio
        self._clock = PlaybackClock()
        self._worker = ThreadWorker("speaker")
        self._wave: wave.Wave_write | None = None
        try:
            self._file = path.open("wb")
        except OSError as err:
            raise ConfigError(f"cannot write {path}: {err.strerror}") from err

    async def play(self, pcm: bytes) -> None:
        await self._clock.wait_until_left(LEAD_SECONDS)
        self._clock.add(self.format.seconds(len(pcm)))
        await self._worker.run(self._write, pcm)

    async def drain(self) -> None:
        await self._clock.wait_until_left(0)

    async def stop(self) -> None:
        self._clock.reset()

    async def close(self) -> None:
        await self._worker.run(self._close)
        self._worker.close()

    def _write(self, pcm: bytes) -> None:
        if self._wave is None:
            self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - open as long as the speaker
            self._wave.setframerate(self.format.rate)
            self._wave.setsampwidth(self.format.width)
            self._wave.setnchannels(self.format.channels)
        self._wave.writeframes(pcm)

    def _close(self) -> None:
        self._write(b"")  # writes the header if there was no audio
        assert self._wave is not None
        self._wave.close()
        self._file.close()


class StdoutSpeaker:
    """Writes raw samples to standard output, in real time."""

    def __init__(self, audio: AudioFormat, fd: int = 1) -> None:
        self.format = audio
        self._fd = fd
        self._clock = PlaybackClock()
        self._worker = ThreadWorker("speaker")

    async def play(self, pcm: bytes) -> None:
        await self._clock.wait_until_left(LEAD_SECONDS)
        self._clock.add(self.format.seconds(len(pcm)))
        await self._worker.run(_write_all, self._fd, pcm)

    async def drain(self) -> None:
        await self._clock.wait_until_left(0)

    async def stop(self) -> None:
        self._clock.reset()

    async def close(self) -> None:
        self._worker.close()


class CommandSpeaker:
    """Starts a command for each clip and writes raw samples to its standard input. Raises ConfigError.

    The clip has been played when the command has ended. `samples_per_chunk` are written at a time, if given.
    """

    def __init__(self, line: str, audio: AudioFormat, samples_per_chunk: int | None = None) -> None:
        self.format = audio
        self._chunk = max(1, samples_per_chunk or 1) * audio.frame_bytes
        self._unwritten = b""
        self._words = split_command("--snd-command", line)
        self._process: asyncio.subprocess.Process | None = None

    async def play(self, pcm: bytes) -> None:
        if self._process is None:
            self._process = await start_process(
                self._words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
            )
        assert self._process.stdin is not None
        self._process.stdin.write(self._take_chunks(pcm))
        await self._process.stdin.drain()

    def play_nowait(self, pcm: bytes) -> bool:
        pipe = self._process.stdin if self._process is not None else None
        if pipe is None or pipe.transport.is_closing() or pipe.transport.get_write_buffer_size():
            return False
        pipe.write(self._take_chunks(pcm))
        return True

    def _take_chunks(self, pcm: bytes) -> bytes:
        """Add audio; return what can be written now, in whole chunks."""
        self._unwritten += pcm
        whole = len(self._unwritten) - len(self._unwritten) % self._chunk
        now, self._unwritten = self._unwritten[:whole], self._unwritten[whole:]
        return now

    async def drain(self) -> None:
        process, self._process = self._process, None
        last, self._unwritten = self._unwritten, b""
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.write(last)
        process.stdin.close()
        try:
            async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
                status = await process.wait()
        except TimeoutError as err:
            raise DeviceError(
                f"the command '{self._words[0]}' did not end {DRAIN_TIMEOUT_SECONDS:g} s after its audio"
            ) from err
        finally:
            kill_process(process)
        if status:
            raise DeviceError(f"the command '{self._words[0]}' ended with status {status}")

    async def stop(self) -> None:
        process, self._process = self._process, None
        self._unwritten = b""
        if process is not None:
            await end_process(process)

    async def close(self) -> None:
        await self.stop()


def _write_all(fd: int, pcm: bytes) -> None:
    while pcm:
        pcm = pcm[os.write(fd, pcm) :]
