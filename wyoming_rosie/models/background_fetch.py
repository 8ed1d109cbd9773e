"""Background downloads of models, while the daemon already answers `describe`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from wyoming_rosie.errors import EngineError
from wyoming_rosie.models.downloads import (
    Download,
    DownloadError,
    Progress,
    WrongContentError,
    describe_unpinned,
    download_files,
)
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import loop_time

_LOG = structlog.get_logger()
FIRST_PAUSE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 900.0
"""Pauses after failed downloads, each of which has tried several times."""
MAX_WRONG_CONTENTS = 3
"""Downloads of a wrong file after which no more are made."""
PROGRESS_LOG_SECONDS = 1.0
IDLE_LOG_SECONDS = 10.0
"""Least time between two log lines about a download that progresses, and about one that does not."""
PROGRESS_EVENT, STALLED_EVENT, FAILED_EVENT = "downloading model", "model download stalled", "model download failed"
"""Log events, which commands that wait for a model read."""
MEGABYTE = 1_000_000


async def fetch_until_done(
    name: str, fetch: Callable[[], Awaitable[None]], first_pause_seconds: float = FIRST_PAUSE_SECONDS
) -> None:
    """Call `fetch` until it succeeds, and log its failures. Raises EngineError if the source has a wrong file."""
    backoff = Backoff(first_pause_seconds, MAX_PAUSE_SECONDS)
    wrong_contents = 0
    while True:
        try:
            return await fetch()
        except DownloadError as err:
            wrong_contents += isinstance(err, WrongContentError)
            if wrong_contents == MAX_WRONG_CONTENTS:
                raise EngineError(f"{name} is not fetched again until the next start: {err}") from err
            pause = backoff.next_pause()
            _LOG.warning(FAILED_EVENT, model=name, reason=str(err), again_s=round(pause))
            await asyncio.sleep(pause)


async def fetch_once(
    name: str, files: Sequence[Download], folder: Path, progress: Callable[[Progress], None] = lambda _: None
) -> None:
    """Download a model's files and log the progress. Raises DownloadError."""
    _LOG.info("model download started", model=name, to=str(folder))
    if unpinned := describe_unpinned(files):
        _LOG.info("model files without a known checksum", model=name, next=unpinned)
    steps = _ProgressLog(name)

    def note(now: Progress) -> None:
        steps(now)
        progress(now)

    await download_files(files, folder, note)
    _LOG.info("model downloaded", model=name)


class _ProgressLog:
    """Logs a download's progress, at most once per second and percent, and its problems."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._logged_at = -PROGRESS_LOG_SECONDS
        self._logged: tuple[str, int] = ("", -1)
        self._problem = ""

    def __call__(self, progress: Progress) -> None:
        if progress.problem and progress.problem != self._problem:
            _LOG.warning(STALLED_EVENT, model=self._name, file=progress.name, reason=progress.problem)
        self._problem = progress.problem
        now = loop_time()
        mb, total_mb = progress.done_bytes // MEGABYTE, (progress.total_bytes or 0) // MEGABYTE
        percent = round(100 * progress.done_bytes / progress.total_bytes) if progress.total_bytes else None
        is_more = self._logged != (progress.name, mb if percent is None else percent)
        if now < self._logged_at + (PROGRESS_LOG_SECONDS if is_more else IDLE_LOG_SECONDS):
            return
        self._logged_at, self._logged = now, (progress.name, mb if percent is None else percent)
        _LOG.info(PROGRESS_EVENT, model=self._name, file=progress.name, mb=mb, of_mb=total_mb, percent=percent)
