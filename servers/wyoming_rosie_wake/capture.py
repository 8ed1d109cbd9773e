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
MOST_WAITING = 20
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


class Recorder:
    """Writes recordings, one at a time, and deletes the oldest."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.seconds = settings.seconds
        self._settings = settings
        self._folder = folder
        self._writing: set[asyncio.Task[None]] = set()

    def wants(self, heard: WakeDetection) -> bool:
        return self._settings.near_misses or not heard.is_near_miss

    def keep(self, heard: WakeDetection, pcm: bytes) -> None:
        """Write a recording in the background."""
        if len(self._writing) >= MOST_WAITING:
            _LOG.warning("a recording was not kept: the disk is too slow", name=heard.name)
            return
        task = asyncio.create_task(asyncio.to_thread(self._write, heard, pcm, datetime.now(UTC)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        if self._writing:
            await asyncio.wait(self._writing)

    def _write(self, heard: WakeDetection, pcm: bytes, when: datetime) -> None:
        kind = "near-miss" if heard.is_near_miss else "detection"
        moment = f"{when:%Y%m%dT%H%M%S.%f}"[:-3]
        try:
            write_wav(self._folder / f"{moment}Z_{heard.name}_{kind}_{heard.score:.2f}.wav", SPEECH, pcm)
            recordings = sorted(self._folder.glob("*Z_*_*_*.wav"))
            for oldest in recordings[: max(0, len(recordings) - self._settings.most_files)]:
                oldest.unlink(missing_ok=True)
        except (ConfigError, OSError) as err:  # the recording is lost, listening goes on
            _LOG.warning("a recording was not kept", reason=str(err))


class Tape:
    """The newest seconds of one stream, and the detections in it that are to be written when their end has come."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._most = SPEECH.bytes_in(recorder.seconds + AFTER_SECONDS + 2.0)
        self._pcm = bytearray()
        self._end = 0  # the sample after the newest
        self._open: list[WakeDetection] = []

    def hear(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._end += len(pcm) // SPEECH.frame_bytes
        self._keep([heard for heard in self._open if self._end >= _last(heard)])
        if len(self._pcm) > 2 * self._most:
            del self._pcm[: -self._most]

    def found(self, found: Sequence[WakeDetection]) -> None:
        self._open += [heard for heard in found if self._recorder.wants(heard)]

    def finish(self) -> None:
        self._keep(list(self._open))

    def _keep(self, ready: Sequence[WakeDetection]) -> None:
        for heard in ready:
            self._open.remove(heard)
            self._recorder.keep(heard, self._piece(heard))

    def _piece(self, heard: WakeDetection) -> bytes:
        begin = self._end - len(self._pcm) // SPEECH.frame_bytes
        first = max(0, heard.sample - self._recorder.seconds * SPEECH.rate - begin)
        return bytes(self._pcm[first * SPEECH.frame_bytes : max(0, _last(heard) - begin) * SPEECH.frame_bytes])


def recorder(settings: Settings) -> Recorder | None:
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
    return Recorder(settings, settings.dir)


def _last(heard: WakeDetection) -> int:
    return heard.sample + round(AFTER_SECONDS * SPEECH.rate)
