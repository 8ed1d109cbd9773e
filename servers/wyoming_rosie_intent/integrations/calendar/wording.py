"""Answers about events, in the words of a language: days, times, and titles in quotation marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wyoming_rosie.text import durations
from wyoming_rosie.text.sentences import get_entry
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.accounts import CalendarAccount
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span, clean_title
from wyoming_rosie_intent.integrations.calendar.times import Period
from wyoming_rosie_intent.plugins.texts import PluginTexts

MAX_LISTED = 8
"""Events of one answer; the others are counted."""
MAX_NAMED = 3
"""Calendars of an account that are named."""


@dataclass(frozen=True)
class Wording:
    """The words for one turn. Without `shows_titles`, events are only "busy"."""

    texts: PluginTexts
    language: str
    now: datetime
    shows_titles: bool = True

    def render(self, key: str, **values: object) -> str:
        return self.texts.render(key, self.language, **values)

    def day(self, day: date) -> str:
        """Return a day as "today", or "on Friday, December 4"; the year only if it is another one."""
        ahead = (day - self.now.date()).days
        if ahead in {0, 1}:
            return self.render("tomorrow" if ahead else "today")
        return self.render(
            "day",
            weekday=get_entry("alarms.weekdays", self.language)[day.weekday()],
            month=get_entry("alarms.months", self.language)[day.month - 1],
            day=day.day,
            year="" if day.year == self.now.year or 0 < ahead < 31 else day.year,
        )

    def clock(self, moment: datetime) -> str:
        return moment.strftime(get_entry("alarms.time", self.language)).removesuffix(" 00")

    def moment(self, moment: datetime) -> str:
        return self.render("moment", day=self.day(moment.date()), time=self.clock(moment))

    def when(self, event: CalendarEvent | NewEvent) -> str:
        """Return day and time of an event."""
        if not event.is_all_day:
            return self.moment(event.span.start)
        last = event.span.end.date() - timedelta(days=1)
        if last <= event.span.start.date():
            return self.day(event.span.start.date())
        return self.render("days", first=self.day(event.span.start.date()), last=self.day(last))

    def title(self, text: str) -> str:
        """Return a title as a quotation; its words are not ours."""
        return self.render("title", title=clean_title(text)) if clean_title(text) else self.render("untitled")

    def calendar(self, calendar: Calendar, others: Sequence[Calendar]) -> str:
        """Return the name of a calendar that no other has, with that of its service where needed."""
        is_unique = [one.name for one in others].count(calendar.name) == 1
        return self.title(calendar.name) if is_unique else f"{self.title(calendar.name)}, {calendar.service}"

    def unread(self, accounts: Iterable[CalendarAccount]) -> str:
        """Return which calendars could not be read: their names, or that of the service if these are not known or many."""
        names: list[str] = []
        for account in accounts:
            known = account.calendars or account.names
            names += known if 0 < len(known) <= MAX_NAMED else [account.service]
        return self.render("unread", names=[self.title(name) for name in names])

    def named(self, event: CalendarEvent | NewEvent) -> str:
        """Return title, day and time of an event."""
        return self.render("named", title=self._name(event), when=self.when(event))

    def length(self, span: Span) -> str:
        return durations.format_duration(span.length.total_seconds(), self.language)

    def period(self, day: date | None, period: Period | None) -> str:
        """Return the span that was asked for, in words."""
        named = self.render(f"in_{period}") if period else ""
        if day is not None or not named:
            day_name = self.day(day or self.now.date())
            return self.render("part", day=day_name, part=named) if named else day_name
        return named

    def agenda(self, events: Sequence[CalendarEvent], span: Span) -> str:
        """Return a sentence for each day with events in a span."""
        by_day: dict[date, list[str]] = {}
        for event in events[:MAX_LISTED]:
            day = max(event.span.start, span.start).date()
            by_day.setdefault(day, []).append(self._entry(event, day))
        sentences = [self.render("agenda", day=self.day(day), events=said) for day, said in by_day.items()]
        if more := len(events) - MAX_LISTED:
            sentences += [self.render("more", count=more)] if more > 0 else []
        return " ".join(sentences)

    def taken(self, busy: Sequence[Span]) -> str:
        """Return the times that are taken, without any title."""
        by_day: dict[date, list[str]] = {}
        for one in busy[:MAX_LISTED]:
            by_day.setdefault(one.start.date(), []).append(self._taken_time(one))
        return " ".join(self.render("agenda", day=self.day(day), events=said) for day, said in by_day.items())

    def times(self, spans: Sequence[Span]) -> list[str]:
        return [self.render("between", start=self.clock(one.start), end=self.clock(one.end)) for one in spans]

    def _name(self, event: CalendarEvent | NewEvent) -> str:
        return self.title(event.title) if self.shows_titles else self.render("busy_event")

    def _entry(self, event: CalendarEvent, day: date) -> str:
        """Return an event among those of a day."""
        name = self._name(event)
        if event.is_all_day:
            return self.render("entry_all_day", title=name)
        if event.span.start.date() < day:
            return self.render("entry_until", title=name, end=self._end(event.span.end, day))
        return self.render("entry", title=name, time=self.clock(event.span.start))

    def _end(self, end: datetime, day: date) -> str:
        return self.clock(end) if end.date() == day else self.moment(end)

    def _taken_time(self, busy: Span) -> str:
        if busy == times.days_span(busy.start.date(), 1, busy.start.tzinfo):
            return self.render("busy_all_day")
        return self.render("busy", start=self.clock(busy.start), end=self._end(busy.end, busy.start.date()))
