"""Dates and times of day that a sentence names, as pure functions of its slots and the time now."""

import calendar
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from wyoming_rosie.timers.timer import at_time, next_repetition

WEEKDAY_SETS = {"weekdays": (0, 1, 2, 3, 4), "weekend": (5, 6), "daily": (0, 1, 2, 3, 4, 5, 6)}
"""Days on which an alarm repeats; Monday is 0."""
TIME_SLOTS = frozenset({"clock", "part", "hour", "minute", "offset", "ahead", "to", "named"})
"""Slots of a time of day."""
REMINDER_TIME = time(9)
"""Of a reminder for a day without a time."""
_REMINDER_TIMES = {"pm": time(15), "afternoon": time(15), "evening": time(19), "night": time(21)}
"""Of a reminder for a part of a day."""
_DAY_BEGINS, _DAY_ENDS = time(7), time(19)
"""What is planned for an hour of a clock's face is within these, as appointments and reminders usually are."""
_NOON = 12
_EVENING_HOUR = 5
"""Earliest hour that "in the evening" may mean."""
_MONTHS = 12


def find_date(slots: Mapping[str, object], today: date, *, is_past: bool = False) -> date | None:
    """Return the date that the slots name: the next one, or the last one with `is_past`. None if there is none such."""
    if "relative" in slots:
        return today + timedelta(days=_integer(slots["relative"]))
    if "weekday" in slots:
        return _find_weekday(slots, today, is_past=is_past)
    if slots.get("holiday") == "easter":
        return _select([_easter(year) for year in _years(slots, today)], today, is_past=is_past)
    month, day = _month_and_day(slots)
    if day is None:
        return None
    found = _candidates(_years(slots, today), month, day)
    return _select(found, today, is_past=is_past) if "year" not in slots else next(iter(found), None)


def find_time(slots: Mapping[str, object], now: datetime, day: date | None) -> time | None:
    """Return the time of day; without a part of the day "seven" is the next seven o'clock on today's clock.

    On another day an hour is that of the 24-hour clock, until `choose_half` decides. None if there is no such time.
    """
    minutes = _minutes_of_day(slots)
    if minutes is None or not 0 <= minutes < 24 * 60 + 1:
        return None
    minutes %= 24 * 60
    is_ambiguous = "part" not in slots and 60 <= minutes < 13 * 60
    passed = now.hour * 60 + now.minute >= minutes
    if is_ambiguous and day == now.date() and passed and minutes < _NOON * 60:
        minutes += _NOON * 60
    return time(minutes // 60, minutes % 60)


def is_on_face(slots: Mapping[str, object]) -> bool:
    """Return whether the slots name a time as a clock's face shows it, which may be in either half of the day."""
    minutes = _minutes_of_day(slots)
    return minutes is not None and "part" not in slots and "named" not in slots and 60 <= minutes < (_NOON + 1) * 60


def choose_half(clock: time, *, is_ambiguous: bool, after: time | None = None) -> time:
    """Return the time of day that "at three" means: by day rather than at night, and on the day itself still to come."""
    if not is_ambiguous:
        return clock
    early = clock.replace(hour=clock.hour % _NOON)
    halves = (early, early.replace(hour=early.hour + _NOON))
    coming = [half for half in halves if after is None or half > after] or [halves[1]]
    return next((half for half in coming if _DAY_BEGINS <= half < _DAY_ENDS), coming[0])


def next_alarm(slots: Mapping[str, object], now: datetime) -> datetime | None:
    """Return the first time of an alarm after `now`, in the same time zone; None if there is no such time.

    An hour of another day is in the morning for who wants to be woken, and by day for a reminder.
    """
    days = repeated_days(slots)
    day = None if days else find_date(slots, now.date())
    has_day = not days and _names_day(slots)
    if has_day and day is None:
        return None
    is_whole_day = (has_day or days) and _is_whole_day_reminder(slots)
    default = _REMINDER_TIMES.get(str(slots.get("part")), REMINDER_TIME)
    at = default if is_whole_day else find_time(slots, now, day)
    if at is None:
        return None
    if slots.get("alarm") == "reminder" and (days or (has_day and day != now.date())):
        at = choose_half(at, is_ambiguous=is_on_face(slots))
    if days:
        return next_repetition(now, at, days)
    if has_day and day is not None:
        found = at_time(day, at, now)
        return found if _is_after(found, now) else None
    return _next_on_clock(slots, at, now)


def _is_whole_day_reminder(slots: Mapping[str, object]) -> bool:
    return slots.get("alarm") == "reminder" and slots.keys().isdisjoint(TIME_SLOTS - {"part"})


def repeated_days(slots: Mapping[str, object]) -> tuple[int, ...]:
    """Return the weekdays of a repeated alarm; none for an alarm that rings once."""
    if "every" in slots:
        return (_integer(slots["every"]),)
    return WEEKDAY_SETS.get(str(slots.get("repeat")), ())


def _next_on_clock(slots: Mapping[str, object], at: time, now: datetime) -> datetime:
    """Return the next time that a clock shows `at`; "wake me at seven" is the next morning."""
    found = at_time(now.date(), at, now)
    wakes, is_exact = slots.get("alarm") == "wake", "part" in slots or at.hour == 0 or at.hour > _NOON
    if not is_exact and not wakes and not _is_after(found, now):
        later = found + timedelta(hours=_NOON)
        found = later if at.hour < _NOON and _is_after(later, now) else found
    return found if _is_after(found, now) else at_time(now.date() + timedelta(days=1), at, now)


def _is_after(moment: datetime, now: datetime) -> bool:
    return moment.timestamp() > now.timestamp()


def _names_day(slots: Mapping[str, object]) -> bool:
    return not slots.keys().isdisjoint({"relative", "weekday", "holiday", "day"})


def _minutes_of_day(slots: Mapping[str, object]) -> int | None:
    """Return minutes after midnight, or None if these are no time of day."""
    if "named" in slots:
        return _integer(slots["named"])
    hour, minute = _clock(slots)
    if hour is None or minute is None or not 0 <= minute < 60 or not 0 <= hour <= 24:
        return None
    hour = _add_part(hour, str(slots.get("part", "")))
    ahead, sign = _whole(slots.get("ahead", 0)), -1 if "to" in slots else 1
    return (
        None
        if ahead is None or not 0 <= ahead < 60
        else hour * 60 + minute + sign * ahead + _integer(slots.get("offset", 0))
    )


def _clock(slots: Mapping[str, object]) -> tuple[int | None, int | None]:
    if "clock" in slots:
        return divmod(_integer(slots["clock"]), 60)
    return _whole(slots.get("hour")), _whole(slots.get("minute", 0))


def _add_part(hour: int, part: str) -> int:
    """Return the hour on the 24-hour clock: 7 in the evening is 19."""
    if part in {"am", "morning"}:
        return hour % _NOON if hour == _NOON else hour
    if part == "night":
        return 0 if hour == _NOON else hour + _NOON if _EVENING_HOUR < hour < _NOON else hour
    if part in {"pm", "afternoon", "evening"}:
        return (
            hour + _NOON
            if hour < _NOON
            else hour
            if part == "pm" or hour > _NOON
            else 24
            if part == "evening"
            else hour
        )
    return hour


def _find_weekday(slots: Mapping[str, object], today: date, *, is_past: bool) -> date:
    """Return the next such weekday after today, or the last one."""
    ahead = (_integer(slots["weekday"]) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead - 7 if is_past and ahead < 7 else -7 if is_past else ahead)


def _month_and_day(slots: Mapping[str, object]) -> tuple[int | None, int | None]:
    if "holiday" in slots:
        month, day = str(slots["holiday"]).split("-")
        return int(month), int(day)
    return (_integer(slots["month"]) if "month" in slots else None), _whole(slots.get("day"))


def _years(slots: Mapping[str, object], today: date) -> tuple[int, ...]:
    year = _whole(slots.get("year"))
    return tuple(range(today.year - 4, today.year + 5)) if year is None else (year,)


def _candidates(years: tuple[int, ...], month: int | None, day: int) -> list[date]:
    """Return the dates with that day, of one month or of all."""
    months = [one for one in range(1, _MONTHS + 1) if month in {None, one}]
    return [
        date(year, one, day)
        for year in years
        if 1 <= year <= 9998
        for one in months
        if 1 <= day <= calendar.monthrange(year, one)[1]
    ]


def _select(found: list[date], today: date, *, is_past: bool) -> date | None:
    if is_past:
        return max((day for day in found if day <= today), default=None)
    return min((day for day in found if day >= today), default=None)


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    offset = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * offset) // 451
    month, day = divmod(h + offset - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and float(value).is_integer() else None


def _integer(value: object) -> int:
    return int(float(str(value)))
