"""The interface of a sink, and the records that it gets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.errors import RosieError


class SinkError(RosieError):
    """A sink refuses records; sending them again cannot help."""

    code = "sink"


@dataclass(frozen=True)
class Record:
    """What is kept of an event for a sink. `time_ms` is the event's time since the epoch, and unique for the sink."""

    id: int
    time_ms: int
    body: bytes = field(repr=False)


class Sink(Protocol):
    """Something that keeps events. Adding one is a file with this interface, and its line in the role."""

    name: str
    settle_seconds: float
    """Time after `send` until what `find_missing` does not return is durable; 0: it is when `send` returns."""

    def encode(self, envelope: Envelope) -> bytes | None:
        """Return what is kept of an event, None for nothing. Raises BadMessageError."""

    async def send(self, records: Sequence[Record]) -> None:
        """Send records, the same any number of times. Raises SinkError, UnreachableError."""

    async def find_missing(self, records: Sequence[Record]) -> Sequence[Record]:
        """Return those that cannot be read back. Raises UnreachableError."""

    async def close(self) -> None:
        """Close the connection; the next call opens it again."""
