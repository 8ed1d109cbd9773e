"""The home's file while people change it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import model
from wyoming_rosie.home.model import Home

_LOG = structlog.get_logger()
POLL_SECONDS = 1.0


class HomeWatcher:
    """A home file that is looked at again and again."""

    def __init__(self, path: Path, look_seconds: float = POLL_SECONDS) -> None:
        self._path = path
        self._look_seconds = look_seconds
        self._reload_requested = asyncio.Event()

    def reload(self) -> None:
        """Have the file read, changed or not: what a SIGHUP asks for."""
        self._reload_requested.set()

    async def changes(self) -> AsyncGenerator[Home, None]:
        """Yield the home whenever its file has changed; one that makes no sense is logged and the old one stays."""
        seen = await asyncio.to_thread(_get_file_state, self._path)
        while True:
            told = await self._wait_for_change()
            now = await asyncio.to_thread(_get_file_state, self._path)
            if (now == seen and not told) or now is None:  # an editor may have taken it away for a moment
                continue
            seen = now
            if (changed := await self._load()) is not None:
                yield changed

    async def _wait_for_change(self) -> bool:
        """Wait until it is time to look, or until told to; tell which."""
        try:
            await asyncio.wait_for(self._reload_requested.wait(), self._look_seconds)
        except TimeoutError:
            return False
        self._reload_requested.clear()
        return True

    async def _load(self) -> Home | None:
        try:
            changed = await asyncio.to_thread(model.load_home, self._path)
        except ConfigError as err:
            _LOG.warning("the changed home is not used", reason=str(err))
            return None
        _LOG.info("the home has changed", file=str(self._path))
        return changed


def _get_file_state(path: Path) -> tuple[int, int] | None:
    """Return what differs between one version of a file and the next."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
