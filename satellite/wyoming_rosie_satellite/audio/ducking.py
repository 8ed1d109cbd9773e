"""Other sound in the room, such as music, becomes softer while the satellite listens and answers."""

import asyncio
from typing import Protocol

import structlog

from wyoming_rosie_satellite.audio.commands import kill, start, words_of

_LOG = structlog.get_logger()
COMMAND_SECONDS = 5.0


class Ducking(Protocol):
    """Makes other sound softer."""

    def show(self, *, ducked: bool) -> None:
        """Have other sound soft or as loud as before; never waits."""

    async def run(self) -> None:
        """Do so until cancelled; then all is as loud as before."""


class CommandDucking:
    """Starts commands, one at a time; only what is wanted last is done. Raises ConfigError."""

    def __init__(self, duck: str | None, unduck: str | None) -> None:
        self._commands = {
            True: words_of("--duck-command", duck) if duck else None,
            False: words_of("--unduck-command", unduck) if unduck else None,
        }
        self._wanted = self._is_ducked = False
        self._changed = asyncio.Event()
        self.settled = True
        """Nothing is left to be done."""

    def show(self, *, ducked: bool) -> None:
        self._wanted = ducked
        self.settled = False
        self._changed.set()

    async def run(self) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._make_so()
                self.settled = not self._changed.is_set()
        finally:
            self._wanted = False
            await self._make_so()

    async def _make_so(self) -> None:
        if self._wanted is self._is_ducked:
            return
        self._is_ducked = self._wanted
        if (words := self._commands[self._wanted]) is not None:
            await _finish(words)


async def _finish(words: list[str]) -> None:
    """Let a command do its work, but not for long."""
    try:
        process = await start(words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
    except OSError as err:
        _LOG.warning("command failed", command=words[0], reason=str(err))
        return
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            if status := await process.wait():
                _LOG.warning("command failed", command=words[0], reason=f"status {status}")
    except TimeoutError:
        _LOG.warning("command failed", command=words[0], reason=f"it took longer than {COMMAND_SECONDS:g} s")
    finally:
        kill(process)
        await process.wait()
