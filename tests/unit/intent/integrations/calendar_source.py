"""A calendar in memory, and the plugin over it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.waiting import wait_until
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.calendar_plugin import LANGUAGES, CalendarPlugin
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.plugins import PluginMatch, PluginRegistry, PluginSource
from wyoming_rosie_intent.plugins.http_client import HttpError
from wyoming_rosie_intent.plugins.plugin import Sentences
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.texts import PluginTexts

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
    """Meets the Protocol CalendarSource. Fails with `error`; waits until `is_open` before it changes anything."""

    events: list[CalendarEvent] = field(default_factory=list)
    calendars: Sequence[Calendar] = (FAMILY, WORK, HOLIDAYS)
    error: HttpError | None = None
    added: dict[str, NewEvent] = field(default_factory=dict)
    moved: list[tuple[CalendarEvent, Span]] = field(default_factory=list)
    cancelled: list[tuple[CalendarEvent, bool]] = field(default_factory=list)
    is_open: bool = True
    is_closed: bool = False

    async def get_calendars(self) -> Sequence[Calendar]:
        if self.error is not None:
            raise self.error
        return self.calendars

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> Sequence[CalendarEvent]:
        return [one for one in self.events if one.calendar in calendars and one.span.overlaps(span)]

    async def add_event(self, event: NewEvent, key: str) -> None:
        await wait_until(lambda: self.is_open)
        self.added.setdefault(key, event)

    async def move_event(self, event: CalendarEvent, span: Span) -> None:
        await wait_until(lambda: self.is_open)
        self.moved.append((event, span))

    async def cancel_event(self, event: CalendarEvent, *, with_series: bool) -> None:
        await wait_until(lambda: self.is_open)
        self.cancelled.append((event, with_series))

    async def close(self) -> None:
        self.is_closed = True


class CalendarInMemory(CalendarPlugin):
    """The plugin over calendars that a test gives for each person."""

    account_setting = "user"
    answer_seconds = 1.5

    def __init__(self, sources: Mapping[str, FakeCalendar]) -> None:
        super().__init__()
        self._sources = sources

    def open_source(self, settings: Mapping[str, Any], person: str) -> FakeCalendar:
        return self._sources[person]

    def get_intents(self) -> Mapping[str, Sentences]:
        """Return no sentences, which take long to load: `understand` has them once for all tests."""
        return {intent: [] for intent in super().get_intents()}


@cache
def _load_sentences() -> PluginSentences:
    texts = PluginTexts(LANGUAGES)
    return load_sentences(texts.get_intents(), texts.get_lists())


def understand(text: str, language: str = "en") -> PluginMatch | None:
    """Return the command that a sentence is."""
    found = _load_sentences().recognize(text, language)
    return PluginMatch("calendar", *found, text, language) if found else None


@asynccontextmanager
async def running(
    sources: Mapping[str, FakeCalendar],
    settings: Mapping[str, Any] | None = None,
    seconds: float = 60.0,
    *,
    is_outside_home: bool = False,
) -> AsyncIterator[PluginRegistry]:
    """Run the plugin during the block; the account of the house has an empty name."""
    plugin = CalendarInMemory(sources)
    plugin.is_outside_home = is_outside_home
    load = lambda: lambda: plugin  # noqa: E731
    given = {"user": "house", "time_zone": "Europe/Vienna", **(settings or {})}
    registry = PluginRegistry([PluginSource("calendar", load)], {"calendar": given}, seconds)  # type: ignore[arg-type]
    await registry.start()
    try:
        yield registry
    finally:
        await registry.close()


def with_title(one: CalendarEvent, title: str) -> CalendarEvent:
    return replace(one, title=title)
