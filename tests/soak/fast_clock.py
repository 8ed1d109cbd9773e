"""Event loop with a fast clock: it waits for input only, and skips over timeouts."""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

TIMES_FASTER = 120.0
"""No faster, so that other threads keep up."""


class FastLoop(asyncio.SelectorEventLoop):
    """Its time stands still while it works."""

    def __init__(self) -> None:
        self._seconds = time.monotonic()
        super().__init__(_SkippingSelector(self._advance))

    def time(self) -> float:
        return self._seconds

    def _advance(self, seconds: float) -> None:
        self._seconds += seconds


class _SkippingSelector(selectors.SelectSelector):  # epoll rounds waits up to a millisecond
    def __init__(self, passed: Callable[[float], None]) -> None:
        super().__init__()
        self._passed = passed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        began = time.monotonic()
        ready = super().select(None if timeout is None else timeout / TIMES_FASTER)
        waited = (time.monotonic() - began) * TIMES_FASTER
        self._passed(waited if timeout is None else min(waited, timeout) if ready else timeout)
        return ready
