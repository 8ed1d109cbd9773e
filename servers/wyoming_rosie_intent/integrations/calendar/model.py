"""Values of a calendar, and the Protocol of a service that keeps them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

MAX_TITLE_CHARACTERS = 80
_UNSPEAKABLE = re.compile(r"https?://\S+|[^\w\s.,:;!?'\u2019&+/%()-]|_")


@dataclass(frozen=True)
class Span:
    """A stretch of time; the end is not part of it. Both have a time zone.

    Moments are compared by `timestamp`, since Python compares those of one time zone by what its clocks show.
    """

    start: datetime
    end: datetime

    def overlaps(self, other: "Span") -> bool:
        """Return whether they share time; an event without duration is within a span that holds its start."""
        (start, end), (other_start, other_end) = self.timestamps, other.timestamps
        if self.is_empty or other.is_empty:
            return start <= other_start < end or other_start <= start < other_end
        return start < other_end and other_start < end

    @property
    def timestamps(self) -> tuple[float, float]:
        return self.start.timestamp(), self.end.timestamp()

    @property
    def is_empty(self) -> bool:
        return self.length <= timedelta()

    @property
    def length(self) -> timedelta:
        """The time that really passes, also where the clocks change."""
        start, end = self.timestamps
        return timedelta(seconds=end - start)


@dataclass(frozen=True)
class Calendar:
    id: str
    name: str = field(repr=False)
    is_writable: bool = True
    service: str = ""  # of the account that it is in


@dataclass(frozen=True)
class CalendarEvent:
    """An event, or one occurrence of a series, in the time zone of the home; days are whole if `is_all_day`."""

    id: str  # as the service names it
    title: str = field(repr=False)  # as somebody wrote it: untrusted
    span: Span
    calendar: Calendar
    is_all_day: bool = False
    is_busy: bool = True
    series: str = ""  # id of the series; empty for an event of its own
    original_start: datetime | date | None = None  # of an occurrence in its series
    version: str = ""  # ETag


@dataclass(frozen=True)
class NewEvent:
    """An event to add; `days` of the week on which it repeats, Monday is 0."""

    title: str = field(repr=False)
    span: Span
    calendar: Calendar
    is_all_day: bool = False
    days: tuple[int, ...] = ()


class CalendarSource(Protocol):
    """The calendars of one account. All methods may raise HttpError."""

    async def get_calendars(self) -> Sequence[Calendar]:
        """Return the calendars that hold events, the account's main one first."""
        ...

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> Sequence[CalendarEvent]:
        """Return the events that overlap a span, each occurrence of a series on its own, in the span's time zone."""
        ...

    async def add_event(self, event: NewEvent, key: str) -> None:
        """Add an event; a second call with the same key adds no other."""
        ...

    async def move_event(self, event: CalendarEvent, span: Span) -> None:
        """Move an event, of a series this occurrence only."""
        ...

    async def cancel_event(self, event: CalendarEvent, *, with_series: bool) -> None:
        """Remove an event, of a series this occurrence only, or all of it."""
        ...

    async def close(self) -> None: ...


def clean_title(text: str) -> str:
    """Return what somebody wrote without what must not be spoken or could end its quotation: links, markup, quotes."""
    cleaned = " ".join(_UNSPEAKABLE.sub(" ", text[: 4 * MAX_TITLE_CHARACTERS]).split())
    if len(cleaned) <= MAX_TITLE_CHARACTERS:
        return cleaned
    return cleaned[: MAX_TITLE_CHARACTERS + 1].rpartition(" ")[0] or cleaned[:MAX_TITLE_CHARACTERS]
