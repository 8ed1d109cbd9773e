"""What people say about timers, carried out on the timers: (timers, intent, now) -> (timers, events, answer)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from wyoming_rosie_hub.sentences import say
from wyoming_rosie_hub.timers.model import HubTimer, LaterCommand, Timers, Wanted
from wyoming_rosie_hub.timers.responses import TimerWords

LONGEST_SECONDS = 24 * 3600
MOST_TIMERS = 32
ALL = "all"
"""The value of the slot `which` when all timers are meant."""
Slots: TypeAlias = Mapping[str, object]
ForSatellites: TypeAlias = tuple[tuple[str, Event], ...]
"""Events, each with the satellite that it is for."""


@dataclass(frozen=True)
class Question:
    """Which of some timers is meant by an intent."""

    intent: str
    slots: Slots
    among: tuple[str, ...]  # ids


@dataclass(frozen=True)
class Outcome:
    """The timers afterwards, what their satellites are told, the sentence to speak, and what that asks, if anything."""

    timers: Timers
    events: ForSatellites
    answer: str
    question: Question | None = None


@dataclass(frozen=True)
class Request:
    """One spoken request: its slots, who asked, and an identifier should a timer begin."""

    slots: Slots
    satellite_id: str
    new_id: str
    now: float  # seconds since the epoch
    area: str | None = None
    language: str = "en"
    command: LaterCommand | None = None
    present: frozenset[str] = frozenset()  # satellites that can be told something now
    chosen: tuple[str, ...] = ()  # ids of the timers that were chosen among several

    @property
    def words(self) -> TimerWords:
        return TimerWords(self.language, self.now)


def carry_out(intent: str, timers: Timers, request: Request) -> Outcome | None:
    """Return what becomes of the timers, or None when the intent is not about timers."""
    action = _ACTIONS.get(intent)
    return action(intent, timers, request) if action else None


def finished(timer: HubTimer) -> Event:
    """Return the event that lets a satellite ring."""
    return TimerFinished(id=timer.id).event()


def known(timers: Timers, satellite_id: str, now: float) -> tuple[Event, ...]:
    """Return what a satellite that comes back is told: it may have missed anything."""
    gone = [TimerCancelled(id=timer.id).event() for timer in timers.gone if timer.satellite_id == satellite_id]
    running = [
        _updated(timer, now)
        for timer in timers.of(satellite_id).all
        if timer.command is None and (timer.seconds_left(now) or not timer.is_active)
    ]
    return (*gone, *running)


def _start(_intent: str, timers: Timers, request: Request) -> Outcome:
    seconds = _seconds(request.slots)
    if not seconds:
        return _only_said(timers, request, "timers.how_long")
    if seconds > LONGEST_SECONDS:
        return _only_said(timers, request, "timers.too_long")
    if len(timers.all) >= MOST_TIMERS:
        return _only_said(timers, request, "timers.too_many", count=len(timers.all))
    timer = HubTimer(
        id=request.new_id,
        total_seconds=seconds,
        name=_name(request.slots),
        ends_at=request.now + seconds,
        satellite_id=request.satellite_id,
        area=request.area,
        command=request.command,
    )
    begun = TimerStarted(id=timer.id, total_seconds=round(seconds), name=timer.name).event()
    events = ((timer.satellite_id, begun),) if timer.command is None else ()
    key = "started_for" if timer.name and timer.command is None else "started"
    return Outcome(timers.started(timer), events, request.words.about(key, timer))


def _cancel(intent: str, timers: Timers, request: Request) -> Outcome:
    return _with_meant(intent, timers, request, timers.all, _cancelled)


def _cancel_all(_intent: str, timers: Timers, request: Request) -> Outcome:
    meant = _in_area(timers, request)
    if not meant:
        return _only_said(timers, request, "timers.none")
    ringing = [timer for timer in meant if timer.command is None]
    done = _each(timers, request, meant, _cancelled)
    if len(ringing) < 2:
        return done
    counted = say("timers.all_cancelled", request.language, count=len(ringing))
    commands = [request.words.about("cancelled", timer) for timer in meant if timer.command is not None]
    return replace(done, answer=" ".join((counted, *commands, *_absent(meant, request, "away_cancelled"))))


def _pause(intent: str, timers: Timers, request: Request) -> Outcome:
    def pause(timers: Timers, timer: HubTimer, request: Request) -> Outcome:
        return _changed(timers, timer.paused(request.now), request, "paused")

    return _with_meant(intent, timers, request, [timer for timer in timers.all if timer.is_active], pause)


def _resume(intent: str, timers: Timers, request: Request) -> Outcome:
    def resume(timers: Timers, timer: HubTimer, request: Request) -> Outcome:
        return _changed(timers, timer.resumed(request.now), request, "goes_on")

    return _with_meant(intent, timers, request, [timer for timer in timers.all if not timer.is_active], resume)


def _lengthen(intent: str, timers: Timers, request: Request) -> Outcome:
    seconds = _seconds(request.slots) * (-1 if intent == "HassDecreaseTimer" else 1)

    def change(timers: Timers, timer: HubTimer, request: Request) -> Outcome:
        return _changed(timers, timer.lengthened(seconds, request.now), request, "now_left")

    return _with_meant(intent, timers, request, timers.all, change)


def _status(_intent: str, timers: Timers, request: Request) -> Outcome:
    meant = _meant(timers, request)
    if not meant and timers.all:
        return _only_said(timers, request, "timers.no_such")
    return Outcome(timers, (), request.words.status(meant))


_Act: TypeAlias = Callable[[Timers, HubTimer, Request], Outcome]


def _with_meant(intent: str, timers: Timers, request: Request, among: Sequence[HubTimer], act: _Act) -> Outcome:
    """Act on the timers that are meant, or ask which one is."""
    if not timers.all:
        return _only_said(timers, request, "timers.none")
    meant = _meant(Timers(tuple(among)), request)
    if not meant:
        return _only_said(timers, request, "timers.no_such")
    if len(meant) == 1 or request.chosen or request.slots.get("which") == ALL:
        return _each(timers, request, meant, act)
    if request.words.are_alike(meant):
        return _each(timers, request, meant[:1], act)
    question = Question(intent, request.slots, tuple(timer.id for timer in meant))
    return Outcome(timers, (), request.words.which(meant), question)


def _each(timers: Timers, request: Request, meant: Sequence[HubTimer], act: _Act) -> Outcome:
    answers: list[str] = []
    events: ForSatellites = ()
    for timer in meant:
        outcome = act(timers, timer, request)
        timers, events = outcome.timers, (*events, *outcome.events)
        answers.append(outcome.answer)
    key = "away_cancelled" if act is _cancelled else "away_changed"
    return Outcome(timers, events, " ".join((*answers, *_absent(meant, request, key))))


def _meant(timers: Timers, request: Request) -> tuple[HubTimer, ...]:
    if request.chosen:
        return timers.only(request.chosen).all
    if request.slots.get("which") == ALL:
        return _in_area(timers, request)
    matching = timers.matching(_wanted(request))
    # Whoever speaks in the kitchen means the kitchen's timer when there is one.
    return Timers(matching).of(request.satellite_id).all or matching


def _in_area(timers: Timers, request: Request) -> tuple[HubTimer, ...]:
    return timers.matching(Wanted(area=_text(request.slots, "area")))


def _wanted(request: Request) -> Wanted:
    slots = request.slots
    return Wanted(_name(slots), _seconds(slots, "start_") or None, _text(slots, "area"))


def _cancelled(timers: Timers, timer: HubTimer, request: Request) -> Outcome:
    told = ((timer.satellite_id, TimerCancelled(id=timer.id).event()),) if timer.command is None else ()
    return Outcome(timers.cancelled(timer), told, request.words.about("cancelled", timer))


def _changed(timers: Timers, new: HubTimer, request: Request, key: str) -> Outcome:
    told = ((new.satellite_id, _updated(new, request.now)),) if new.command is None else ()
    return Outcome(timers.changed(new), told, request.words.about(key, new))


def _updated(timer: HubTimer, now: float) -> Event:
    left = round(timer.seconds_left(now))
    return TimerUpdated(id=timer.id, is_active=timer.is_active, total_seconds=left).event()


def _absent(timers: Sequence[HubTimer], request: Request, key: str) -> list[str]:
    """Say which satellites do not know yet what was done to their timers."""
    away = {timer.satellite_id for timer in timers if timer.command is None} - request.present - {request.satellite_id}
    return [say(f"timers.{key}", request.language, place=place) for place in sorted(away)]


def _only_said(timers: Timers, request: Request, key: str, **values: object) -> Outcome:
    return Outcome(timers, (), say(key, request.language, **values))


def _seconds(slots: Slots, prefix: str = "") -> float:
    total = 0.0
    for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        value = slots.get(prefix + unit, 0)
        total += float(value) * seconds if isinstance(value, (int, float)) else 0.0
    return total


def _name(slots: Slots) -> str | None:
    return _text(slots, "name")


def _text(slots: Slots, key: str) -> str | None:
    text = slots.get(key)
    return text.strip() or None if isinstance(text, str) else None


_ACTIONS: dict[str, Callable[[str, Timers, Request], Outcome]] = {
    "HassStartTimer": _start,
    "HassCancelTimer": _cancel,
    "HassCancelAllTimers": _cancel_all,
    "HassPauseTimer": _pause,
    "HassUnpauseTimer": _resume,
    "HassIncreaseTimer": _lengthen,
    "HassDecreaseTimer": _lengthen,
    "HassTimerStatus": _status,
}
