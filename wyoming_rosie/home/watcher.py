"""The home's file while people change it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import model
from wyoming_rosie.home.model import Home

_LOG = structlog.get_logger()
LOOK_SECONDS = 1.0


class HomeWatcher:
    """A home file that is looked at again and again."""

    def __init__(self, path: Path, look_seconds: float = LOOK_SECONDS) -> None:
        self._path = path
        self._look_seconds = look_seconds
        self._told = asyncio.Event()

    def reload(self) -> None:
        """Have the file read, changed or not: what a SIGHUP asks for."""
        self._told.set()

    async def changes(self) -> AsyncGenerator[Home, None]:
        """Yield the home whenever its file has changed; one that makes no sense is logged and the old one stays."""
        seen = await asyncio.to_thread(_state, self._path)
        while True:
            told = await self._wait()
            now = await asyncio.to_thread(_state, self._path)
            if (now == seen and not told) or now is None:  # an editor may have taken it away for a moment
                continue
            seen = now
            if (changed := await self._read()) is not None:
                yield changed

    async def _wait(self) -> bool:
        """Wait until it is time to look, or until told to; tell which."""
        try:
            await asyncio.wait_for(self._told.wait(), self._look_seconds)
        except TimeoutError:
            return False
        self._told.clear()
        return True

    async def _read(self) -> Home | None:
        try:
            changed = await asyncio.to_thread(model.load, self._path)
        except ConfigError as err:
            _LOG.warning("the changed home is not used", reason=str(err))
            return None
        _LOG.info("the home has changed", file=str(self._path))
        return changed


def _state(path: Path) -> tuple[int, int] | None:
    """Return what differs between one version of a file and the next."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
