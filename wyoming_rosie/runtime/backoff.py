"""Backoff: growing pauses with jitter between attempts to reconnect or retry."""

import asyncio
import random
from collections.abc import Callable


class Backoff:
    """Doubles the pause after each failure, from `first_seconds` up to `max_seconds`.

    A pause is cut by up to half, at random: satellites that lost their hub together do not come back together.
    `draw` returns a random number from 0 to 1.
    """

    def __init__(
        self, first_seconds: float = 1.0, max_seconds: float = 30.0, draw: Callable[[], float] = random.random
    ) -> None:
        self.failures = 0
        """Pauses since the start or the last reset."""
        self._first_seconds = first_seconds
        self._max_seconds = max_seconds
        self._draw = draw
        self._limit = first_seconds

    def reset(self) -> None:
        """Start again with the first pause, after a success."""
        self.failures = 0
        self._limit = self._first_seconds

    def next_pause(self) -> float:
        """Return the seconds to wait before the next attempt, and count a failure."""
        limit = min(self._limit, self._max_seconds)
        self._limit = 2 * limit
        self.failures += 1
        return limit * (1 - self._draw() / 2)

    async def sleep(self) -> None:
        """Wait for the next pause."""
        await asyncio.sleep(self.next_pause())
