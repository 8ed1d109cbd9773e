"""Events in iCalendar's format, and answers of CalDAV servers that are none."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.intent.integrations.calendar_source import FAMILY, VIENNA
from wyoming_rosie_intent.integrations.caldav import icalendar_events
from wyoming_rosie_intent.integrations.caldav.multistatus import DAV, create_query, parse_multistatus
from wyoming_rosie_intent.integrations.caldav.source import _read_events
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.plugins.http_client import HttpError

NOW = datetime(2027, 1, 1, tzinfo=UTC)
MONTHS = times.days_span(date(2027, 2, 1), 120, VIENNA)  # the clocks change within
DAYS = st.dates(date(2027, 2, 1), date(2027, 4, 20))
WEEKDAYS = st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days)))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))


def read(text: bytes, span: Span = MONTHS) -> list[CalendarEvent]:
    found = icalendar_events.read_events(text.decode(), span, FAMILY, "/family/a.ics", '"1"')
    return sorted(found, key=lambda event: event.span.timestamps)


def write(day: date, clock: time, days: tuple[int, ...] = (), *, is_all_day: bool = False) -> bytes:
    start = times.at(day, clock, VIENNA)
    span = times.days_span(day, 1, VIENNA) if is_all_day else Span(start, times.later(start, timedelta(hours=1)))
    return icalendar_events.write_event(NewEvent("Yoga", span, FAMILY, is_all_day, days), "a", NOW)


def weekly(first: date, days: tuple[int, ...], clock: time) -> list[datetime]:
    """Return the local times of a series, computed day by day."""
    found = [first + timedelta(days=ahead) for ahead in range((MONTHS.end.date() - first).days)]
    return [times.at(day, clock, VIENNA) for day in found if day.weekday() in days]


@settings(max_examples=40)
@given(DAYS, CLOCKS, WEEKDAYS, st.booleans())
def test_a_series_is_read_as_it_was_written(day: date, clock: time, days: tuple[int, ...], is_all_day: bool) -> None:
    days = tuple(sorted({*days, day.weekday()}))
    if not is_all_day and times.find_clock_change(day, clock, VIENNA):
        return
    events = read(write(day, clock, days, is_all_day=is_all_day))
    expected = weekly(day, days, time(0) if is_all_day else clock)
    # a time that the clocks skip is read as the library reads it, an hour earlier or later
    skipped = {day for day in (date(2027, 3, 28),) if times.find_clock_change(day, clock, VIENNA) and not is_all_day}
    found = [event.span.start for event in events if event.span.start.date() not in skipped]
    assert found == [moment for moment in expected if moment.date() not in skipped]
    assert {event.is_all_day for event in events} == {is_all_day}
    assert {event.series for event in events} == {"/family/a.ics"}


@settings(max_examples=40)
@given(DAYS, WEEKDAYS, st.data())
def test_one_occurrence_is_moved_or_cancelled_and_the_others_stay(day: date, days: tuple[int, ...], data: st.DataObject) -> None:  # fmt: skip
    days = tuple(sorted({*days, day.weekday()}))
    text = write(day, time(18), days)
    before = read(text)
    chosen = data.draw(st.sampled_from(before))
    others = [event.span for event in before if event != chosen]
    assert chosen.original_start is not None
    assert [event.span for event in read(icalendar_events.cancel_occurrence(text.decode(), chosen.original_start, NOW))] == others  # fmt: skip
    later = Span(chosen.span.start + timedelta(minutes=7), chosen.span.end + timedelta(minutes=7))
    moved_text = icalendar_events.move_event(text.decode(), chosen, later, NOW)
    moved = read(moved_text)
    assert sorted(event.span.timestamps for event in moved) == sorted(span.timestamps for span in (*others, later))
    again = next(event for event in moved if event.span == later)
    assert again.original_start is not None
    cancelled = icalendar_events.cancel_occurrence(moved_text.decode(), again.original_start, NOW)
    assert [event.span for event in read(cancelled)] == others


def test_a_single_event_is_moved_and_keeps_what_else_was_written() -> None:
    text = write(date(2027, 3, 1), time(15)).replace(b"SUMMARY:Yoga", b"SUMMARY:Yoga\r\nLOCATION:Hall\r\nX-COLOR:red")
    (event,) = read(text)
    later = times.days_span(date(2027, 3, 2), 1, VIENNA)
    moved = icalendar_events.move_event(text.decode(), event, later, NOW)
    assert [one.span for one in read(moved)] == [later]
    assert b"LOCATION:Hall" in moved
    assert b"X-COLOR:red" in moved
    assert b"SEQUENCE:1" in moved


@pytest.mark.parametrize(
    ("lines", "start", "hours"),
    [
        ("DTSTART:20270301T090000", datetime(2027, 3, 1, 9, tzinfo=VIENNA), 0),  # where the reader is
        ("DTSTART:20270301T090000Z\r\nDTEND:20270301T100000Z", datetime(2027, 3, 1, 10, tzinfo=VIENNA), 1),
        ("DTSTART;VALUE=DATE:20270301", datetime(2027, 3, 1, tzinfo=VIENNA), 24),
        ("DTSTART;TZID=W. Europe Standard Time:20270301T090000\r\nDURATION:PT2H", datetime(2027, 3, 1, 9, tzinfo=VIENNA), 2),
    ],
)  # fmt: skip
def test_times_of_other_programs_are_understood(lines: str, start: datetime, hours: int) -> None:
    text = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20270101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"  # fmt: skip
    (event,) = read(text.encode())
    assert (event.span.start, event.span.length) == (start, timedelta(hours=hours))


@pytest.mark.parametrize(("line", "count"), [("STATUS:CANCELLED", 0), ("STATUS:CONFIRMED", 1)])
def test_a_cancelled_event_is_not_heard(line: str, count: int) -> None:
    text = write(date(2027, 3, 1), time(15)).replace(b"SUMMARY:Yoga", f"SUMMARY:Yoga\r\n{line}".encode())
    assert len(read(text)) == count


def multistatus(*entries: str) -> bytes:
    responses = "".join(
        f"<d:response><d:href>/{place}.ics</d:href><d:propstat><d:prop><d:getetag>\"1\"</d:getetag>"
        f"<c:calendar-data>{entry}</c:calendar-data></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
        "<d:propstat><d:prop><d:displayname>not found</d:displayname></d:prop>"
        "<d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>"
        for place, entry in enumerate(entries)
    )  # fmt: skip
    return f'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{responses}</d:multistatus>'.encode()


def test_entries_that_cannot_be_read_do_not_hide_the_others() -> None:
    good = write(date(2027, 3, 1), time(15)).decode()
    broken = ("", "no calendar", good.replace("DTSTART", "DTBEGIN"), good.replace("20270301T15", "20271301T99"), "BEGIN:VEVENT")  # fmt: skip
    events = _read_events(multistatus(*broken, good), FAMILY, MONTHS)
    assert [event.id for event in events] == ["/5.ics"]
    assert events[0].version == '"1"'


def test_properties_that_the_server_does_not_have_are_empty() -> None:
    (resource,) = parse_multistatus(multistatus("x"))
    assert resource.text(f"{DAV}displayname") == ""
    assert resource.is_writable


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Sign in</html>",
        b"<d:multistatus xmlns:d='DAV:'>",
        b"{}",
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<?xml version="1.0" encoding="cp932"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    ],
)
def test_an_answer_that_is_none_is_an_error(body: bytes) -> None:
    with pytest.raises(HttpError, match="calendar server"):
        list(parse_multistatus(body))


@given(st.binary(max_size=300))
def test_no_answer_raises_anything_else(body: bytes) -> None:
    with suppress(HttpError):
        list(parse_multistatus(body))


def test_the_query_reaches_a_day_further_for_times_without_a_zone() -> None:
    query = create_query(times.days_span(date(2027, 3, 28), 1, VIENNA)).decode()
    assert 'start="20270326T230000Z" end="20270329T220000Z"' in query
