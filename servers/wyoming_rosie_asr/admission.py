"""Whose turn it is at an engine: what a person waits for comes before guesses; no more wait than can be served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from wyoming_rosie.errors import RosieError

_NUMBERS = count()


class BusyError(RosieError):
    code = "busy"


class Urgency(IntEnum):
    """What a decoding is for; a lower one goes first."""

    ANSWER = 0
    GUESS = 1  # all may have been said
    PARTIAL = 2  # somebody still speaks


@dataclass(eq=False)
class Ticket:
    """One decoding's place; its urgency may change while it waits."""

    urgency: Urgency
    number: int = field(default_factory=lambda: next(_NUMBERS))

    @property
    def rank(self) -> tuple[int, int]:
        return self.urgency, self.number


class Turns:
    """At most `places` at work at a time, and `most_waiting` behind them."""

    def __init__(self, places: int, most_waiting: int) -> None:
        self._free = places
        self._most_waiting = most_waiting
        self._waiting: dict[Ticket, asyncio.Future[None]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises BusyError when too many wait, also later, for one that is more urgent."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(ticket)
        try:
            yield
        finally:
            self._free += 1
            self._next()

    async def _wait(self, ticket: Ticket) -> None:
        self._make_room(ticket)
        place = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = place
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:  # it came at the last moment
                self._free += 1
                self._next()
            raise
        finally:
            self._waiting.pop(ticket, None)

    def _make_room(self, ticket: Ticket) -> None:
        if len(self._waiting) < self._most_waiting:
            return
        last = max(self._waiting, key=lambda one: one.rank, default=ticket)
        if last.urgency <= ticket.urgency:
            raise BusyError("too many people speak at the same time; try again in a moment")
        self._waiting.pop(last).set_exception(BusyError("somebody else's answer is more urgent"))

    def _next(self) -> None:
        while self._free and self._waiting:
            place = self._waiting.pop(min(self._waiting, key=lambda one: one.rank))
            if not place.done():
                self._free -= 1
                place.set_result(None)
