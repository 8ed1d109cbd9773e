"""Events of the house, such as the end of a turn: each reader gets those that come while it reads, within bounds."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wyoming_rosie.errors import RosieError

MAX_READERS = 16
GATHER_SECONDS = 0.05
MAX_PENDING = 256
"""Events that wait for a reader; one that is further behind is let go, and reads the state anew."""


class TooManyReadersError(RosieError):
    """As many clients read the events as may."""

    code = "busy"


class ReaderEndedError(RosieError):
    """The reader gets no more: it does not keep up, or the hub stops."""


@dataclass(frozen=True)
class HouseEvent:
    """An event as JSON has it. `area` is the room of a turn: a key with a room reads those of its own.

    A momentary one is worth nothing when it is late, and is dropped for a reader that is behind.
    """

    name: str
    data: Any
    area: str | None = None
    is_momentary: bool = False

    @cached_property
    def text(self) -> str:
        """The event as text/event-stream, which is the same for all readers."""
        return format_server_sent_event(self.name, self.data)


class EventReader:
    """The events of one reader, in order."""

    def __init__(self) -> None:
        self._pending = asyncio.Queue[HouseEvent | None](MAX_PENDING)  # None: no more will come
        self._has_ended = False

    def put(self, event: HouseEvent) -> None:
        """Queue an event; a reader that is too far behind gets no more."""
        if event.is_momentary and self._pending.qsize() >= MAX_PENDING // 2:
            return
        try:
            self._pending.put_nowait(event)
        except asyncio.QueueFull:
            self._has_ended = True

    def end(self) -> None:
        """Let the reader go."""
        self._has_ended = True
        if not self._pending.full():
            self._pending.put_nowait(None)

    async def read(self, seconds: float) -> Sequence[HouseEvent]:
        """Return the next events, none if there are none for so long. Raises ReaderEndedError.

        Those of a moment come together: the first sound of an answer must not wait for a message to each reader.
        """
        events: list[HouseEvent | None] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self._has_ended else seconds):
                events.append(await self._pending.get())
            await asyncio.sleep(GATHER_SECONDS)
        while not self._pending.empty():
            events.append(self._pending.get_nowait())
        if self._has_ended:
            raise ReaderEndedError("no more events; connect again")
        return [event for event in events if event is not None]


class EventFeed:
    """Gives each event to all who read."""

    def __init__(self) -> None:
        self._readers: set[EventReader] = set()
        self._has_readers = asyncio.Event()
        self._has_ended = False

    @property
    def has_readers(self) -> bool:
        return bool(self._readers)

    async def wait_for_reader(self) -> None:
        """Wait until somebody reads."""
        await self._has_readers.wait()

    def publish(self, event: HouseEvent) -> None:
        """Give an event to all readers, without waiting."""
        for reader in self._readers:
            reader.put(event)

    def end(self) -> None:
        """Let all readers go, and those that come."""
        self._has_ended = True
        for reader in self._readers:
            reader.end()

    @contextmanager
    def open(self) -> Iterator[EventReader]:
        """Read during the block. Raises TooManyReadersError."""
        if len(self._readers) >= MAX_READERS:
            raise TooManyReadersError(
                f"{MAX_READERS} clients read the events; close one, or ask for the status instead"
            )
        reader = EventReader()
        if self._has_ended:
            reader.end()
        self._readers.add(reader)
        self._has_readers.set()
        try:
            yield reader
        finally:
            self._readers.remove(reader)
            if not self._readers:
                self._has_readers.clear()


def format_server_sent_event(name: str, data: Any) -> str:
    """Return an event as text/event-stream has it."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
