"""Whose turn it is at an engine: what a person waits for comes before guesses; no more wait than can be served."""

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
    """What a decoding is for; a lower one goes first."""

    FINAL = 0
    SPECULATION = 1  # all may have been said
    PARTIAL = 2  # somebody still speaks


@dataclass(eq=False)
class DecodeJob:
    """One decoding's place; its urgency may change while it waits."""

    priority: Priority
    number: int = field(default_factory=lambda: next(_COUNTER))

    @property
    def order(self) -> tuple[int, int]:
        return self.priority, self.number


class PriorityLimiter:
    """At most `places` at work at a time, and `most_waiting` behind them."""

    def __init__(self, limit: int, max_waiting: int) -> None:
        self._free = limit
        self._max_waiting = max_waiting
        self._waiting: dict[DecodeJob, asyncio.Future[None]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, job: DecodeJob) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises BusyError when too many wait, also later, for one that is more urgent."""
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
        place = asyncio.get_running_loop().create_future()
        self._waiting[job] = place
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:  # it came at the last moment
                self._free += 1
                self._start_next()
            raise
        finally:
            self._waiting.pop(job, None)

    def _drop_lowest(self, job: DecodeJob) -> None:
        if len(self._waiting) < self._max_waiting:
            return
        last = max(self._waiting, key=lambda one: one.order, default=job)
        if last.priority <= job.priority:
            raise BusyError("too many people speak at the same time; try again in a moment")
        self._waiting.pop(last).set_exception(BusyError("somebody else's answer is more urgent"))

    def _start_next(self) -> None:
        while self._free and self._waiting:
            place = self._waiting.pop(min(self._waiting, key=lambda one: one.order))
            if not place.done():
                self._free -= 1
                place.set_result(None)
