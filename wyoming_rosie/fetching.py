"""A model by name on its way to this machine, behind a daemon that already answers."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from wyoming_rosie.downloads import Download, DownloadError, Progress, fetch

_LOG = structlog.get_logger()
RETRY_SECONDS = 300.0
"""Between two attempts to fetch a model that cannot be had."""
STEP_SECONDS = 5.0
MEGABYTE = 1_000_000


async def fetch_model(name: str, files: Sequence[Download], folder: Path) -> None:
    """Return when all files of a model are in the folder, which may take for ever; the log tells how far it is."""
    while True:
        _LOG.info("fetching a model", model=name, to=str(folder))
        try:
            await fetch(files, folder, _Steps(name))
        except DownloadError as err:
            _LOG.warning("a model could not be fetched", model=name, reason=str(err), again_s=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            _LOG.info("a model is here", model=name)
            return


class _Steps:
    """Tells the log from time to time how far a download is, and what is in its way."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0.0
        self._trouble = ""

    def __call__(self, progress: Progress) -> None:
        now = asyncio.get_running_loop().time()
        if progress.trouble and progress.trouble != self._trouble:
            _LOG.warning("fetching waits", model=self._name, file=progress.name, reason=progress.trouble)
        self._trouble = progress.trouble
        if now < self._next:
            return
        self._next = now + STEP_SECONDS
        percent = round(100 * progress.done_bytes / progress.total_bytes) if progress.total_bytes else None
        _LOG.info("fetching", model=self._name, file=progress.name, mb=progress.done_bytes // MEGABYTE, percent=percent)
