"""Watcher of the home file, and the queue of changed homes."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import loader
from wyoming_rosie.home.model import Home

_LOG = structlog.get_logger()
POLL_SECONDS = 1.0


class LatestHome:
    """Queue of changed homes; only the latest one is kept until it is taken."""

    def __init__(self) -> None:
        self._next: asyncio.Queue[Home] = asyncio.Queue(1)

    def put(self, home: Home) -> None:
        if self._next.full():
            self._next.get_nowait()
        self._next.put_nowait(home)

    async def take(self) -> Home:
        """Wait for the next changed home."""
        return await self._next.get()


class HomeWatcher:
    """Polls a home file for changes."""

    def __init__(self, path: Path, poll_seconds: float = POLL_SECONDS) -> None:
        self._path = path
        self._poll_seconds = poll_seconds
        self._reload_requested = asyncio.Event()

    def reload(self) -> None:
        """Reload the file now, changed or not, as SIGHUP requests."""
        self._reload_requested.set()

    async def changes(self) -> AsyncGenerator[Home, None]:
        """Yield the home after each change of its file; an invalid file is logged and skipped."""
        previous = await asyncio.to_thread(_get_file_state, self._path)
        while True:
            is_requested = await self._wait_for_change()
            now = await asyncio.to_thread(_get_file_state, self._path)
            if (now == previous and not is_requested) or now is None:  # an editor may replace the file in two steps
                continue
            previous = now
            if (changed := await self._load()) is not None:
                yield changed

    async def _wait_for_change(self) -> bool:
        """Wait for the next poll or for a reload request; return whether it was a request."""
        try:
            await asyncio.wait_for(self._reload_requested.wait(), self._poll_seconds)
        except TimeoutError:
            return False
        self._reload_requested.clear()
        return True

    async def _load(self) -> Home | None:
        try:
            changed = await asyncio.to_thread(loader.load_home, self._path)
        except ConfigError as err:
            _LOG.warning("the changed home is not used", reason=str(err))
            return None
        _LOG.info("the home has changed", file=str(self._path))
        return changed


def _get_file_state(path: Path) -> tuple[int, int] | None:
    """Return modification time and size of a file; None when it cannot be read."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
