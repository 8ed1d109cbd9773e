"""Access file: the keys and the password of the house, which a command and the page may change while the hub runs."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_hub.web.doors import Doors

T = TypeVar("T")
_LOG = structlog.get_logger()
RELOAD_SECONDS = 1.0
LAST_USED_SECONDS = 60.0
"""Time between two writes of when keys were used."""


class AccessFile:
    """Gives the doors each change of the file, and writes changes to it."""

    def __init__(self, path: Path, doors: Doors) -> None:
        self.path = path
        self._doors = doors
        self._lock = asyncio.Lock()
        self._used: dict[str, float] = {}  # as it was written
        self._used_at = -LAST_USED_SECONDS

    async def watch(self) -> None:
        """Give the doors each change within RELOAD_SECONDS, until cancelled. An unreadable file changes nothing."""
        seen = None
        self._doors.last_used.update(await asyncio.to_thread(access.load_last_used, self.path.parent))
        self._used = dict(self._doors.last_used)
        while True:
            if loop_time() - self._used_at > LAST_USED_SECONDS:
                await self._note_last_used()
            if (stamp := await asyncio.to_thread(self._stamp)) != seen:
                seen = stamp
                async with self._lock:
                    await self._reload()
            await asyncio.sleep(RELOAD_SECONDS)

    async def change(self, change: Callable[[Access], tuple[Access, T]]) -> T:
        """Write what `change` makes of the access, which holds at once; return its second result. Raises ConfigError."""
        async with self._lock:
            changed, result = await asyncio.to_thread(self._change, change)
            self._doors.access = changed
            return result

    async def _note_last_used(self) -> None:
        """Write when keys were used last, for the command that lists them."""
        self._used_at = loop_time()
        names = {key.name for key in self._doors.access.keys}
        used = {name: at for name, at in self._doors.last_used.items() if name in names}
        if used == self._used:
            return
        self._used = used
        try:
            await asyncio.to_thread(access.save_last_used, self.path.parent, used)
        except OSError as err:
            _LOG.error("when keys were used is not written", reason=err.strerror)

    def _change(self, change: Callable[[Access], tuple[Access, T]]) -> tuple[Access, T]:
        changed, result = change(access.load(self.path))
        access.save(self.path, changed)
        return changed, result

    async def _reload(self) -> None:
        try:
            changed = await asyncio.to_thread(access.load, self.path)
        except ConfigError as err:
            _LOG.error("keys and password are not read again", reason=str(err))
            return
        if changed.is_open and not self._doors.access.is_open:
            _LOG.error("the last key or password is gone; the present ones hold until a restart")
        elif changed != self._doors.access:
            self._doors.access = changed
            _LOG.info("audit", caller="command", action="keys or password changed", keys=len(changed.keys))

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - in a thread
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
