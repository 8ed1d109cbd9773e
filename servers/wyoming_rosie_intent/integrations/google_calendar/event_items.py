"""Events of Google's API: read from its items, and written; pure functions."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, tzinfo
from typing import Any, TypeAlias

from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span

Item: TypeAlias = Mapping[str, Any]
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WRITERS = frozenset({"owner", "writer"})
_READERS = frozenset({"reader", *_WRITERS})
_NO_EVENTS = frozenset({"workingLocation"})


def read_calendars(items: Iterable[Item]) -> list[Calendar]:
    """Return the calendars whose events may be read, the account's main one first."""
    readable = [item for item in items if item.get("accessRole") in _READERS and not item.get("deleted")]
    readable.sort(key=lambda item: not item.get("primary"))
    return [
        Calendar(
            str(item["id"]),
            str(item.get("summaryOverride") or item.get("summary") or item["id"]),
            item["accessRole"] in _WRITERS,
        )
        for item in readable
    ]


def read_events(items: Iterable[Item], calendar: Calendar, zone: tzinfo | None) -> Iterator[CalendarEvent]:
    """Yield the events that take place and that the account's person has not declined. Skips items that are none."""
    for item in items:
        if item.get("status") == "cancelled" or item.get("eventType") in _NO_EVENTS or _is_declined(item):
            continue
        try:
            yield _read_event(item, calendar, zone)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue


def write_event(new: NewEvent, key: str) -> dict[str, Any]:
    """Return a new event; its id is made from the key, so that a second one with it is refused."""
    span = {name: _without_none(moment) for name, moment in write_span(new.span, new.is_all_day).items()}
    body: dict[str, Any] = {"id": create_id(key), "summary": new.title, **span}
    if new.days:
        body["recurrence"] = [f"RRULE:FREQ=WEEKLY;BYDAY={','.join(_WEEKDAYS[day] for day in new.days)}"]
    return body


def write_span(span: Span, is_all_day: bool) -> dict[str, Any]:
    """Return start and end of an event, as a change of it."""
    return {"start": _write_moment(span.start, is_all_day), "end": _write_moment(span.end, is_all_day)}


def create_id(key: str) -> str:
    """Return an event's id of digits and the letters a to v, as Google wants it."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _read_event(item: Item, calendar: Calendar, zone: tzinfo | None) -> CalendarEvent:
    start, end = item["start"], item["end"]
    series = str(item.get("recurringEventId", ""))
    return CalendarEvent(
        id=str(item["id"]),
        title=str(item.get("summary", "")),
        span=Span(_read_moment(start, zone), _read_moment(end, zone)),
        calendar=calendar,
        is_all_day="dateTime" not in start,
        is_busy=item.get("transparency") != "transparent",
        series=series,
        original_start=_read_moment(item["originalStartTime"], zone)
        if series and "originalStartTime" in item
        else None,
        version=str(item.get("etag", "")),
    )


def _read_moment(value: Item, zone: tzinfo | None) -> datetime:
    if "dateTime" in value:
        moment = datetime.fromisoformat(str(value["dateTime"]))
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    return times.at(date.fromisoformat(str(value["date"])), time(0), zone)


def _write_moment(moment: datetime, is_all_day: bool) -> dict[str, str | None]:
    """Return a start or an end; the fields of the other form are removed."""
    if is_all_day:
        return {"date": moment.date().isoformat(), "dateTime": None, "timeZone": None}
    # a series needs the name of its zone, since its time of day stays when the clocks change
    return {"date": None, "dateTime": moment.isoformat(), "timeZone": getattr(moment.tzinfo, "key", None)}


def _without_none(values: Item) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_declined(item: Item) -> bool:
    people = item.get("attendees")
    own = [one for one in people if isinstance(one, Mapping) and one.get("self")] if isinstance(people, list) else []
    return any(one.get("responseStatus") == "declined" for one in own)
