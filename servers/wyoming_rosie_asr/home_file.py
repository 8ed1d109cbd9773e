"""The home's file while people change it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from wyoming_rosie import home
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home import Home

_LOG = structlog.get_logger()
LOOK_SECONDS = 1.0


async def changes(path: Path) -> AsyncIterator[Home]:
    """Yield the home whenever its file has changed; one that makes no sense is logged and left alone."""
    seen = await asyncio.to_thread(_state, path)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = await asyncio.to_thread(_state, path)
        if now == seen or now is None:  # an editor may have taken it away for a moment
            continue
        seen = now
        try:
            changed = await asyncio.to_thread(home.load, path)
        except ConfigError as err:
            _LOG.warning("the changed home is not used", reason=str(err))
        else:
            _LOG.info("the home has changed", file=str(path))
            yield changed


def _state(path: Path) -> tuple[int, int] | None:
    """Return what differs between one version of a file and the next."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
