"""A model by name on its way to this machine, behind a daemon that already answers."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from wyoming_rosie.models.downloads import Download, DownloadError, Progress, download_files

_LOG = structlog.get_logger()
RETRY_SECONDS = 300.0
"""Between two attempts to fetch a model that cannot be had."""
PROGRESS_LOG_SECONDS = 1.0
IDLE_LOG_SECONDS = 10.0
"""Between two lines of the log about a download that goes on, and about one that does not."""
PROGRESS_EVENT, STALLED_EVENT, FAILED_EVENT = "downloading model", "model download stalled", "model download failed"
"""Lines of the log, which commands follow that wait for a model."""
MEGABYTE = 1_000_000


async def fetch_until_done(name: str, files: Sequence[Download], folder: Path) -> None:
    """Return when all files of a model are in the folder, which may take for ever; the log tells how far it is."""
    while True:
        try:
            return await fetch_once(name, files, folder)
        except DownloadError as err:
            _LOG.warning(FAILED_EVENT, model=name, reason=str(err), again_s=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)


async def fetch_once(
    name: str, files: Sequence[Download], folder: Path, progress: Callable[[Progress], None] = lambda _: None
) -> None:
    """Return when all files of a model are in the folder; the log tells how far it is. Raises DownloadError."""
    _LOG.info("model download started", model=name, to=str(folder))
    steps = _ProgressLog(name)

    def note(now: Progress) -> None:
        steps(now)
        progress(now)

    await download_files(files, folder, note)
    _LOG.info("model downloaded", model=name)


class _ProgressLog:
    """Tells the log how far a download is, with every percent but not too often, and what is in its way."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told_at = -PROGRESS_LOG_SECONDS
        self._told: tuple[str, int] = ("", -1)
        self._trouble = ""

    def __call__(self, progress: Progress) -> None:
        if progress.problem and progress.problem != self._trouble:
            _LOG.warning(STALLED_EVENT, model=self._name, file=progress.name, reason=progress.problem)
        self._trouble = progress.problem
        now = asyncio.get_running_loop().time()
        mb, total_mb = progress.done_bytes // MEGABYTE, (progress.total_bytes or 0) // MEGABYTE
        percent = round(100 * progress.done_bytes / progress.total_bytes) if progress.total_bytes else None
        is_more = self._told != (progress.name, mb if percent is None else percent)
        if now < self._told_at + (PROGRESS_LOG_SECONDS if is_more else IDLE_LOG_SECONDS):
            return
        self._told_at, self._told = now, (progress.name, mb if percent is None else percent)
        _LOG.info(PROGRESS_EVENT, model=self._name, file=progress.name, mb=mb, of_mb=total_mb, percent=percent)
