"""Recordings of the audio around detections and near misses, for training; off unless a folder is set."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from wyoming_rosie.audio.formats import SPEECH, write_wav
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.detection import WakeDetection

_LOG = structlog.get_logger()
AFTER_SECONDS = 0.5
MAX_WAITING = 20
"""Recordings that may wait to be written; more are dropped."""


@dataclass(frozen=True)
class Settings:
    dir: Path | None = option(None, "write recordings of detections to this folder; they contain speech")
    near_misses: bool = option(True, "also record near misses")
    seconds: int = option(4, "audio before the detection, seconds", minimum=1, maximum=60)
    most_files: int = option(1000, "number of recordings above which the oldest are deleted", minimum=1)


class WakeRecorder:
    """Writes recordings in the background and deletes the oldest."""

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
            _LOG.warning("recording dropped: the disk is too slow", name=detection.name)
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
        except (ConfigError, OSError) as err:  # loses the recording, not the connection
            _LOG.warning("recording was not written", reason=str(err))


class RecordingBuffer:
    """The newest seconds of one stream, and its detections that are recorded once the audio after them has come."""

    def __init__(self, recorder: WakeRecorder) -> None:
        self._recorder = recorder
        self._max_bytes = SPEECH.bytes_in(recorder.seconds + AFTER_SECONDS + 2.0)
        self._pcm = bytearray()
        self._end_sample = 0
        self._pending: list[WakeDetection] = []

    def push(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._end_sample += len(pcm) // SPEECH.frame_bytes
        self._record([detection for detection in self._pending if self._end_sample >= _end_sample(detection)])
        if len(self._pcm) > 2 * self._max_bytes:
            del self._pcm[: -self._max_bytes]

    def on_detections(self, detections: Sequence[WakeDetection]) -> None:
        self._pending += [detection for detection in detections if self._recorder.is_recorded(detection)]

    def finish(self) -> None:
        self._record(list(self._pending))

    def _record(self, ready: Sequence[WakeDetection]) -> None:
        for detection in ready:
            self._pending.remove(detection)
            self._recorder.record(detection, self._slice(detection))

    def _slice(self, detection: WakeDetection) -> bytes:
        begin = self._end_sample - len(self._pcm) // SPEECH.frame_bytes
        first = max(0, detection.sample - self._recorder.seconds * SPEECH.rate - begin)
        return bytes(
            self._pcm[first * SPEECH.frame_bytes : max(0, _end_sample(detection) - begin) * SPEECH.frame_bytes]
        )


def create_recorder(settings: Settings) -> WakeRecorder | None:
    """Return the recorder, None if recording is off. Raises ConfigError."""
    if settings.dir is None:
        return None
    check_limits(settings, "--capture.")
    try:
        settings.dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise ConfigError(f"--capture.dir: cannot make {settings.dir}: {err.strerror}") from err
    return WakeRecorder(settings, settings.dir)


def _end_sample(detection: WakeDetection) -> int:
    return detection.sample + round(AFTER_SECONDS * SPEECH.rate)
