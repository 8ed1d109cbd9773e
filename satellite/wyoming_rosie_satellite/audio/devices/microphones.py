"""Microphones: the protocol, and a WAV file, standard input or a command as a source."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

import structlog

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import AudioFormat, read_wav
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.stdio import StdioTransport
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_satellite.audio.devices.pacing import ReadAheadLimiter, RealtimePacer
from wyoming_rosie_satellite.audio.devices.pipe_reader import PipeReader
from wyoming_rosie_satellite.subprocesses import end_process, kill_process, split_command, start_process

_LOG = structlog.get_logger()
FRAME_SECONDS = 0.02
MAX_PAUSE_SECONDS = 5.0


class Microphone(Protocol):
    """A source of audio in one format, which is known once the first frames have arrived."""

    @property
    def format(self) -> AudioFormat: ...

    def frames(self) -> AsyncGenerator[bytes, None]:
        """Yield whole frames in real time. Raises DeviceError or OSError when the microphone fails."""


async def read_forever(
    microphone: Microphone, on_lost: Callable[[], None] = lambda: None
) -> AsyncGenerator[bytes, None]:
    """Yield a microphone's frames without end; after a failure, call `on_lost` and retry with backoff."""
    backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
    while True:
        try:
            async with aclosing(microphone.frames()) as frames:
                async for pcm in frames:
                    if backoff.failures:
                        _LOG.info("microphone is back")
                    backoff.reset()
                    yield pcm
        except (RosieError, OSError) as err:
            if not backoff.failures:
                _LOG.warning("microphone failed", reason=str(err))
            on_lost()
        await backoff.sleep()


class WavMicrophone:
    """Yields silence until `begin`, then a WAV file in real time, then silence again. Raises ConfigError."""

    def __init__(self, path: Path, begin: asyncio.Event) -> None:
        self.format, self._pcm = read_wav(path)
        self._begin = begin

    async def frames(self) -> AsyncGenerator[bytes, None]:
        pace = RealtimePacer()
        step = self.format.bytes_in(FRAME_SECONDS)
        remaining = self._pcm
        while True:
            await pace.wait(FRAME_SECONDS)
            if self._begin.is_set() and remaining:
                frame, remaining = remaining[:step], remaining[step:]
                yield frame
            else:
                yield bytes(step)


class StdinMicrophone:
    """Yields raw samples from standard input, a pipe as it comes, a file like a WAV file; then silence."""

    def __init__(self, audio: AudioFormat, begin: asyncio.Event, fd: int = 0) -> None:
        self.format = audio
        self._begin = begin
        self._fd = fd

    async def frames(self) -> AsyncGenerator[bytes, None]:
        pace = RealtimePacer()
        step = self.format.bytes_in(FRAME_SECONDS)
        recorded = stat.S_ISREG(os.fstat(self._fd).st_mode)
        while recorded and not self._begin.is_set():
            await pace.wait(FRAME_SECONDS)
            yield bytes(step)
        async with aclosing(_read_chunks(self._fd, step)) as received:
            async for frame in received:
                if recorded:
                    await pace.wait(FRAME_SECONDS)
                yield frame
        _LOG.warning("standard input has ended; the microphone is silent")
        pace = RealtimePacer()
        while True:
            await pace.wait(FRAME_SECONDS)
            yield bytes(step)


class CommandMicrophone:
    """Yields raw samples from a command's standard output. Raises ConfigError."""

    def __init__(self, line: str, audio: AudioFormat, samples_per_chunk: int) -> None:
        self.format = audio
        self._words = split_command("--mic-command", line)
        self._step = samples_per_chunk * audio.frame_bytes

    async def frames(self) -> AsyncGenerator[bytes, None]:
        process, output = await self._start()
        pace = ReadAheadLimiter()
        seconds = self.format.seconds(self._step)
        try:
            while len(frame := await output.read(self._step)) == self._step:
                await pace.wait(seconds)
                yield frame
            kill_process(process)  # it may have closed its output only
            raise DeviceError(f"the command '{self._words[0]}' ended with status {await process.wait()}")
        finally:
            output.close()
            await end_process(process)

    async def _start(self) -> tuple[asyncio.subprocess.Process, PipeReader]:
        output, its_output = os.pipe()
        try:
            process = await start_process(self._words, stdin=asyncio.subprocess.DEVNULL, stdout=its_output)
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(its_output)
        return process, PipeReader(output)


async def _read_chunks(fd: int, step: int) -> AsyncGenerator[bytes, None]:
    reader = asyncio.StreamReader()
    transport = StdioTransport(asyncio.StreamReaderProtocol(reader), read_fd=fd)
    transport.start()
    try:
        while True:
            yield await reader.readexactly(step)
    except asyncio.IncompleteReadError:
        return
    finally:
        transport.abort()
