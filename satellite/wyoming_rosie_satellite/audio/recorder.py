"""Recorder of the runs for debugging: one WAV file for each."""

import asyncio
import os
import time
import wave
from pathlib import Path

import structlog

from wyoming_rosie.audio.formats import SPEECH

_LOG = structlog.get_logger()
MAX_BYTES = SPEECH.bytes_in(60.0)
MAX_FILES = 500
MAX_QUEUED = 8
PATTERN = "run-*.wav"


class RunRecorder:
    """Records the audio that the conductor is sent; `run` writes it, and deletes the oldest files beyond `most_files`."""

    def __init__(self, folder: Path, max_files: int = MAX_FILES) -> None:
        self.written = 0
        self._folder = folder
        self._max_files = max_files
        self._name = ""
        self._pcm: bytearray | None = None  # of the run that goes on
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_QUEUED)

    @property
    def queue_size(self) -> int:
        """Number of recordings that are not written yet."""
        return self._queue.qsize()

    def start(self) -> None:
        """Start the recording of a run."""
        self.stop()
        self._name = time.strftime("run-%Y%m%d-%H%M%S") + f"-{time.time_ns() // 1_000_000 % 1000:03}.wav"
        self._pcm = bytearray()

    def push_audio(self, pcm: bytes) -> None:
        """Record the next 16 kHz 16-bit mono of the run; never waits."""
        if self._pcm is not None and len(self._pcm) < MAX_BYTES:
            self._pcm += pcm

    def stop(self) -> None:
        """Queue the recording for writing, unless it is empty."""
        pcm, self._pcm = self._pcm, None
        if not pcm:
            return
        try:
            self._queue.put_nowait((self._name, bytes(pcm)))
        except asyncio.QueueFull:
            _LOG.warning("recording is lost: the disk is too slow", folder=str(self._folder))

    async def run(self) -> None:
        """Write until cancelled."""
        _LOG.warning("speech is being recorded; see --debug-recording-dir", folder=str(self._folder))
        while True:
            name, pcm = await self._queue.get()
            try:
                await asyncio.to_thread(self._write, name, pcm)
                self.written += 1
            except OSError as err:
                _LOG.warning("recording failed", folder=str(self._folder), reason=err.strerror)

    def _write(self, name: str, pcm: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self._folder / name, "wb", opener=_open_restricted) as raw, wave.open(raw, "wb") as file:
            file.setframerate(SPEECH.rate)
            file.setsampwidth(SPEECH.width)
            file.setnchannels(SPEECH.channels)
            file.writeframes(pcm)
        for old in sorted(self._folder.glob(PATTERN))[: -self._max_files]:
            old.unlink(missing_ok=True)


def _open_restricted(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
