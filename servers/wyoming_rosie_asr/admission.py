"""Admission to an engine: clients take turns, each with final decodings before speculative and partial ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.fair_queue import FairQueue

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
    """One decoding for a client; its priority may change while it waits."""

    priority: Priority
    client: str = ""
    number: int = field(default_factory=lambda: next(_COUNTER))

    @property
    def order(self) -> tuple[int, int]:
        return self.priority, self.number


class PriorityLimiter:
    """Runs at most `limit` jobs at a time and lets `max_waiting` wait; clients take turns, each with its most urgent job."""

    def __init__(self, limit: int, max_waiting: int) -> None:
        self._limit = self._free = limit
        self._queue: FairQueue[DecodeJob] = FairQueue(max_waiting)
        self._slots: dict[DecodeJob, asyncio.Future[None]] = {}  # of the jobs that wait

    @property
    def waiting(self) -> int:
        """The number of jobs that wait."""
        return len(self._queue)

    @asynccontextmanager
    async def slot(self, job: DecodeJob) -> AsyncIterator[None]:
        """Wait for a slot and hold it. Raises BusyError when too many jobs wait, at once or later to admit another client's."""
        if self._free == self._limit:  # nobody had to wait for a while
            self._queue.turns.forget()
        if self._free:
            self._free -= 1
            self._queue.turns.take(job.client)
        else:
            await self._wait_for_slot(job)
        try:
            yield
        finally:
            self._release()

    async def _wait_for_slot(self, job: DecodeJob) -> None:
        slot = self._slots[job] = asyncio.get_running_loop().create_future()
        try:
            self._refuse(self._queue.add(job))
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled() and slot.exception() is None:  # granted in the same iteration
                self._release()
            raise
        finally:
            self._queue.remove(job)
            del self._slots[job]

    def _refuse(self, job: DecodeJob | None) -> None:
        if job is not None and not (slot := self._slots[job]).done():
            slot.set_exception(BusyError("too many requests wait for the engine; try again in a moment"))

    def _release(self) -> None:
        self._free += 1
        while self._free and self._queue:
            slot = self._slots[self._queue.pop()]
            if not slot.done():
                self._free -= 1
                slot.set_result(None)
