"""Real time for sound that comes from a file or goes into one."""

import asyncio

MAX_AHEAD_SECONDS = 2.0


class RealtimePacer:
    """Lets recorded sound be heard as late as if it were said now."""

    def __init__(self) -> None:
        self._heard_at: float | None = None

    async def wait(self, seconds: float) -> None:
        """Wait until the next `seconds` of sound are over; time lost elsewhere is caught up."""
        now = asyncio.get_running_loop().time()
        self._heard_at = (now if self._heard_at is None else self._heard_at) + seconds
        await asyncio.sleep(max(0.0, self._heard_at - now))


class ReadAheadLimiter:
    """Holds a source back that gives sound faster than it can be heard; what has gathered in a pipe may come at once."""

    def __init__(self) -> None:
        self._heard_at = 0.0

    async def wait(self, seconds: float) -> None:
        """Take so many seconds of sound; waits while they are too far ahead of their time."""
        now = asyncio.get_running_loop().time()
        self._heard_at = max(self._heard_at, now) + seconds
        if self._heard_at > now + MAX_AHEAD_SECONDS:
            await asyncio.sleep(self._heard_at - now - MAX_AHEAD_SECONDS)


class PlaybackClock:
    """Knows when sound that was handed over has been heard."""

    def __init__(self) -> None:
        self._silent_at = 0.0

    def add(self, seconds: float) -> None:
        """Add sound, which begins when what came before is over."""
        self._silent_at = max(self._silent_at, asyncio.get_running_loop().time()) + seconds

    async def wait_until_left(self, seconds: float) -> None:
        """Wait until no more than `seconds` are still to be heard."""
        await asyncio.sleep(max(0.0, self._silent_at - seconds - asyncio.get_running_loop().time()))

    def reset(self) -> None:
        self._silent_at = 0.0
