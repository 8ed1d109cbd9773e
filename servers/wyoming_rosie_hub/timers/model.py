"""Timers as pure rules: what is running, who asked for it, which one is meant."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from wyoming_rosie.timers import Timer, find_expired, next_deadline

KEPT_SECONDS = 3600.0
"""A timer that ran out longer ago rings no more; so long a satellite that was off may still ring for a cancelled one."""
MOST_GONE = 64
_SHORTEST = 3  # letters of a name that may have another ending
_ENDING = 2


@dataclass(frozen=True)
class LaterCommand:
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
    command: LaterCommand | None = None  # to carry out instead of ringing

    def paused(self, now: float) -> "HubTimer":
        return self.with_remaining(self.seconds_left(now), now, is_active=False)

    def resumed(self, now: float) -> "HubTimer":
        return self.with_remaining(self.seconds_left(now), now, is_active=True)

    def lengthened(self, seconds: float, now: float) -> "HubTimer":
        """Return the timer with more seconds, or fewer if negative, but at least 0 left."""
        change = max(seconds, -self.seconds_left(now))
        longer = replace(self, total_seconds=self.total_seconds + change)
        if self.ends_at is None:
            return replace(longer, left_when_paused=self.left_when_paused + change)
        return replace(longer, ends_at=self.ends_at + change)


@dataclass(frozen=True)
class Wanted:
    """Which timer is meant: by name, by its length, by the room it is in, or the only one."""

    name: str | None = None
    seconds: float | None = None
    area: str | None = None


@dataclass(frozen=True)
class Timers:
    """All timers of the house, oldest first, and those that were cancelled lately."""

    all: tuple[HubTimer, ...] = ()
    gone: tuple[HubTimer, ...] = ()

    def of(self, satellite_id: str) -> "Timers":
        return Timers(tuple(timer for timer in self.all if timer.satellite_id == satellite_id))

    def only(self, ids: Collection[str]) -> "Timers":
        return Timers(tuple(timer for timer in self.all if timer.id in ids))

    def started(self, timer: HubTimer) -> "Timers":
        return replace(self, all=(*self.all, timer))

    def without(self, *done: HubTimer) -> "Timers":
        ids = {timer.id for timer in done}
        return replace(self, all=tuple(timer for timer in self.all if timer.id not in ids))

    def cancelled(self, *some: HubTimer) -> "Timers":
        """Take timers out and remember them: their satellite may not know yet."""
        gone = (*self.gone, *(timer for timer in some if timer.command is None))
        return replace(self.without(*some), gone=gone[-MOST_GONE:])

    def changed(self, new: HubTimer) -> "Timers":
        return replace(self, all=tuple(new if timer.id == new.id else timer for timer in self.all))

    def without_old(self, now: float) -> "Timers":
        """Forget what no satellite can ring for any more."""
        return replace(self, gone=tuple(timer for timer in self.gone if not _is_over(timer, now)))

    def matching(self, wanted: Wanted) -> tuple[HubTimer, ...]:
        """Return the timers that may be meant; all when nothing was said of them."""
        found = [timer for timer in self.all if wanted.seconds is None or timer.total_seconds == wanted.seconds]
        if wanted.area is not None:
            there = [timer for timer in found if same(timer.area, wanted.area)]
            found = there or [timer for timer in found if is_called(timer, wanted.area)]
        return tuple(timer for timer in found if wanted.name is None or is_called(timer, wanted.name))

    def due(self, now: float) -> tuple[HubTimer, ...]:
        return find_expired(self.all, now)

    def next_due(self, now: float = 0.0) -> float | None:
        """Return when the next of those timers ends that have not ended by now."""
        return next_deadline(self.all, now)


def is_called(timer: HubTimer, name: str) -> bool:
    """Tell whether people may call a timer so; a command for later by some of its words."""
    if timer.command is None:
        return timer.name is not None and _is_nearly(_plain(timer.name), _plain(name))
    said = f"{timer.command.text} {timer.command.label}".casefold().split()
    return all(word in said for word in name.casefold().split())


def same(name: str | None, wanted: str) -> bool:
    """Tell whether a name is the one that is wanted, however it is written."""
    return name is not None and _plain(name) == _plain(wanted)


def _is_nearly(name: str, said: str) -> bool:
    """Tell whether two names differ in their endings at most: an egg timer is one for eggs."""
    short, long = sorted((name, said), key=len)
    return name == said or (len(short) >= _SHORTEST and long.startswith(short) and len(long) - len(short) <= _ENDING)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _is_over(timer: HubTimer, now: float) -> bool:
    return timer.ends_at is not None and timer.ends_at + KEPT_SECONDS < now
