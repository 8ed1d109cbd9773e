"""Changes of the calendar: each is asked about first, with day, time and calendar."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, time, timedelta

from wyoming_rosie_intent.integrations.calendar import agenda, times
from wyoming_rosie_intent.integrations.calendar.accounts import CalendarAccount
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.calendar.turn import CalendarTurn
from wyoming_rosie_intent.plugins import PluginResult

MAX_OPTIONS = 5
"""Events among which a question lets choose."""


async def ask_to_add(turn: CalendarTurn) -> PluginResult:
    """Ask about a new event, and say what else is on at its time."""
    if not turn.title:
        return turn.fail("no_title")
    accounts = [account for account in turn.reader.accounts if turn.may_change(account)]
    if not accounts:
        return turn.fail("not_from_here")
    calendars = await _find_calendars(turn, accounts)
    if not calendars:
        writable = [one for one in await turn.reader.get_calendars(accounts) if one.is_writable]
        return turn.fail("no_such_calendar", names=[turn.wording.title(one.name) for one in writable])
    if len(calendars) > 1:
        options = {turn.wording.calendar(one, calendars): {"into": one} for one in calendars[:MAX_OPTIONS]}
        return PluginResult(question=turn.wording.render("which_calendar", names=list(options)), options=options)
    return await _ask_to_add_to(turn, calendars[0])


async def _ask_to_add_to(turn: CalendarTurn, calendar: Calendar) -> PluginResult:
    day = _find_first_day(turn)
    new = create_event(turn, calendar, day)
    if new.span.is_empty:
        return turn.fail("no_such_span")
    if new.span.end.timestamp() <= turn.now.timestamp():
        return turn.fail("in_the_past", when=turn.wording.when(new))
    taken = [] if new.is_all_day else agenda.find_conflicts(await turn.get_events(new.span), new)
    remarks = [turn.clock_remark(name, day) for name in ("time", "from_time")]
    remarks += [turn.wording.render("conflict", event=turn.wording.named(event)) for event in taken[:1]]
    return PluginResult(
        " ".join(filter(None, remarks)),
        question=turn.wording.render("ask_add", **turn.describe(new), length=_describe_length(turn, new)),
        entities={"new_event": new},
    )


async def ask_to_move(turn: CalendarTurn) -> PluginResult:
    """Ask whether to move the event that is meant, or which is meant."""
    return await _ask_about_one(turn, await _find_meant(turn, turn.day("from_date"), None), _ask_to_move)


async def ask_to_cancel(turn: CalendarTurn) -> PluginResult:
    """Ask whether to delete the event that is meant, or which is meant."""
    day = turn.day()
    clock = turn.entities.get("time")
    return await _ask_about_one(turn, await _find_meant(turn, day, clock), _ask_to_cancel)


def create_event(turn: CalendarTurn, calendar: Calendar, day: date) -> NewEvent:
    """Return the event that a sentence describes; without an end it takes an hour, without a time the whole day."""
    start = turn.clock("from_time", day) or turn.clock("time", day)
    said = " ".join(filter(None, (str(turn.entities.get("prefix") or ""), turn.title)))
    title = said[:1].upper() + said[1:]
    days: tuple[int, ...] = tuple(turn.entities.get("days", ()))
    if start is None:
        return NewEvent(title, times.days_span(day, 1, turn.now.tzinfo), calendar, is_all_day=True, days=days)
    begins = times.at(day, start, turn.now.tzinfo)
    return NewEvent(title, Span(begins, turn.find_end(begins)), calendar, days=days)


def _ask_to_move(turn: CalendarTurn, event: CalendarEvent) -> PluginResult:
    day = turn.day() or event.span.start.date()
    if "date" not in turn.entities and "time" not in turn.entities:
        return turn.fail("move_where")
    span = _find_moved_span(turn, event, day)
    moved = replace(event, span=span)
    return PluginResult(
        turn.clock_remark("time", day),
        question=turn.wording.render("ask_move", **turn.describe(event), when=turn.wording.when(moved)),
        entities={"event": event, "span": span},
    )


def _ask_to_cancel(turn: CalendarTurn, event: CalendarEvent) -> PluginResult:
    with_series = turn.is_about_series and bool(event.series)
    return PluginResult(
        question=turn.wording.render("ask_cancel", **turn.describe(event), with_series=with_series),
        entities={"event": event},
    )


async def _ask_about_one(
    turn: CalendarTurn, found: Sequence[CalendarEvent], ask: Callable[[CalendarTurn, CalendarEvent], PluginResult]
) -> PluginResult:
    if not found:
        return turn.fail("no_such_event", title=turn.wording.title(turn.title) if turn.title else "")
    if len(found) > 1:
        options = {turn.wording.named(event): {"event": event} for event in found[:MAX_OPTIONS]}
        return PluginResult(question=turn.wording.render("which", names=list(options)), options=options)
    if not found[0].calendar.is_writable:
        return turn.fail("read_only", **turn.describe(found[0]))
    if not turn.may_change(turn.reader.find_account(found[0].calendar)):
        return turn.fail("not_from_here")
    return ask(turn, found[0])


async def _find_meant(turn: CalendarTurn, day: date | None, clock: time | None) -> Sequence[CalendarEvent]:
    """Return the events that may be meant, of a series the next occurrence; one that was chosen is the only one."""
    if isinstance(chosen := turn.entities.get("event"), CalendarEvent):
        return [chosen]
    events = await turn.get_events(turn.get_span_ahead(day))
    if turn.title:
        events = agenda.find_named(events, turn.title)
    if clock is not None:
        face = times.on_face(clock)
        events = [event for event in events if times.on_face(event.span.start.time()) == face]
    return agenda.keep_first_of_series(events)


async def _find_calendars(turn: CalendarTurn, accounts: Sequence[CalendarAccount]) -> list[Calendar]:
    """Return the calendars that may be meant for a new event: the chosen one, those that were named, or the main ones."""
    if isinstance(chosen := turn.entities.get("into"), Calendar):
        return [chosen]
    if said := str(turn.entities.get("calendar") or ""):
        calendars = await turn.reader.get_calendars(accounts)
        return agenda.find_calendars([one for one in calendars if one.is_writable], said)
    preferred = find_preferred(accounts)
    calendars = await turn.reader.get_calendars(preferred)
    own = [[one for one in calendars if one.service == account.service] for account in preferred]
    found = [account.find_new_event_calendar(some) for account, some in zip(preferred, own, strict=True)]
    return [one for one in found if one is not None]


def find_preferred(accounts: Sequence[CalendarAccount]) -> Sequence[CalendarAccount]:
    """Return the accounts for new events: the person's own before those of the house, and of these the ones with `add_to`."""
    own = [account for account in accounts if account.is_own] or accounts
    return [account for account in own if account.add_to] or own


def _find_first_day(turn: CalendarTurn) -> date:
    """Return the day of a new event, of one that repeats the first day that is still to come."""
    days, today = turn.entities.get("days", ()), turn.now.date()
    if not days:
        return turn.day() or _find_day_of_time(turn, today)
    ahead = [today + timedelta(days=offset) for offset in range(8)]
    return next(day for day in ahead if day.weekday() in days and (day > today or _is_to_come(turn, day)))


def _find_day_of_time(turn: CalendarTurn, today: date) -> date:
    """Return the day of a time without a date: today, or tomorrow if it is over."""
    return today if _is_to_come(turn, today) else today + timedelta(days=1)


def _is_to_come(turn: CalendarTurn, day: date) -> bool:
    clock = turn.clock("from_time", day) or turn.clock("time", day)
    return clock is None or times.at(day, clock, turn.now.tzinfo).timestamp() > turn.now.timestamp()


def _find_moved_span(turn: CalendarTurn, event: CalendarEvent, day: date) -> Span:
    """Return the new span of an event, which keeps its length, and its time of day without a new one."""
    clock = turn.clock("time", day)
    if event.is_all_day and clock is None:
        length = event.span.end.date() - event.span.start.date()
        return times.days_span(day, length.days, turn.now.tzinfo)
    begins = times.at(day, clock or event.span.start.time(), turn.now.tzinfo)
    return Span(begins, times.later(begins, times.DEFAULT_DURATION if event.is_all_day else event.span.length))


def _describe_length(turn: CalendarTurn, new: NewEvent) -> str:
    return "" if new.is_all_day else turn.wording.length(new.span)
