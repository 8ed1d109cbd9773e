"""Recordings of the seconds around a detection or a near miss, for training; off unless a folder is named."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from wyoming_rosie.audio.formats import SPEECH, write_wav
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import WakeDetection

_LOG = structlog.get_logger()
AFTER_SECONDS = 0.5
MAX_WAITING = 20
"""Recordings that are not yet written; more are not kept."""
_SECONDS = range(1, 61)


@dataclass(frozen=True)
class Settings:
    dir: Path | None = option(
        None, "keep recordings of wake words in this folder; what people say there is on the disk"
    )
    near_misses: bool = option(True, "also keep what was nearly a wake word")
    seconds: int = option(4, "how much of what was before the detection, seconds")
    most_files: int = option(1000, "when there are more recordings, the oldest are deleted")


class WakeRecorder:
    """Writes recordings, one at a time, and deletes the oldest."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.seconds = settings.seconds
        self._settings = settings
        self._folder = folder
        self._writing: set[asyncio.Task[None]] = set()

    def is_recorded(self, detection: WakeDetection) -> bool:
        return self._settings.near_misses or not detection.is_near_miss

    def record(self, detection: WakeDetection, pcm: bytes) -> None:
        """Write a recording in the background."""
        if len(self._writing) >= MAX_WAITING:
            _LOG.warning("a recording was not kept: the disk is too slow", name=detection.name)
            return
        task = asyncio.create_task(asyncio.to_thread(self._write_recording, detection, pcm, datetime.now(UTC)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        if self._writing:
            await asyncio.wait(self._writing)

    def _write_recording(self, detection: WakeDetection, pcm: bytes, time: datetime) -> None:
        kind = "near-miss" if detection.is_near_miss else "detection"
        moment = f"{time:%Y%m%dT%H%M%S.%f}"[:-3]
        try:
            write_wav(self._folder / f"{moment}Z_{detection.name}_{kind}_{detection.score:.2f}.wav", SPEECH, pcm)
            recordings = sorted(self._folder.glob("*Z_*_*_*.wav"))
            for oldest in recordings[: max(0, len(recordings) - self._settings.most_files)]:
                oldest.unlink(missing_ok=True)
        except (ConfigError, OSError) as err:  # the recording is lost, listening goes on
            _LOG.warning("a recording was not kept", reason=str(err))


class RecordingBuffer:
    """The newest seconds of one stream, and the detections in it that are to be written when their end has come."""

    def __init__(self, recorder: WakeRecorder) -> None:
        self._recorder = recorder
        self._max_bytes = SPEECH.bytes_in(recorder.seconds + AFTER_SECONDS + 2.0)
        self._pcm = bytearray()
        self._end_sample = 0  # the sample after the newest
        self._pending: list[WakeDetection] = []

    def push(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._end_sample += len(pcm) // SPEECH.frame_bytes
        self._record([heard for heard in self._pending if self._end_sample >= _end_sample(heard)])
        if len(self._pcm) > 2 * self._max_bytes:
            del self._pcm[: -self._max_bytes]

    def on_detections(self, detections: Sequence[WakeDetection]) -> None:
        self._pending += [heard for heard in detections if self._recorder.is_recorded(heard)]

    def finish(self) -> None:
        self._record(list(self._pending))

    def _record(self, ready: Sequence[WakeDetection]) -> None:
        for heard in ready:
            self._pending.remove(heard)
            self._recorder.record(heard, self._slice(heard))

    def _slice(self, detection: WakeDetection) -> bytes:
        begin = self._end_sample - len(self._pcm) // SPEECH.frame_bytes
        first = max(0, detection.sample - self._recorder.seconds * SPEECH.rate - begin)
        return bytes(
            self._pcm[first * SPEECH.frame_bytes : max(0, _end_sample(detection) - begin) * SPEECH.frame_bytes]
        )


def create_recorder(settings: Settings) -> WakeRecorder | None:
    """Return what keeps recordings, None when that is off. Raises ConfigError."""
    if settings.dir is None:
        return None
    if settings.seconds not in _SECONDS:
        raise ConfigError(f"--capture.seconds must be from 1 to {_SECONDS[-1]}, not {settings.seconds}")
    if settings.most_files < 1:
        raise ConfigError("--capture.most-files must be at least 1")
    try:
        settings.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigError(f"--capture.dir: cannot make {settings.dir}: {err.strerror}") from err
    return WakeRecorder(settings, settings.dir)


def _end_sample(detection: WakeDetection) -> int:
    return detection.sample + round(AFTER_SECONDS * SPEECH.rate)
