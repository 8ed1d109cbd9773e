"""Timers as pure rules: what is running, who asked for it, what to say about it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Timer:
    """One timer; `ends_at` is seconds since the epoch, since timers outlive the hub; None while it is paused."""

    id: str
    satellite_id: str
    seconds: float  # as it was asked for, with what was added since
    name: str | None
    ends_at: float | None
    left_when_paused: float = 0.0

    def seconds_left(self, now: float) -> float:
        return self.left_when_paused if self.ends_at is None else max(0.0, self.ends_at - now)

    @property
    def is_active(self) -> bool:
        return self.ends_at is not None

    def paused(self, now: float) -> "Timer":
        return replace(self, left_when_paused=self.seconds_left(now), ends_at=None)

    def resumed(self, now: float) -> "Timer":
        return replace(self, ends_at=now + self.seconds_left(now)) if self.ends_at is None else self

    def lengthened(self, seconds: float, now: float) -> "Timer":
        """Return the timer with more seconds, or fewer when negative, though never less than none left."""
        change = max(seconds, -self.seconds_left(now))
        longer = replace(self, seconds=self.seconds + change)
        if self.ends_at is None:
            return replace(longer, left_when_paused=self.left_when_paused + change)
        return replace(longer, ends_at=self.ends_at + change)

    @property
    def label(self) -> str:
        """How people call it: "pizza timer" or "5 minute timer"."""
        return f"{self.name} timer" if self.name else f"{_adjective(self.seconds)} timer"


@dataclass(frozen=True)
class Wanted:
    """Which timer is meant: by name, by its length, or the only one."""

    name: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Timers:
    """All timers of the house, oldest first."""

    all: tuple[Timer, ...] = ()

    def of(self, satellite_id: str) -> "Timers":
        return Timers(tuple(timer for timer in self.all if timer.satellite_id == satellite_id))

    def started(self, timer: Timer) -> "Timers":
        return Timers((*self.all, timer))

    def without(self, *gone: Timer) -> "Timers":
        ids = {timer.id for timer in gone}
        return Timers(tuple(timer for timer in self.all if timer.id not in ids))

    def changed(self, new: Timer) -> "Timers":
        return Timers(tuple(new if timer.id == new.id else timer for timer in self.all))

    def matching(self, wanted: Wanted) -> tuple[Timer, ...]:
        """Return the timers that may be meant; all when nothing was said of them."""
        named = [timer for timer in self.all if wanted.name is None or _same(timer.name, wanted.name)]
        return tuple(timer for timer in named if wanted.seconds is None or timer.seconds == wanted.seconds)

    def due(self, now: float) -> tuple[Timer, ...]:
        return tuple(timer for timer in self.all if timer.ends_at is not None and timer.ends_at <= now)

    def next_due(self) -> float | None:
        return min((timer.ends_at for timer in self.all if timer.ends_at is not None), default=None)


def spoken(seconds: float) -> str:
    """Return a duration in words: "1 hour and 5 minutes"."""
    return _joined([f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in _parts(seconds)]) or "0 seconds"


def status(timers: Iterable[Timer], now: float) -> str:
    """Return a sentence about how much time is left on each timer."""
    lines = [_status(timer, now) for timer in timers]
    return " ".join(lines) or "There are no timers."


def _status(timer: Timer, now: float) -> str:
    left = spoken(timer.seconds_left(now))
    if timer.is_active:
        return f"{left.capitalize()} left on the {timer.label}."
    return f"The {timer.label} is paused with {left} left."


def _adjective(seconds: float) -> str:
    return _joined([f"{count} {unit}" for count, unit in _parts(seconds)]) or "0 second"


def _parts(seconds: float) -> list[tuple[int, str]]:
    whole = round(seconds)
    amounts = (whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second")
    return [(count, unit) for count, unit in amounts if count]


def _joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _same(name: str | None, wanted: str) -> bool:
    return name is not None and name.casefold() == wanted.casefold()
