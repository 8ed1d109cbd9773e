"""Pacing: real time for audio that is read from a file or written to one."""

import asyncio

MAX_AHEAD_SECONDS = 2.0


class RealtimePacer:
    """Delays recorded audio to real time."""

    def __init__(self) -> None:
        self._played_at: float | None = None

    async def wait(self, seconds: float) -> None:
        """Wait until the next `seconds` of audio are over; time lost elsewhere is caught up."""
        now = asyncio.get_running_loop().time()
        self._played_at = (now if self._played_at is None else self._played_at) + seconds
        await asyncio.sleep(max(0.0, self._played_at - now))


class ReadAheadLimiter:
    """Slows a source down that delivers faster than real time; a pipe's backlog may come at once."""

    def __init__(self) -> None:
        self._played_at = 0.0

    async def wait(self, seconds: float) -> None:
        """Count `seconds` of audio, and wait while they are more than MAX_AHEAD_SECONDS early."""
        now = asyncio.get_running_loop().time()
        self._played_at = max(self._played_at, now) + seconds
        if self._played_at > now + MAX_AHEAD_SECONDS:
            await asyncio.sleep(self._played_at - now - MAX_AHEAD_SECONDS)


class PlaybackClock:
    """Tracks how much of the audio that was handed over is still to be played."""

    def __init__(self) -> None:
        self._silent_at = 0.0

    def add(self, seconds: float) -> None:
        """Add audio, which starts when the earlier audio is over."""
        self._silent_at = max(self._silent_at, asyncio.get_running_loop().time()) + seconds

    async def wait_until_left(self, seconds: float) -> None:
        """Wait until no more than `seconds` are still to be played."""
        await asyncio.sleep(max(0.0, self._silent_at - seconds - asyncio.get_running_loop().time()))

    def reset(self) -> None:
        self._silent_at = 0.0
