"""Ducking: turn down other audio, such as music, while the satellite listens and answers."""

import asyncio
from typing import Protocol

import structlog

from wyoming_rosie_satellite.subprocesses import end_process, split_command, start_process

MAX_SECONDS = 10.0
"""Limit for a WAV file that is longer, or claims to be."""
_LOG = structlog.get_logger()
COMMAND_TIMEOUT_SECONDS = 5.0


class Ducking(Protocol):
    """Turns other audio down and up again."""

    def set_active(self, *, active: bool) -> None:
        """Duck or unduck soon; never waits."""

    async def run(self) -> None:
        """Apply the changes until cancelled, and unduck then."""


class CommandDucking:
    """Runs commands, one at a time; only the latest state is applied. Raises ConfigError."""

    def __init__(self, duck: str | None, unduck: str | None) -> None:
        self._commands = {
            True: split_command("--duck-command", duck) if duck else None,
            False: split_command("--unduck-command", unduck) if unduck else None,
        }
        self._target = self._is_ducked = False
        self._changed = asyncio.Event()
        self.is_settled = True
        """Whether the latest state is applied."""

    def set_active(self, *, active: bool) -> None:
        self._target = active
        self.is_settled = False
        self._changed.set()

    async def run(self) -> None:
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._apply()
                self.is_settled = not self._changed.is_set()
        finally:
            self._target = False
            await self._apply()

    async def _apply(self) -> None:
        if self._target is self._is_ducked:
            return
        self._is_ducked = self._target
        if (words := self._commands[self._target]) is not None:
            await _run_command(words)


async def _run_command(words: list[str]) -> None:
    """Run a command, for COMMAND_TIMEOUT_SECONDS at most."""
    try:
        process = await start_process(words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
    except OSError as err:
        _LOG.warning("command failed", command=words[0], reason=str(err))
        return
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_SECONDS):
            if status := await process.wait():
                _LOG.warning("command failed", command=words[0], reason=f"status {status}")
    except TimeoutError:
        _LOG.warning("command failed", command=words[0], reason=f"it took longer than {COMMAND_TIMEOUT_SECONDS:g} s")
    finally:
        await end_process(process)


class AwakeMute:
    """Replaces the microphone's audio with silence while a sound of `seconds` is played. `now` is in seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = min(seconds, MAX_SECONDS)
        self._until = 0.0

    def start(self, now: float) -> None:
        """Mute from now on, because the sound starts."""
        self._until = now + self._seconds

    def apply(self, pcm: bytes, now: float) -> bytes:
        """Return the microphone's next audio, or silence of the same length."""
        return bytes(len(pcm)) if now < self._until else pcm
