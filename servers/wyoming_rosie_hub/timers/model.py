"""Timers as pure rules: what is running, who asked for it, which one is meant."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from wyoming_rosie.timers import Timer, find_expired, next_deadline

EXPIRY_SECONDS = 3600.0
"""A timer that ran out longer ago rings no more; so long a satellite that was off may still ring for a cancelled one."""
MAX_CANCELLED = 64
_MIN_STEM_LETTERS = 3  # letters of a name that may have another ending
_MAX_ENDING_LETTERS = 2


@dataclass(frozen=True)
class DelayedCommand:
    """A command that is carried out when its timer has run out; `text` is what was said without the time."""

    text: str
    label: str  # in words, such as "turn off the TV"
    language: str
    confirmed: tuple[str, ...] = ()  # ids of the things that somebody has said yes to


@dataclass(frozen=True, kw_only=True)
class HubTimer(Timer):
    """A timer with the satellite it belongs to. Times are seconds since the epoch, since timers outlive the hub.

    `total_seconds` is the length that was asked for, with what was added since.
    """

    satellite_id: str
    area: str | None = None  # of the satellite
    command: DelayedCommand | None = None  # to carry out instead of ringing

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
    """Which timer is meant: by name, by its length, by the room it is in, or the only one."""

    name: str | None = None
    seconds: float | None = None
    area: str | None = None


@dataclass(frozen=True)
class TimerSet:
    """All timers of the house, oldest first, and those that were cancelled lately."""

    all: tuple[HubTimer, ...] = ()
    cancelled: tuple[HubTimer, ...] = ()

    def for_satellite(self, satellite_id: str) -> "TimerSet":
        return TimerSet(tuple(timer for timer in self.all if timer.satellite_id == satellite_id))

    def with_ids(self, ids: Collection[str]) -> "TimerSet":
        return TimerSet(tuple(timer for timer in self.all if timer.id in ids))

    def add(self, timer: HubTimer) -> "TimerSet":
        return replace(self, all=(*self.all, timer))

    def remove(self, *removed: HubTimer) -> "TimerSet":
        ids = {timer.id for timer in removed}
        return replace(self, all=tuple(timer for timer in self.all if timer.id not in ids))

    def cancel(self, *removed: HubTimer) -> "TimerSet":
        """Take timers out and remember them: their satellite may not know yet."""
        gone = (*self.cancelled, *(timer for timer in removed if timer.command is None))
        return replace(self.remove(*removed), cancelled=gone[-MAX_CANCELLED:])

    def update(self, new: HubTimer) -> "TimerSet":
        return replace(self, all=tuple(new if timer.id == new.id else timer for timer in self.all))

    def prune(self, now: float) -> "TimerSet":
        """Forget what no satellite can ring for any more."""
        return replace(self, cancelled=tuple(timer for timer in self.cancelled if not _is_expired(timer, now)))

    def find(self, query: TimerQuery) -> tuple[HubTimer, ...]:
        """Return the timers that may be meant; all when nothing was said of them."""
        found = [timer for timer in self.all if query.seconds is None or timer.total_seconds == query.seconds]
        if query.area is not None:
            there = [timer for timer in found if matches_name(timer.area, query.area)]
            found = there or [timer for timer in found if has_name(timer, query.area)]
        return tuple(timer for timer in found if query.name is None or has_name(timer, query.name))

    def find_expired(self, now: float) -> tuple[HubTimer, ...]:
        return find_expired(self.all, now)

    def next_deadline(self, now: float = 0.0) -> float | None:
        """Return when the next of those timers ends that have not ended by now."""
        return next_deadline(self.all, now)


def has_name(timer: HubTimer, name: str) -> bool:
    """Tell whether people may call a timer so; a command for later by some of its words."""
    if timer.command is None:
        return timer.name is not None and _matches_stem(_normalize(timer.name), _normalize(name))
    said = f"{timer.command.text} {timer.command.label}".casefold().split()
    return all(word in said for word in name.casefold().split())


def matches_name(name: str | None, other: str) -> bool:
    """Tell whether a name is the one that is wanted, however it is written."""
    return name is not None and _normalize(name) == _normalize(other)


def _matches_stem(name: str, spoken: str) -> bool:
    """Tell whether two names differ in their endings at most: an egg timer is one for eggs."""
    short, long = sorted((name, spoken), key=len)
    return name == spoken or (
        len(short) >= _MIN_STEM_LETTERS and long.startswith(short) and len(long) - len(short) <= _MAX_ENDING_LETTERS
    )


def _normalize(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _is_expired(timer: HubTimer, now: float) -> bool:
    return timer.ends_at is not None and timer.ends_at + EXPIRY_SECONDS < now
