"""One command of the calendar: whose calendars, which events, and what its sentence says of days and times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeAlias

from wyoming_rosie_intent.integrations.calendar import agenda, times
from wyoming_rosie_intent.integrations.calendar.accounts import AccountsReader, CalendarAccount
from wyoming_rosie_intent.integrations.calendar.model import CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.calendar.times import ClockChange, Period
from wyoming_rosie_intent.integrations.calendar.wording import Wording
from wyoming_rosie_intent.plugins import CommandContext, PluginResult
from wyoming_rosie_intent.rules.dates import choose_half

Entities: TypeAlias = Mapping[str, Any]
LOOK_AHEAD = timedelta(days=366)
"""How far away an event may be that is named without its day."""


@dataclass(frozen=True)
class CalendarTurn:
    reader: AccountsReader
    entities: Entities
    context: CommandContext
    wording: Wording

    @property
    def now(self) -> datetime:
        return self.wording.now

    @property
    def title(self) -> str:
        return str(self.entities.get("title") or "").strip()

    @property
    def period(self) -> Period | None:
        value = self.entities.get("period")
        return Period(value) if value else None

    @property
    def is_about_series(self) -> bool:
        return self.entities.get("scope") == "series"

    def day(self, name: str = "date") -> date | None:
        value: date | None = self.entities.get(name)
        return value

    def clock(self, name: str, day: date) -> time | None:
        """Return a time of day that was said; one of a clock's face is by day, and today still to come."""
        value = self._said(name)
        if value is None:
            return None
        if name == "from_time" and (until := self._said("to_time")) and not self._is_ambiguous("to_time"):
            return times.last_on_face(value, until) if self._is_ambiguous(name) else value
        after = self.now.time() if day == self.now.date() else None
        return choose_half(value, is_ambiguous=self._is_ambiguous(name), after=after)

    def find_end(self, begins: datetime) -> datetime:
        """Return the end that a sentence gives to what begins then; without any, an hour later."""
        if (clock := self._said("to_time")) is None:
            return times.later(begins, self.entities.get("duration") or times.DEFAULT_DURATION)
        if self._is_ambiguous("to_time"):
            clock = times.next_on_face(clock, begins.time())
        return times.at(begins.date(), clock, begins.tzinfo)

    def clock_remark(self, name: str, day: date) -> str:
        """Return what is to be said about a time on a day on which the clocks change; empty on others."""
        clock = self.clock(name, day)
        change = times.find_clock_change(day, clock, self.now.tzinfo) if clock else None
        if clock is None or change is None:
            return ""
        said = self.wording.clock(datetime.combine(day, clock))
        return self.wording.render("skipped" if change is ClockChange.SKIPPED else "repeated", time=said)

    def answer(self, key: str, **values: object) -> PluginResult:
        return PluginResult(self.wording.render(key, **values))

    def fail(self, key: str, **values: object) -> PluginResult:
        return PluginResult(self.wording.render(key, **values), success=False)

    def describe(self, event: CalendarEvent | NewEvent) -> Mapping[str, object]:
        """Return the words for an event in an answer."""
        return {
            "event": self.wording.named(event),
            "calendar": self.wording.title(event.calendar.name),
            "is_series": bool(event.days if isinstance(event, NewEvent) else event.series),
        }

    def may_change(self, account: CalendarAccount) -> bool:
        """Return whether what is said here may go to the service of an account."""
        return not (account.is_outside_home and self.context.must_stay_home)

    async def get_events(self, span: Span) -> list[CalendarEvent]:
        """Return the events within a span, of the calendar that was named or of all. Raises HttpError."""
        calendars = await self.reader.get_calendars()
        if said := str(self.entities.get("calendar") or ""):
            calendars = agenda.find_calendars(calendars, said) or calendars
        return agenda.select(await self.reader.get_events(calendars, span), span)

    def get_span_ahead(self, day: date | None) -> Span:
        """Return the span of a day, or the time from now on in which events without a day are looked for."""
        if day is not None:
            return times.days_span(day, 1, self.now.tzinfo)
        return Span(self.now, self.now + LOOK_AHEAD)

    def _said(self, name: str) -> time | None:
        """Return a time of day; "15 heures" after some words sounds like a duration."""
        value: time | None = self.entities.get(name)
        if value is None and isinstance(hours := self.entities.get(name.replace("_time", "_duration")), timedelta):
            return times.from_midnight(hours)
        return value

    def _is_ambiguous(self, name: str) -> bool:
        return bool(self.entities.get(f"{name}_is_ambiguous"))
