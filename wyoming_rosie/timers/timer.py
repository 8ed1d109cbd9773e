"""Timers and alarms of the hub and the satellite: state at a given time, without clock or I/O."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TypeVar

AnyTimer = TypeVar("AnyTimer", bound="Timer")


@dataclass(frozen=True)
class Timer:
    """One timer; `ends_at` is None while it is paused. All times are seconds of one clock, which the caller chooses."""

    id: str
    total_seconds: float
    name: str | None = None
    ends_at: float | None = None
    left_when_paused: float = 0.0

    @property
    def is_active(self) -> bool:
        return self.ends_at is not None

    def seconds_left(self, now: float) -> float:
        return self.left_when_paused if self.ends_at is None else max(0.0, self.ends_at - now)

    def with_remaining(self: AnyTimer, seconds: float, now: float, *, is_active: bool) -> AnyTimer:
        """Return the timer with this many seconds left, running or paused."""
        if is_active:
            return replace(self, ends_at=now + seconds, left_when_paused=0.0)
        return replace(self, ends_at=None, left_when_paused=seconds)


def find_expired(timers: Iterable[AnyTimer], now: float) -> tuple[AnyTimer, ...]:
    """Return the timers that have ended by now, in the order given."""
    return tuple(timer for timer in timers if timer.ends_at is not None and timer.ends_at <= now)


def next_deadline(timers: Iterable[Timer], after: float = -math.inf) -> float | None:
    """Return the earliest end after a time; None if no running timer ends later."""
    ends = (timer.ends_at for timer in timers if timer.ends_at is not None and timer.ends_at > after)
    return min(ends, default=None)


def at_time(day: date, at: time, now: datetime) -> datetime:
    """Return a time of day in the zone of `now`, where one that the clock skips comes after the gap."""
    return datetime.combine(day, at, now.tzinfo)


def next_repetition(now: datetime, at: time, days: Collection[int]) -> datetime:
    """Return the first time after `now` with that time of day, on one of the weekdays; Monday is 0."""
    ahead = (at_time(now.date() + timedelta(days=count), at, now) for count in range(9))
    return next(found for found in ahead if found.weekday() in days and found.timestamp() > now.timestamp())
