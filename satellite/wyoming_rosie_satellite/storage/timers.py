"""Timer rules: the conductor's timer events in, the changes that follow from them out, as Wyoming events.

Times are seconds of a clock that is never set; a timer ends here at its time whether its conductor is there or not.
"""

from collections.abc import Iterable

from wyoming.event import Event
from wyoming.timer import TimerFinished

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.timers.timer import Timer, find_expired, next_deadline

MAX_TIMERS = 1_000
MAX_SECONDS = 31 * 86_400.0
MAX_TEXT_CHARACTERS = 128
STARTED, UPDATED, CANCELLED, FINISHED = "timer-started", "timer-updated", "timer-cancelled", "timer-finished"
EVENTS = frozenset({STARTED, UPDATED, CANCELLED, FINISHED})


class Timers:
    """All timers of a satellite, and which of them have rung: the conductor may report those once more."""

    def __init__(self, running: Iterable[Timer] = (), rung: Iterable[str] = ()) -> None:
        self._running = {timer.id: timer for timer in running}
        self._rung = dict.fromkeys(rung)

    @property
    def running(self) -> tuple[Timer, ...]:
        """The timers, oldest first."""
        return tuple(self._running.values())

    @property
    def rung(self) -> tuple[str, ...]:
        return tuple(self._rung)

    @property
    def next_deadline(self) -> float | None:
        return next_deadline(self.running)

    def apply(self, event: Event, now: float) -> list[Event]:
        """Apply an event of the conductor; return the events of what changed. Raises BadEventError."""
        name = _fields(event).text("id", 1, MAX_TEXT_CHARACTERS)
        match event.type:
            case "timer-started":
                return self._start(event, name, now)
            case "timer-updated":
                return self._update(event, name, now)
            case "timer-cancelled":
                return [event] if self._running.pop(name, None) else []
            case "timer-finished":
                return self._finish(name)
        raise BadEventError(f"'{event.type}' is not about a timer")

    def finish_expired(self, now: float) -> list[Event]:
        """Finish the timers that have ended by now; return an event for each."""
        return [event for timer in find_expired(self.running, now) for event in self._finish(timer.id)]

    def add(self, saved: "Timers") -> None:
        """Add the saved timers that are not here yet."""
        self._running = {timer.id: timer for timer in saved.running if timer.id not in self._rung} | self._running
        self._rung = dict.fromkeys(saved.rung) | self._rung

    def _start(self, event: Event, name: str, now: float) -> list[Event]:
        self._refuse_too_many(name)
        fields = _fields(event)
        seconds = fields.number("total_seconds", 0, MAX_SECONDS)
        self._rung.pop(name, None)
        label = fields.text("name", 1, MAX_TEXT_CHARACTERS) if event.data.get("name") else None
        self._running[name] = Timer(name, seconds, label).with_remaining(seconds, now, is_active=True)
        return [event]

    def _update(self, event: Event, name: str, now: float) -> list[Event]:
        self._refuse_too_many(name)
        fields = _fields(event)
        seconds, is_active = fields.number("total_seconds", 0, MAX_SECONDS), fields.boolean("is_active")
        self._rung.pop(name, None)
        known = self._running.get(name, Timer(name, seconds))
        self._running[name] = known.with_remaining(seconds, now, is_active=is_active)
        return [event]

    def _finish(self, name: str) -> list[Event]:
        self._running.pop(name, None)
        if name in self._rung:
            return []
        if len(self._rung) == MAX_TIMERS:
            del self._rung[next(iter(self._rung))]
        self._rung[name] = None
        return [TimerFinished(id=name).event()]

    def _refuse_too_many(self, name: str) -> None:
        if name not in self._running and len(self._running) >= MAX_TIMERS:
            raise BadEventError(f"there are {MAX_TIMERS} timers already; cancel one first", "too-many-timers")


def _fields(event: Event) -> Fields:
    return Fields(event.data, lambda reason: BadEventError(f"a timer's {reason}"))
