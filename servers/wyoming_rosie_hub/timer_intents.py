"""What people say about timers, carried out on the timers: (timers, intent, now) -> (timers, events, answer)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from wyoming_rosie_hub.timers import Timer, Timers, Wanted, spoken, status

LONGEST_SECONDS = 24 * 3600
MOST_TIMERS = 32
Slots: TypeAlias = Mapping[str, object]


@dataclass(frozen=True)
class Outcome:
    """The timers afterwards, events for the satellite, and the sentence to speak."""

    timers: Timers
    events: tuple[Event, ...]
    answer: str


@dataclass(frozen=True)
class Request:
    """One spoken request: its slots, who asked, and an identifier should a timer begin."""

    slots: Slots
    satellite_id: str
    new_id: str
    now: float  # seconds since the epoch


def carry_out(intent: str, timers: Timers, request: Request) -> Outcome | None:
    """Return what becomes of the timers, or None when the intent is not about timers."""
    action = _ACTIONS.get(intent)
    return action(timers, request) if action else None


def finished(timer: Timer) -> Event:
    """Return the event that lets a satellite ring."""
    return TimerFinished(id=timer.id).event()


def _start(timers: Timers, request: Request) -> Outcome:
    seconds = _seconds(request.slots)
    if not seconds:
        return _only_said(timers, "For how long should the timer run?")
    if seconds > LONGEST_SECONDS:
        return _only_said(timers, "A timer can run for 24 hours at most.")
    if len(timers.all) >= MOST_TIMERS:
        return _only_said(timers, f"There are {len(timers.all)} timers already. Cancel one first.")
    name = _name(request.slots)
    timer = Timer(request.new_id, request.satellite_id, seconds, name, request.now + seconds)
    begun = TimerStarted(id=timer.id, total_seconds=round(seconds), name=name)
    length = f" for {spoken(seconds)}" if name else ""
    return Outcome(timers.started(timer), (begun.event(),), f"{timer.label.capitalize()} started{length}.")


def _cancel(timers: Timers, request: Request) -> Outcome:
    return _with_one(timers, request, lambda timer: _cancelled(timers, (timer,), f"The {timer.label} is cancelled."))


def _cancel_all(timers: Timers, request: Request) -> Outcome:
    mine = timers.of(request.satellite_id).all or timers.all
    if not mine:
        return _only_said(timers, "There are no timers.")
    count = "The timer is" if len(mine) == 1 else f"All {len(mine)} timers are"
    return _cancelled(timers, mine, f"{count} cancelled.")


def _pause(timers: Timers, request: Request) -> Outcome:
    def pause(timer: Timer) -> Outcome:
        return _changed(timers, timer.paused(request.now), request, f"The {timer.label} is paused.")

    return _with_one(timers, request, pause, [timer for timer in timers.all if timer.is_active])


def _resume(timers: Timers, request: Request) -> Outcome:
    def resume(timer: Timer) -> Outcome:
        return _changed(timers, timer.resumed(request.now), request, f"The {timer.label} goes on.")

    return _with_one(timers, request, resume, [timer for timer in timers.all if not timer.is_active])


def _lengthen(timers: Timers, request: Request, sign: int) -> Outcome:
    seconds = _seconds(request.slots)

    def change(timer: Timer) -> Outcome:
        longer = timer.lengthened(sign * seconds, request.now)
        return _changed(timers, longer, request, f"{spoken(longer.seconds_left(request.now)).capitalize()} left now.")

    return _with_one(timers, request, change)


def _status(timers: Timers, request: Request) -> Outcome:
    meant = _meant(timers, request)
    if not meant and timers.all:
        return _only_said(timers, "There is no such timer.")
    return _only_said(timers, status(meant, request.now))


def _with_one(
    timers: Timers, request: Request, act: Callable[[Timer], Outcome], among: list[Timer] | None = None
) -> Outcome:
    possible = Timers(timers.all if among is None else tuple(among))
    meant = _meant(possible, request)
    if not timers.all:
        return _only_said(timers, "There are no timers.")
    if not meant:
        return _only_said(timers, "There is no such timer.")
    if len(meant) > 1:
        labels = ", ".join(timer.label for timer in meant)
        return _only_said(timers, f"Which one? There are {len(meant)} timers: {labels}.")
    return act(meant[0])


def _meant(timers: Timers, request: Request) -> tuple[Timer, ...]:
    wanted = Wanted(_name(request.slots), _seconds(request.slots, "start_") or None)
    matching = timers.matching(wanted)
    # Whoever speaks in the kitchen means the kitchen's timer when there is one.
    return Timers(matching).of(request.satellite_id).all or matching


def _cancelled(timers: Timers, gone: tuple[Timer, ...], answer: str) -> Outcome:
    return Outcome(timers.without(*gone), tuple(TimerCancelled(id=timer.id).event() for timer in gone), answer)


def _changed(timers: Timers, new: Timer, request: Request, answer: str) -> Outcome:
    left = round(new.seconds_left(request.now))
    updated = TimerUpdated(id=new.id, is_active=new.is_active, total_seconds=left)
    return Outcome(timers.changed(new), (updated.event(),), answer)


def _only_said(timers: Timers, answer: str) -> Outcome:
    return Outcome(timers, (), answer)


def _seconds(slots: Slots, prefix: str = "") -> float:
    total = 0.0
    for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        value = slots.get(prefix + unit, 0)
        total += float(value) * seconds if isinstance(value, (int, float)) else 0.0
    return total


def _name(slots: Slots) -> str | None:
    name = slots.get("name")
    return name.strip() or None if isinstance(name, str) else None


_ACTIONS: dict[str, Callable[[Timers, Request], Outcome]] = {
    "HassStartTimer": _start,
    "HassCancelTimer": _cancel,
    "HassCancelAllTimers": _cancel_all,
    "HassPauseTimer": _pause,
    "HassUnpauseTimer": _resume,
    "HassIncreaseTimer": lambda timers, request: _lengthen(timers, request, 1),
    "HassDecreaseTimer": lambda timers, request: _lengthen(timers, request, -1),
    "HassTimerStatus": _status,
}
