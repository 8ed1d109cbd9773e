"""Questions to the calendar: what is on, what is next, and when somebody is free."""

from datetime import datetime, time, timedelta

from wyoming_rosie_intent.integrations.calendar import agenda, times
from wyoming_rosie_intent.integrations.calendar.model import Span
from wyoming_rosie_intent.integrations.calendar.turn import CalendarTurn
from wyoming_rosie_intent.plugins import PluginResult

_LEAST_FREE = timedelta(minutes=30)
_WAKING_HOURS = (time(8), time(22))
"""Within these, free time is looked for."""


async def answer_events(turn: CalendarTurn) -> PluginResult:
    """Say what is on; without titles, when the calendar is busy."""
    span, said = times.find_span(turn.day(), turn.period, turn.now), turn.wording.period(turn.day(), turn.period)
    events = await turn.get_events(span)
    if turn.title and turn.wording.shows_titles:
        events = agenda.find_named(events, turn.title)
    if not turn.wording.shows_titles:
        busy = agenda.merge_busy(events, span)
        return PluginResult(turn.wording.taken(busy)) if busy else turn.answer("nothing_taken", period=said)
    return PluginResult(turn.wording.agenda(events, span)) if events else turn.answer("nothing", period=said)


async def answer_next(turn: CalendarTurn) -> PluginResult:
    """Say which event is next, or when the next one with a title is."""
    events = await turn.get_events(turn.get_span_ahead(None))
    if turn.title and turn.wording.shows_titles:
        events = agenda.find_named(events, turn.title)
    found = agenda.find_next(events, turn.now)
    if found is not None:
        return turn.answer("next", **turn.describe(found))
    return turn.answer("no_such_event", title=turn.wording.title(turn.title)) if turn.title else turn.answer("no_next")


async def answer_free(turn: CalendarTurn) -> PluginResult:
    """Say whether a span is free, or what is on in it."""
    span = _find_asked_span(turn)
    if span is None:
        return turn.fail("no_such_span")
    said = _describe_span(turn, span)
    events = [event for event in await turn.get_events(span) if event.is_busy]
    busy = agenda.merge_busy(events, span)
    if not busy:
        return turn.answer("free", period=said)
    taken = turn.wording.agenda(events, span) if turn.wording.shows_titles else turn.wording.taken(busy)
    return turn.answer("not_free", period=said, events=taken)


async def answer_free_times(turn: CalendarTurn) -> PluginResult:
    """Say when a day is free."""
    day = turn.day() or turn.now.date()
    begins, ends = (times.at(day, clock, turn.now.tzinfo) for clock in _WAKING_HOURS)
    span = Span(max(begins, turn.now, key=datetime.timestamp), ends)
    free = agenda.find_free(await turn.get_events(span), span, _LEAST_FREE) if not span.is_empty else []
    said = turn.wording.day(day)
    return turn.answer("free_times", day=said, times=turn.wording.times(free)) if free else turn.answer("never_free", day=said)  # fmt: skip


def _find_asked_span(turn: CalendarTurn) -> Span | None:
    """Return the span of "between two and four", "at three" or "in the morning"; None for one that ends before it begins."""
    day = turn.day() or turn.now.date()
    start = turn.clock("from_time", day) or turn.clock("time", day)
    if start is None:
        return times.find_span(turn.day(), turn.period, turn.now)
    begins = times.at(day, start, turn.now.tzinfo)
    span = Span(begins, turn.find_end(begins))
    return None if span.is_empty else span


def _describe_span(turn: CalendarTurn, span: Span) -> str:
    if turn.clock("from_time", span.start.date()) is None and "time" not in turn.entities:
        return turn.wording.period(turn.day(), turn.period)
    return turn.wording.render(
        "day_between", day=turn.wording.day(span.start.date()), between=turn.wording.times([span])
    )
