"""Times of a calendar: spans of days and weeks, and local times on days on which the clocks change; pure functions."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from wyoming_rosie_intent.integrations.calendar.model import Span

DEFAULT_DURATION = timedelta(hours=1)
"""Of an event whose end nobody says."""
_HALF_DAY = 12
_WEEK = 7
_SATURDAY = 5


class Period(StrEnum):
    """A span that a sentence names; the parts of a day may go with a date."""

    THIS_WEEK = "this_week"
    NEXT_WEEK = "next_week"
    WEEKEND = "weekend"
    NEXT_WEEKEND = "next_weekend"
    THIS_MONTH = "this_month"
    NEXT_MONTH = "next_month"
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


class ClockChange(StrEnum):
    """Why a local time is not one moment."""

    SKIPPED = "skipped"  # it does not exist
    REPEATED = "repeated"  # it exists twice


_PARTS: dict[Period | None, tuple[time, time | None]] = {
    Period.MORNING: (time(0), time(12)),
    Period.AFTERNOON: (time(12), time(18)),
    Period.EVENING: (time(17), None),
}


def at(day: date, clock: time, zone: tzinfo | None) -> datetime:
    """Return a local time; one that the clocks skip is as much later as they are put forward, a repeated one the first."""
    local = datetime.combine(day, clock, zone)
    return local.astimezone(UTC).astimezone(zone)


def find_clock_change(day: date, clock: time, zone: tzinfo | None) -> ClockChange | None:
    """Return what is wrong with a local time; None for an ordinary one."""
    local = datetime.combine(day, clock, zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return ClockChange.SKIPPED
    return ClockChange.REPEATED if local.utcoffset() != local.replace(fold=1).utcoffset() else None


def later(moment: datetime, duration: timedelta) -> datetime:
    """Return the moment after a duration, in the same time zone, also where the clocks change between."""
    return (moment.astimezone(UTC) + duration).astimezone(moment.tzinfo)


def days_span(first: date, days: int, zone: tzinfo | None) -> Span:
    """Return the span of whole days."""
    return Span(at(first, time(0), zone), at(first + timedelta(days=days), time(0), zone))


def find_span(day: date | None, period: Period | None, now: datetime) -> Span:
    """Return the span that a sentence names; without any, today."""
    today, zone = now.date(), now.tzinfo
    if period in _PARTS:
        begins, ends = _PARTS[period]
        day = day or today
        return Span(at(day, begins, zone), at(day, ends, zone) if ends else days_span(day, 1, zone).end)
    if day is not None or period is None:
        return days_span(day or today, 1, zone)
    first, last = _find_days(period, today)
    return days_span(first, (last - first).days, zone)


def _find_days(period: Period, today: date) -> tuple[date, date]:
    """Return the first day of a period, not before today, and the day after it."""
    monday = today - timedelta(days=today.weekday())
    saturday = monday + timedelta(days=_SATURDAY)
    match period:
        case Period.THIS_WEEK:
            return today, monday + timedelta(days=_WEEK)
        case Period.NEXT_WEEK:
            return monday + timedelta(days=_WEEK), monday + timedelta(days=2 * _WEEK)
        case Period.WEEKEND:
            return max(today, saturday), monday + timedelta(days=_WEEK)
        case Period.NEXT_WEEKEND:
            return saturday + timedelta(days=_WEEK), monday + timedelta(days=2 * _WEEK)
        case Period.THIS_MONTH:
            return today, _next_month(today)
        case _:
            return _next_month(today), _next_month(_next_month(today))


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def from_midnight(duration: timedelta) -> time | None:
    """Return the time of day after a duration from midnight; None for more than a day."""
    minutes = round(duration.total_seconds()) // 60
    return time(minutes // 60, minutes % 60) if 0 <= minutes < 24 * 60 else None


def on_face(clock: time) -> time:
    """Return a time of day as a clock's face shows it."""
    return clock.replace(hour=clock.hour % _HALF_DAY, second=0, microsecond=0)


def next_on_face(clock: time, after: time) -> time:
    """Return the first time after another at which a clock's face shows this one; in the morning if there is none."""
    early = on_face(clock)
    late = early.replace(hour=early.hour + _HALF_DAY)
    return next((half for half in (early, late) if half > after), early)


def last_on_face(clock: time, before: time) -> time:
    """Return the last time before another at which a clock's face shows this one; "from seven to nine pm" begins at 19:00."""
    early = on_face(clock)
    late = early.replace(hour=early.hour + _HALF_DAY)
    return late if late < before else early
