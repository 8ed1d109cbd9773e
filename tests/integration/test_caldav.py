"""The plugin for CalDAV against a real Radicale server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from blockbuster import BlockBuster

from tests.radicale_server import PASSWORD, USER, RadicaleServer, radicale
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.integrations.caldav.source import CalDavSource
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.plugins import CommandContext, PluginRegistry, find_integrations
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure
from wyoming_rosie_intent.plugins.match import PluginQuestion

pytestmark = pytest.mark.asyncio(loop_scope="module")
VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2027, 3, 26, 15, 5, tzinfo=VIENNA)  # a Friday; the clocks change on Sunday


@pytest.fixture(autouse=True)
def _the_plugin_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RadicaleServer]:
    async with radicale(tmp_path_factory.mktemp("radicale")) as running:
        await running.make_calendar("family", "Family")
        await running.make_calendar("work", "Büro & Werk")
        await running.make_calendar("tasks", "Tasks", "VTODO")
        await running.put(
            "family/yoga.ics",
            "BEGIN:VEVENT", "UID:yoga", "DTSTAMP:20270101T000000Z", "SUMMARY:Yoga",
            "DTSTART;TZID=Europe/Vienna:20270301T180000", "DTEND;TZID=Europe/Vienna:20270301T193000",
            "RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE;TZID=Europe/Vienna:20270308T180000", "END:VEVENT",
            "BEGIN:VEVENT", "UID:yoga", "DTSTAMP:20270101T000000Z", "SUMMARY:Yoga outside",
            "RECURRENCE-ID;TZID=Europe/Vienna:20270315T180000",
            "DTSTART;TZID=Europe/Vienna:20270316T170000", "DTEND;TZID=Europe/Vienna:20270316T183000", "END:VEVENT",
        )  # fmt: skip
        await running.put(
            "family/trip.ics",
            "BEGIN:VEVENT", "UID:trip", "DTSTAMP:20270101T000000Z", "SUMMARY:Trip",
            "DTSTART;VALUE=DATE:20270327", "DTEND;VALUE=DATE:20270329", "END:VEVENT",
        )  # fmt: skip
        await running.put(
            "work/call.ics",
            "BEGIN:VEVENT", "UID:call", "DTSTAMP:20270101T000000Z", "SUMMARY:Call New York",
            "DTSTART;TZID=Eastern Standard Time:20270326T120000", "DURATION:PT30M", "END:VEVENT",
        )  # fmt: skip
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def source(server: RadicaleServer) -> AsyncIterator[CalDavSource]:
    opened = CalDavSource(server.url, USER, PASSWORD)
    yield opened
    await opened.close()


async def events_on(source: CalDavSource, day: date, days: int = 1) -> list[CalendarEvent]:
    found = await source.get_events(await source.get_calendars(), times.days_span(day, days, VIENNA))
    return sorted(found, key=lambda event: event.span.start)


async def chess_in_may(source: CalDavSource) -> list[CalendarEvent]:
    return [event for event in await events_on(source, date(2027, 5, 1), 31) if event.title == "Chess"]


def context(text: str = "", *, person: str | None = None) -> CommandContext:
    return CommandContext(NOW, person=person, text=text, key="turn")


async def test_the_calendars_of_the_user_are_found_from_the_address_of_the_server(source: CalDavSource) -> None:
    calendars = await source.get_calendars()
    assert sorted(calendar.name for calendar in calendars) == ["Büro & Werk", "Family"]
    assert all(calendar.is_writable for calendar in calendars)


@pytest.mark.parametrize("path", ["/ada/", "/.well-known/caldav", "/ada/family/"])
async def test_they_are_found_from_other_addresses_too(server: RadicaleServer, path: str) -> None:
    source = CalDavSource(server.url + path, USER, PASSWORD)
    try:
        assert "Family" in [calendar.name for calendar in await source.get_calendars()]
    finally:
        await source.close()


async def test_a_wrong_password_is_refused(server: RadicaleServer) -> None:
    source = CalDavSource(server.url, USER, "wrong")
    try:
        with pytest.raises(HttpError) as caught:
            await source.get_calendars()
        assert caught.value.failure is HttpFailure.UNAUTHORIZED
    finally:
        await source.close()


async def test_a_password_is_not_sent_in_the_clear_over_the_internet() -> None:
    with pytest.raises(ConfigError, match="https"):
        CalDavSource("http://cloud.example.org", USER, PASSWORD)


async def test_a_series_has_its_exceptions_and_keeps_its_time_of_day_when_the_clocks_change(source: CalDavSource) -> None:  # fmt: skip
    found = [event for event in await events_on(source, date(2027, 3, 1), 31) if event.title.startswith("Yoga")]
    starts = [(event.span.start.month, event.span.start.day, event.span.start.hour) for event in found]
    assert starts == [(3, 1, 18), (3, 16, 17), (3, 22, 18), (3, 29, 18)]
    assert {event.span.start.utcoffset() for event in found} == {timedelta(hours=1), timedelta(hours=2)}


async def test_whole_days_end_before_their_last_day_in_the_file(source: CalDavSource) -> None:
    days = [date(2027, 3, day) for day in range(26, 30)]
    trips = [[event.title for event in await events_on(source, day) if event.is_all_day] for day in days]
    assert trips == [[], ["Trip"], ["Trip"], []]


async def test_a_time_zone_with_a_name_of_windows_is_understood(source: CalDavSource) -> None:
    (call,) = await events_on(source, date(2027, 3, 26))
    assert (call.title, call.span.start, call.span.length) == (
        "Call New York", datetime(2027, 3, 26, 16, tzinfo=UTC), timedelta(minutes=30),
    )  # fmt: skip


async def test_an_event_is_added_once_however_often_it_is_tried(server: RadicaleServer, source: CalDavSource) -> None:
    family = next(calendar for calendar in await source.get_calendars() if calendar.name == "Family")
    start = times.at(date(2027, 4, 2), datetime.min.time().replace(hour=15), VIENNA)
    new = NewEvent("Zahnarzt; um 3, bald", Span(start, start + timedelta(hours=1)), family)
    for _ in range(2):
        await source.add_event(new, "0123abc")
    assert [(event.title, event.span) for event in await events_on(source, date(2027, 4, 2))] == [(new.title, new.span)]
    text = await server.get("family/0123abc.ics")
    assert "TZID=Europe/Vienna" in text
    await source.move_event((await events_on(source, date(2027, 4, 2)))[0], Span(start, start + timedelta(hours=3)))
    await source.add_event(new, "0123abc")  # a late attempt undoes no change
    (kept,) = await events_on(source, date(2027, 4, 2))
    assert kept.span.length == timedelta(hours=3)


async def test_an_event_that_repeats_is_added_with_its_days(source: CalDavSource) -> None:
    family = next(calendar for calendar in await source.get_calendars() if calendar.name == "Family")
    new = NewEvent("Bins", times.days_span(date(2027, 6, 1), 1, VIENNA), family, is_all_day=True, days=(1, 4))
    await source.add_event(new, "bins")
    found = [event for event in await events_on(source, date(2027, 6, 1), 9) if event.title == "Bins"]
    assert [event.span.start.day for event in found] == [1, 4, 8]
    await source.cancel_event(found[0], with_series=True)


async def test_one_occurrence_is_moved_and_another_cancelled(server: RadicaleServer, source: CalDavSource) -> None:
    await server.put(
        "family/chess.ics",
        "BEGIN:VEVENT", "UID:chess", "DTSTAMP:20270101T000000Z", "SUMMARY:Chess",
        "DTSTART;TZID=Europe/Vienna:20270503T190000", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=4", "END:VEVENT",
    )  # fmt: skip
    _, second, third, _ = await chess_in_may(source)
    later = Span(second.span.start + timedelta(days=1), second.span.end + timedelta(days=1))
    await source.move_event(second, later)
    with pytest.raises(HttpError) as caught:
        await source.cancel_event(third, with_series=False)  # the file has changed since
    assert caught.value.failure is HttpFailure.CONFLICT
    _, moved, third, _ = await chess_in_may(source)
    assert moved.span == later
    await source.cancel_event(third, with_series=False)
    _, moved, _ = await chess_in_may(source)
    await source.cancel_event(moved, with_series=False)
    assert [event.span.start.day for event in await chess_in_may(source)] == [3, 24]
    await source.cancel_event((await chess_in_may(source))[0], with_series=True)
    assert await chess_in_may(source) == []


@pytest_asyncio.fixture(loop_scope="module")
async def plugins(server: RadicaleServer, request: pytest.FixtureRequest) -> AsyncIterator[PluginRegistry]:
    account: Mapping[str, Any] = {"user": USER, "password": PASSWORD}
    settings = {"time_zone": "Europe/Vienna", "caldav": {"url": server.url, **getattr(request, "param", account)}}
    registry = PluginRegistry(find_integrations(["calendar"]), {"calendar": settings}, answer_seconds=60.0)
    await registry.start()
    assert registry.health_checks()["plugin calendar"]() is None
    yield registry
    await registry.close()


async def say(plugins: PluginRegistry, text: str, language: str = "en", person: str | None = None) -> Answer:
    match = plugins.recognize(text, language)
    assert match is not None
    return await plugins.execute(match, context(text, person=person))


async def test_a_sentence_is_answered_from_the_server(plugins: PluginRegistry) -> None:
    assert (await say(plugins, "what's on tomorrow")).text == "Tomorrow: “Trip” all day."
    assert (await say(plugins, "what's my next appointment")).text == "“Call New York” today at 5:00 PM."
    assert (await say(plugins, "was steht am Montag an", "de")).text == "Am Montag, dem 29. März: „Yoga“ um 18 Uhr."


async def test_an_entry_is_added_after_a_yes_and_cancelled_after_another(
    plugins: PluginRegistry, server: RadicaleServer
) -> None:
    asked = await say(plugins, "add haircut to the family calendar on monday at 3")
    assert isinstance(asked, PluginQuestion)
    assert asked.text == "Shall I add “Haircut” on Monday, March 29 at 3:00 PM, for 1 hour, to the calendar “Family”?"
    assert asked.confirmed is not None
    assert "nothing" in (await say(plugins, "what's on on the 30th of march")).text
    before = await server.list("family")
    added = await asyncio.gather(*(plugins.execute(asked.confirmed, context()) for _ in range(2)))
    assert {answer.text for answer in added} == {
        "Added: “Haircut” on Monday, March 29 at 3:00 PM, in the calendar “Family”."
    }
    assert await server.list("family") == before + 1
    asked = await say(plugins, "cancel my haircut appointment")
    assert isinstance(asked, PluginQuestion)
    assert asked.confirmed is not None
    assert (await plugins.execute(asked.confirmed, context())).text.startswith("Deleted: “Haircut”")
    assert await server.list("family") == before


@pytest.mark.parametrize(
    "plugins", [{"user": USER, "password": PASSWORD, "persons": {"Ada": {"calendars": ["Family"]}}}], indirect=True
)
async def test_guests_hear_when_the_calendar_is_busy_but_not_with_what(plugins: PluginRegistry) -> None:
    assert (await say(plugins, "what's on today")).text == "Today: busy from 5:00 PM to 5:30 PM."
    assert "Trip" not in (await say(plugins, "what's on this weekend", person="Somebody")).text
    assert (await say(plugins, "what's on this weekend", person="ada")).text.count("“Trip” all day") == 1
    refused = await say(plugins, "add party tomorrow at 8 pm")
    assert (refused.done, isinstance(refused, PluginQuestion)) == (False, False)


async def test_a_wrong_password_is_spoken_about_and_shown_in_the_status(server: RadicaleServer) -> None:
    settings = {"caldav": {"url": server.url, "user": USER, "password": "wrong"}}
    registry = PluginRegistry(find_integrations(["calendar"]), {"calendar": settings}, answer_seconds=60.0)
    await registry.start()
    try:
        assert "status 401" in str(registry.health_checks()["plugin calendar"]())
        assert "sign in again" in (await say(registry, "what's on today")).text
    finally:
        await registry.close()
