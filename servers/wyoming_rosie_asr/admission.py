"""Admission to an engine: a bounded priority queue, with final decodings before speculative and partial ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from wyoming_rosie.errors import RosieError

_COUNTER = count()


class BusyError(RosieError):
    code = "busy"


class Priority(IntEnum):
    """The purpose of a decoding; lower values go first."""

    FINAL = 0
    SPECULATION = 1  # during silence that may end the utterance
    PARTIAL = 2  # during speech


@dataclass(eq=False)
class DecodeJob:
    """One decoding; its priority may change while it waits."""

    priority: Priority
    number: int = field(default_factory=lambda: next(_COUNTER))

    @property
    def order(self) -> tuple[int, int]:
        return self.priority, self.number


class PriorityLimiter:
    """Runs at most `limit` jobs at a time and lets `max_waiting` wait."""

    def __init__(self, limit: int, max_waiting: int) -> None:
        self._free = limit
        self._max_waiting = max_waiting
        self._waiting: dict[DecodeJob, asyncio.Future[None]] = {}

    @property
    def waiting(self) -> int:
        """The number of jobs that wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, job: DecodeJob) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises BusyError when too many wait, or later to admit a job of higher priority."""
        if self._free:
            self._free -= 1
        else:
            await self._wait_for_slot(job)
        try:
            yield
        finally:
            self._free += 1
            self._start_next()

    async def _wait_for_slot(self, job: DecodeJob) -> None:
        self._drop_lowest(job)
        slot = asyncio.get_running_loop().create_future()
        self._waiting[job] = slot
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled() and slot.exception() is None:  # granted in the same iteration
                self._free += 1
                self._start_next()
            raise
        finally:
            self._waiting.pop(job, None)

    def _drop_lowest(self, job: DecodeJob) -> None:
        if len(self._waiting) < self._max_waiting:
            return
        last = max(self._waiting, key=lambda waiting: waiting.order, default=job)
        if last.priority <= job.priority:
            raise BusyError("too many requests wait for the engine; try again in a moment")
        self._waiting.pop(last).set_exception(BusyError("a request with a higher priority took this place"))

    def _start_next(self) -> None:
        while self._free and self._waiting:
            slot = self._waiting.pop(min(self._waiting, key=lambda waiting: waiting.order))
            if not slot.done():
                self._free -= 1
                slot.set_result(None)
