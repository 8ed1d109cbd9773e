"""Rules about events: which are on, which is next, which is meant, and what time is left; pure functions."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span

_MIN_SIMILARITY = 80.0
"""Of two titles that differ by what speech recognition mishears, of 100; "dentist" and "dennis" have 77."""

_MIN_STEM = 5
"""Letters of a word that may begin a longer one."""


def select(events: Iterable[CalendarEvent], span: Span) -> list[CalendarEvent]:
    """Return the events within a span, those of whole days first on their day; one in two calendars counts once."""
    found: dict[tuple[object, ...], CalendarEvent] = {}
    for event in events:
        if event.span.overlaps(span):
            found.setdefault((event.title.casefold(), event.span, event.is_all_day), event)
    return sorted(found.values(), key=_order)


def find_next(events: Iterable[CalendarEvent], now: datetime) -> CalendarEvent | None:
    """Return the event that begins next."""
    return min((event for event in events if event.span.start.timestamp() > now.timestamp()), key=_order, default=None)


def find_named(events: Iterable[CalendarEvent], title: str) -> list[CalendarEvent]:
    """Return the events whose titles are what was said, else those that have all its words, else similar ones."""
    said, listed = _words(title), list(events)
    if not said:
        return []
    exact = [event for event in listed if _words(event.title) == said]
    containing = [event for event in listed if _contains(_words(event.title), said)]
    return exact or containing or [event for event in listed if _is_similar(_words(event.title), said)]


def keep_first_of_series(events: Sequence[CalendarEvent]) -> list[CalendarEvent]:
    """Return the events with only the first occurrence of each series."""
    found: dict[str, CalendarEvent] = {}
    for event in events:
        found.setdefault(event.series or f"{event.calendar.id} {event.id}", event)
    return list(found.values())


def merge_busy(events: Iterable[CalendarEvent], span: Span) -> list[Span]:
    """Return the times within a span that are taken, in order and apart from each other."""
    merged: list[Span] = []
    taken = (event.span for event in events if event.is_busy and not event.span.is_empty and event.span.overlaps(span))
    for one in sorted(taken, key=lambda busy: busy.timestamps):
        start = max(one.start, span.start, key=datetime.timestamp)
        end = min(one.end, span.end, key=datetime.timestamp)
        if merged and start.timestamp() <= merged[-1].end.timestamp():
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, end, key=datetime.timestamp))
        else:
            merged.append(Span(start, end))
    return merged


def find_free(events: Iterable[CalendarEvent], span: Span, least: timedelta) -> list[Span]:
    """Return the times within a span that nothing takes and that are long enough."""
    busy = merge_busy(events, span)
    starts = [span.start, *(one.end for one in busy)]
    ends = [*(one.start for one in busy), span.end]
    free = [Span(start, end) for start, end in zip(starts, ends, strict=True)]
    return [one for one in free if not one.is_empty and one.length >= least]


def find_conflicts(events: Iterable[CalendarEvent], new: NewEvent) -> list[CalendarEvent]:
    """Return the events at the time of a new one."""
    return [event for event in select(events, new.span) if event.is_busy and not event.is_all_day]


def select_calendars(calendars: Sequence[Calendar], names: Sequence[str]) -> list[Calendar]:
    """Return the calendars with the names, in the order of the names; all of them without names."""
    if not names:
        return list(calendars)
    by_name = {calendar.name.casefold(): calendar for calendar in reversed(calendars)}
    return [by_name[name.casefold()] for name in names if name.casefold() in by_name]


def find_calendars(calendars: Sequence[Calendar], said: str) -> list[Calendar]:
    """Return the calendars that may be meant: those of that name, else those with one of its words, else similar ones."""
    words = _words(said)
    exact = [calendar for calendar in calendars if _words(calendar.name) == words]
    found = exact or [calendar for calendar in calendars if set(words) & set(_words(calendar.name))]
    return found or [calendar for calendar in calendars if _is_similar(_words(calendar.name), words)]


def _order(event: CalendarEvent) -> tuple[object, ...]:
    return event.span.start.timestamp(), not event.is_all_day, event.span.end.timestamp(), event.title


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _contains(title: Sequence[str], said: Sequence[str]) -> bool:
    """Return whether each word is in a title, also within a compound: "Zahnarzttermin" is "Zahnarzt"."""
    return all(any(_is_same_word(word, other) for other in title) for word in said)


def _is_same_word(word: str, other: str) -> bool:
    shorter, longer = sorted((word, other), key=len)
    return word == other or (len(shorter) >= _MIN_STEM and longer.startswith(shorter))


def _is_similar(title: Sequence[str], said: Sequence[str]) -> bool:
    from rapidfuzz import fuzz

    return fuzz.ratio(" ".join(title), " ".join(said)) >= _MIN_SIMILARITY
