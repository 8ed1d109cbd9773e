"""Timer set: all timers of the home as an immutable value, with queries by name, length and area."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, time

from wyoming_rosie.timers.timer import Timer, find_expired, next_deadline, next_repetition

EXPIRY_SECONDS = 3600.0
"""Time after its end for which a timer still rings, or still counts as cancelled, once its satellite reconnects."""
MAX_CANCELLED = 64
MAX_DELAY_SECONDS = 300.0
"""How late a command is still carried out, as after a restart of the hub."""
MAX_CONFIRMED_DELAY_SECONDS = 60.0
"""The same for a command that needed a yes: a door must not be unlocked much later."""
RINGS_AHEAD = 7
"""Times of a repeated alarm that its satellite knows in advance, so that it rings while the hub is away."""
_MIN_STEM_LETTERS = 3
_MAX_ENDING_LETTERS = 2


@dataclass(frozen=True)
class DelayedCommand:
    """A command to carry out when its timer ends; `text` is what was said, without the time."""

    text: str
    label: str  # such as "turn off the TV"
    language: str
    confirmed: tuple[str, ...] = ()  # ids of the entities that the user has said yes to
    speaker: str | None = None  # who gave it


@dataclass(frozen=True)
class PresenceTrigger:
    """Somebody's arrival or departure, at which a reminder is due."""

    person: str  # entity id
    leaves: bool  # comes home otherwise
    name: str | None = None  # as it was said; None for the user
    is_possible: bool = False  # whether the person has been on the other side since


@dataclass(frozen=True)
class Alarm:
    """What makes a timer an alarm, which rings at a time of day, or a reminder, which also speaks."""

    language: str
    text: str | None = None  # of a reminder
    days: tuple[int, ...] = ()  # weekdays on which it repeats; Monday is 0
    at: str = ""  # time of day as HH:MM, of an alarm that repeats
    presence: PresenceTrigger | None = None  # of a reminder that has no time yet


@dataclass(frozen=True, kw_only=True)
class HubTimer(Timer):
    """A timer of a satellite. Times are seconds since the epoch, so that they survive a restart.

    `total_seconds` is the requested length, plus what was added since.
    """

    satellite_id: str
    area: str | None = None  # of the satellite
    command: DelayedCommand | None = None  # to carry out instead of ringing
    alarm: Alarm | None = None

    def pause(self, now: float) -> "HubTimer":
        return self.with_remaining(self.seconds_left(now), now, is_active=False)

    def resume(self, now: float) -> "HubTimer":
        return self.with_remaining(self.seconds_left(now), now, is_active=True)

    def add_seconds(self, seconds: float, now: float) -> "HubTimer":
        """Return the timer with more seconds, or fewer if negative, but at least 0 left."""
        change = max(seconds, -self.seconds_left(now))
        longer = replace(self, total_seconds=self.total_seconds + change)
        if self.ends_at is None:
            return replace(longer, left_when_paused=self.left_when_paused + change)
        return replace(longer, ends_at=self.ends_at + change)


@dataclass(frozen=True)
class TimerQuery:
    """Selects timers by name, by length and by area; a field that is None selects all."""

    name: str | None = None
    seconds: float | None = None
    area: str | None = None


@dataclass(frozen=True)
class TimerSet:
    """All timers of the home, oldest first, the recently cancelled ones, and what rang last at each satellite."""

    all: tuple[HubTimer, ...] = ()
    cancelled: tuple[HubTimer, ...] = ()
    rung: tuple[HubTimer, ...] = ()

    def for_satellite(self, satellite_id: str) -> "TimerSet":
        return TimerSet(tuple(timer for timer in self.all if timer.satellite_id == satellite_id))

    @property
    def countdowns(self) -> "TimerSet":
        """The timers that are no alarms, and the cancelled ones."""
        return replace(self, all=tuple(timer for timer in self.all if timer.alarm is None))

    @property
    def alarms(self) -> tuple[HubTimer, ...]:
        """The alarms and reminders, the next one first, those without a time last."""
        alarms = (timer for timer in self.all if timer.alarm is not None)
        return tuple(sorted(alarms, key=lambda timer: math.inf if timer.ends_at is None else timer.ends_at))

    def with_ids(self, ids: Collection[str]) -> "TimerSet":
        return TimerSet(tuple(timer for timer in self.all if timer.id in ids))

    def add(self, timer: HubTimer) -> "TimerSet":
        return replace(self, all=(*self.all, timer))

    def remove(self, *removed: HubTimer) -> "TimerSet":
        ids = {timer.id for timer in removed}
        return replace(self, all=tuple(timer for timer in self.all if timer.id not in ids))

    def cancel(self, *removed: HubTimer) -> "TimerSet":
        """Move timers to the cancelled ones, since their satellites may not know yet."""
        cancelled = (*self.cancelled, *(timer for timer in removed if timer.command is None))
        return replace(self.remove(*removed), cancelled=cancelled[-MAX_CANCELLED:])

    def update(self, changed: HubTimer) -> "TimerSet":
        return replace(self, all=tuple(changed if timer.id == changed.id else timer for timer in self.all))

    def add_rung(self, timer: HubTimer) -> "TimerSet":
        """Remember the timer as the last one that rang at its satellite."""
        others = (other for other in self.rung if other.satellite_id != timer.satellite_id)
        return replace(self, rung=(*others, timer))

    def find_rung(self, satellite_id: str, now: float) -> HubTimer | None:
        """Return what rang last at a satellite, not too long ago."""
        found = (timer for timer in self.rung if timer.satellite_id == satellite_id)
        return next((timer for timer in found if not _is_expired(timer, now)), None)

    def prune(self, now: float) -> "TimerSet":
        """Drop the cancelled timers that no satellite can ring for any more, and what rang too long ago."""
        cancelled, rung = (
            tuple(timer for timer in timers if not _is_expired(timer, now)) for timers in (self.cancelled, self.rung)
        )
        return replace(self, cancelled=cancelled, rung=rung)

    def find(self, query: TimerQuery) -> tuple[HubTimer, ...]:
        """Return the timers that fit a query; all timers fit an empty one."""
        timers = [timer for timer in self.all if query.seconds is None or timer.total_seconds == query.seconds]
        if query.area is not None:  # which may also be a timer's name
            in_area = [timer for timer in timers if matches_name(timer.area, query.area)]
            timers = in_area or [timer for timer in timers if has_name(timer, query.area)]
        return tuple(timer for timer in timers if query.name is None or has_name(timer, query.name))

    def find_expired(self, now: float) -> tuple[HubTimer, ...]:
        return find_expired(self.all, now)

    def next_deadline(self, now: float = 0.0) -> float | None:
        """Return the earliest end after `now`; None if no timer ends later."""
        return next_deadline(self.all, now)


def local_time(seconds: float) -> datetime:
    """Return the wall clock of this machine at a time in seconds since the epoch."""
    return datetime.fromtimestamp(seconds)  # noqa: DTZ006 - naive times follow the summer time of the machine's zone


def rings_of(timer: HubTimer) -> tuple[HubTimer, ...]:
    """Return the timers that the satellite keeps: the timer, or one for each of the next times of a repeated alarm.

    None for a reminder that has no time yet.
    """
    if timer.alarm is not None and timer.alarm.presence is not None:
        return ()
    if timer.alarm is None or not timer.alarm.days or timer.ends_at is None:
        return (timer,)
    rings = [local_time(timer.ends_at)]
    while len(rings) < RINGS_AHEAD:
        rings.append(next_repetition(rings[-1], time.fromisoformat(timer.alarm.at), timer.alarm.days))
    return tuple(
        replace(timer, id=f"{timer.id}-{ring:%Y%m%d}", ends_at=ring.timestamp(), total_seconds=timer.total_seconds)
        for ring in rings
    )


def after_ring(timer: HubTimer, now: float) -> HubTimer | None:
    """Return a repeated alarm with its next time after `now`; None for a timer that has rung for good."""
    if timer.alarm is None or not timer.alarm.days:
        return None
    later = next_repetition(
        local_time(max(now, timer.ends_at or now)), time.fromisoformat(timer.alarm.at), timer.alarm.days
    )
    return replace(timer, ends_at=later.timestamp())


def is_too_late(timer: HubTimer, now: float) -> bool:
    """Return whether it is too late to carry out the timer's command."""
    confirmed = timer.command.confirmed if timer.command else ()
    limit = MAX_CONFIRMED_DELAY_SECONDS if confirmed else MAX_DELAY_SECONDS
    return timer.ends_at is not None and now - timer.ends_at > limit


def has_name(timer: HubTimer, name: str) -> bool:
    """Return whether a name refers to a timer; a delayed command is referred to by some of its words."""
    if timer.command is None:
        return timer.name is not None and _matches_stem(_normalize(timer.name), _normalize(name))
    command_words = f"{timer.command.text} {timer.command.label}".casefold().split()
    return all(word in command_words for word in name.casefold().split())


def matches_name(name: str | None, other: str) -> bool:
    """Return whether two names are equal apart from case, spaces and underscores."""
    return name is not None and _normalize(name) == _normalize(other)


def _matches_stem(name: str, spoken: str) -> bool:
    """Return whether two names differ in their ending at most: "egg" refers to the timer for eggs."""
    short, long = sorted((name, spoken), key=len)
    return name == spoken or (
        len(short) >= _MIN_STEM_LETTERS and long.startswith(short) and len(long) - len(short) <= _MAX_ENDING_LETTERS
    )


def _normalize(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _is_expired(timer: HubTimer, now: float) -> bool:
    return timer.ends_at is not None and timer.ends_at + EXPIRY_SECONDS < now
