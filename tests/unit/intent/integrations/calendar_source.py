"""A calendar in memory, and the plugin over it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.unit.intent.integrations.plugin_speaker import find_match
from tests.waiting import wait_until
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.calendar.plugin import CalendarPlugin
from wyoming_rosie_intent.plugins import PluginMatch, PluginRegistry, PluginSource
from wyoming_rosie_intent.plugins.http_client import HttpError
from wyoming_rosie_intent.plugins.plugin import Sentences

VIENNA = ZoneInfo("Europe/Vienna")
FRIDAY = datetime(2026, 11, 27, 10, 30, tzinfo=VIENNA)
FAMILY, WORK = Calendar("1", "Family"), Calendar("2", "Work")
HOLIDAYS = Calendar("3", "Holidays", is_writable=False)


def event(
    title: str,
    day: date,
    start: str = "",
    minutes: int = 60,
    *,
    days: int = 1,
    calendar: Calendar = FAMILY,
    series: str = "",
    is_busy: bool = True,
) -> CalendarEvent:
    """Create an event; without a start it takes whole days."""
    span = times.days_span(day, days, VIENNA)
    if start:
        begins = times.at(day, time.fromisoformat(start), VIENNA)
        span = Span(begins, times.later(begins, timedelta(minutes=minutes)))
    return CalendarEvent(
        f"{title} {day} {start}",
        title,
        span,
        calendar,
        is_all_day=not start,
        series=series,
        original_start=span.start if series else None,
        is_busy=is_busy,
    )


@dataclass
class FakeCalendar:
    """Meets the Protocol CalendarSource. Fails with `error`; waits until `is_open` before it changes anything, and while it `hangs`."""

    events: list[CalendarEvent] = field(default_factory=list)
    calendars: Sequence[Calendar] = (FAMILY, WORK, HOLIDAYS)
    error: HttpError | None = None
    added: dict[str, NewEvent] = field(default_factory=dict)
    moved: list[tuple[CalendarEvent, Span]] = field(default_factory=list)
    cancelled: list[tuple[CalendarEvent, bool]] = field(default_factory=list)
    is_open: bool = True
    hangs: bool = False
    is_closed: bool = False

    async def get_calendars(self) -> Sequence[Calendar]:
        await wait_until(lambda: not self.hangs)
        if self.error is not None:
            raise self.error
        return self.calendars

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> Sequence[CalendarEvent]:
        asked = {calendar.id: calendar for calendar in calendars}
        found = [one for one in self.events if one.calendar.id in asked and one.span.overlaps(span)]
        return [replace(one, calendar=asked[one.calendar.id]) for one in found]

    async def add_event(self, event: NewEvent, key: str) -> None:
        await wait_until(lambda: self.is_open)
        if self.error is not None:
            raise self.error
        self.added.setdefault(key, event)

    async def move_event(self, event: CalendarEvent, span: Span) -> None:
        await wait_until(lambda: self.is_open)
        self.moved.append((event, span))

    async def cancel_event(self, event: CalendarEvent, *, with_series: bool) -> None:
        await wait_until(lambda: self.is_open)
        self.cancelled.append((event, with_series))

    async def close(self) -> None:
        self.is_closed = True


@dataclass(frozen=True)
class ServiceInMemory:
    """Meets the Protocol CalendarService with a calendar that a test gives for each person; the house has no name."""

    sources: Mapping[str, FakeCalendar]
    name: str = "Memory"
    is_outside_home: bool = False
    account_setting: str = "user"

    def open_source(self, settings: Mapping[str, Any], person: str) -> FakeCalendar:
        return self.sources[person.casefold()]


class QuickCalendars(CalendarPlugin):
    """The plugin without sentences, which take long to load: `understand` has them once for all tests."""

    answer_seconds = 1.5

    def __init__(self, services: Mapping[str, ServiceInMemory]) -> None:
        super().__init__()
        self.services = services

    def get_intents(self) -> Mapping[str, Sentences]:
        return {intent: [] for intent in super().get_intents()}


def understand(text: str, language: str = "en") -> PluginMatch | None:
    """Return the command that a sentence is."""
    return find_match(CalendarPlugin, "calendar", text, language)


@asynccontextmanager
async def running(
    sources: Mapping[str, FakeCalendar],
    settings: Mapping[str, Any] | None = None,
    seconds: float = 60.0,
    *,
    is_outside_home: bool = False,
) -> AsyncIterator[PluginRegistry]:
    """Run the plugin with one service during the block."""
    shared = {name: value for name, value in (settings or {}).items() if name in {"guests", "time_zone"}}
    table = {"user": "house", **{name: value for name, value in (settings or {}).items() if name not in shared}}
    service = ServiceInMemory(sources, is_outside_home=is_outside_home)
    async with running_services({"memory": service}, {**shared, "memory": table}, seconds) as registry:
        yield registry


@asynccontextmanager
async def running_services(
    services: Mapping[str, ServiceInMemory], settings: Mapping[str, Any], seconds: float = 60.0
) -> AsyncIterator[PluginRegistry]:
    """Run the plugin with several services during the block."""
    source = PluginSource("calendar", lambda: lambda: QuickCalendars(services))  # type: ignore[arg-type, return-value]
    registry = PluginRegistry([source], {"calendar": {"time_zone": "Europe/Vienna", **settings}}, seconds)
    await registry.start()
    try:
        yield registry
    finally:
        await registry.close()


def with_title(one: CalendarEvent, title: str) -> CalendarEvent:
    return replace(one, title=title)
