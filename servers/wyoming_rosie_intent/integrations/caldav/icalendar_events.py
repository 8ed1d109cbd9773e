"""Events in iCalendar's format: read with their occurrences, written, moved and cancelled; no input or output."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, cast

import icalendar
import recurring_ical_events
from icalendar.cal import Component

from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure

_PRODUCT = "-//wyoming-rosie//calendar//EN"
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_OF_THE_SERIES = ("RRULE", "RDATE", "EXDATE", "EXRULE")


def read_events(text: str, span: Span, calendar: Calendar, href: str, version: str) -> Iterator[CalendarEvent]:
    """Yield the occurrences within a span of a resource's event. Raises ValueError for a text that is no calendar."""
    resource = icalendar.Calendar.from_ical(text)
    is_series = any(name in event for event in resource.walk("VEVENT") for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
    zone = span.start.tzinfo
    # a day more on each side, since times without a zone, and whole days, are those of the home
    first, last = span.start - timedelta(days=1), span.end + timedelta(days=1)
    for occurrence in recurring_ical_events.of(resource, skip_bad_series=True).between(first, last):
        if str(occurrence.get("STATUS", "")).upper() == "CANCELLED":
            continue
        event = _read_event(occurrence, calendar, zone, href, version, is_series=is_series)
        if event.span.overlaps(span):
            yield event


def write_event(new: NewEvent, uid: str, now: datetime) -> bytes:
    """Return a new event as a resource."""
    event = icalendar.Event()
    event.add("UID", uid)
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("SUMMARY", new.title)
    _set_span(event, new.span, is_all_day=new.is_all_day)
    if new.days:
        event.add("RRULE", {"FREQ": "WEEKLY", "BYDAY": [_WEEKDAYS[day] for day in new.days]})
    resource = icalendar.Calendar()
    resource.add("PRODID", _PRODUCT)
    resource.add("VERSION", "2.0")
    resource.add_component(event)
    return _serialize(resource)


def move_event(text: str, event: CalendarEvent, span: Span, now: datetime) -> bytes:
    """Return a resource whose event, or one occurrence of it, is in another span. Raises HttpError."""
    resource = icalendar.Calendar.from_ical(text)
    moved = _find_master(resource) if event.original_start is None else _get_override(resource, event.original_start)
    is_all_day = event.is_all_day and span.start.time() == time(0) == span.end.time()
    _set_span(moved, span, is_all_day=is_all_day)
    _mark_changed(moved, now)
    return _serialize(resource)


def cancel_occurrence(text: str, original: datetime | date, now: datetime) -> bytes:
    """Return a resource without one occurrence of its series. Raises HttpError."""
    resource = icalendar.Calendar.from_ical(text)
    master = _find_master(resource)
    resource.subcomponents = [part for part in resource.subcomponents if not _is_override(part, original)]
    master.add("EXDATE", _like_start(master, original))
    _mark_changed(master, now)
    return _serialize(resource)


def _read_event(
    occurrence: Any, calendar: Calendar, zone: tzinfo | None, href: str, version: str, *, is_series: bool
) -> CalendarEvent:
    start, end = occurrence.start, occurrence.end
    is_all_day = not isinstance(start, datetime)
    original = _decode(occurrence, "RECURRENCE-ID") if "RECURRENCE-ID" in occurrence else start
    return CalendarEvent(
        id=href,
        title=str(occurrence.get("SUMMARY", "")),
        span=Span(_to_moment(start, zone), _to_moment(end, zone)),
        calendar=calendar,
        is_all_day=is_all_day,
        is_busy=str(occurrence.get("TRANSP", "OPAQUE")).upper() != "TRANSPARENT",
        series=href if is_series else "",
        original_start=original if is_series else None,
        version=version,
    )


def _to_moment(value: datetime | date, zone: tzinfo | None) -> datetime:
    """Return a time in the zone of the home; one without a zone, and a day, are meant there."""
    if not isinstance(value, datetime):
        return times.at(value, time(0), zone)
    return value.astimezone(zone) if value.tzinfo else times.at(value.date(), value.time(), zone)


def _find_master(resource: Component) -> Component:
    """Return the event that is not one occurrence of another. Raises HttpError."""
    for event in resource.walk("VEVENT"):
        if "RECURRENCE-ID" not in event:
            return event
    raise HttpError(HttpFailure.NOT_FOUND, "the calendar's entry has no event any more")


def _get_override(resource: Component, original: datetime | date) -> Component:
    """Return the event that stands for one occurrence, after adding it if there is none."""
    for part in resource.subcomponents:
        if _is_override(part, original):
            return part
    master = _find_master(resource)
    override = deepcopy(master)
    for name in _OF_THE_SERIES:
        override.pop(name, None)
    override.add("RECURRENCE-ID", _like_start(master, original))
    resource.add_component(override)
    return override


def _is_override(part: Component, original: datetime | date) -> bool:
    if part.name != "VEVENT" or "RECURRENCE-ID" not in part:
        return False
    return _to_moment(_decode(part, "RECURRENCE-ID"), UTC) == _to_moment(original, UTC)


def _like_start(master: Component, original: datetime | date) -> datetime | date:
    """Return the start of an occurrence in the form of that of its series: a day, or a time in the same zone."""
    start = _decode(master, "DTSTART")
    if isinstance(start, datetime) and isinstance(original, datetime) and start.tzinfo and original.tzinfo:
        return original.astimezone(start.tzinfo)
    return original


def _set_span(event: Component, span: Span, *, is_all_day: bool) -> None:
    for name in ("DTSTART", "DTEND", "DURATION"):
        event.pop(name, None)
    event.add("DTSTART", span.start.date() if is_all_day else span.start)
    event.add("DTEND", span.end.date() if is_all_day else span.end)


def _mark_changed(event: Component, now: datetime) -> None:
    sequence: Any = event.get("SEQUENCE", 0)
    for name in ("SEQUENCE", "DTSTAMP", "LAST-MODIFIED"):
        event.pop(name, None)
    event.add("SEQUENCE", int(sequence) + 1)
    event.add("DTSTAMP", now.astimezone(UTC))
    event.add("LAST-MODIFIED", now.astimezone(UTC))


def _serialize(resource: icalendar.Calendar) -> bytes:
    resource.add_missing_timezones()
    return cast(bytes, resource.to_ical())


def _decode(event: Component, name: str) -> datetime | date:
    """Return a property that is a day or a time."""
    return cast("datetime | date", event.decoded(name))
