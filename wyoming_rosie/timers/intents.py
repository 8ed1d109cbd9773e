"""Timer intents: pure functions from timers, intent and time to the new timers, events for satellites and an answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers.model import DelayedCommand, HubTimer, TimerQuery, TimerSet, rings_of
from wyoming_rosie.timers.responses import TimerResponses

MAX_SECONDS = 24 * 3600
MAX_TIMERS = 32
ALL = "all"
"""Value of the slot `which` for all timers."""
Slots: TypeAlias = Mapping[str, object]
SatelliteEvents: TypeAlias = tuple[tuple[str, Event], ...]
"""Pairs of a satellite's id and an event for it."""


@dataclass(frozen=True)
class TimerQuestion:
    """The question which of some timers an intent is about."""

    intent: str
    slots: Slots
    timer_ids: tuple[str, ...]


@dataclass(frozen=True)
class TimerIntentResult:
    """The new timers, the events for their satellites, the answer to speak, and the question in it, if any."""

    timers: TimerSet
    events: SatelliteEvents
    answer: str
    question: TimerQuestion | None = None


@dataclass(frozen=True)
class TimerIntentRequest:
    """An intent's slots and the satellite it came from; `new_id` is for a timer that it starts."""

    slots: Slots
    satellite_id: str
    new_id: str
    now: float  # seconds since the epoch
    area: str | None = None
    language: str = "en"
    command: DelayedCommand | None = None
    connected: frozenset[str] = frozenset()  # ids of satellites
    selected: tuple[str, ...] = ()  # ids of the timers that the user selected
    rung: HubTimer | None = None  # the last one that rang at this satellite

    @property
    def responses(self) -> TimerResponses:
        return TimerResponses(self.language, self.now)


def execute_intent(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult | None:
    """Carry out an intent about timers; return None for other intents."""
    action = _ACTIONS.get(intent)
    if action is None:
        return None
    result = action(intent, timers.countdowns, request)
    return replace(result, timers=replace(result.timers, all=(*result.timers.all, *timers.alarms)))


def finished_event(timer: HubTimer) -> Event:
    """Return the event on which a satellite rings."""
    return TimerFinished(id=rings_of(timer)[0].id).event()


def sync_events(timers: TimerSet, satellite_id: str, now: float) -> tuple[Event, ...]:
    """Return the events that bring a reconnected satellite up to date."""
    cancelled = [
        TimerCancelled(id=ring.id).event()
        for timer in timers.cancelled
        if timer.satellite_id == satellite_id
        for ring in rings_of(timer)
    ]
    running = [
        _updated_event(ring, now)
        for timer in timers.for_satellite(satellite_id).all
        if timer.command is None
        for ring in rings_of(timer)
        if ring.seconds_left(now) or not ring.is_active
    ]
    return (*cancelled, *running)


def _start(_intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    seconds = parse_seconds(request.slots)
    if not seconds:
        return answer_only(timers, request, "timers.how_long")
    if seconds > MAX_SECONDS:
        return answer_only(timers, request, "timers.too_long")
    if len(timers.all) >= MAX_TIMERS:
        return answer_only(timers, request, "timers.too_many", count=len(timers.all))
    timer = HubTimer(
        id=request.new_id,
        total_seconds=seconds,
        name=_parse_name(request.slots),
        ends_at=request.now + seconds,
        satellite_id=request.satellite_id,
        area=request.area,
        command=request.command,
    )
    started = TimerStarted(id=timer.id, total_seconds=round(seconds), name=timer.name).event()
    events = ((timer.satellite_id, started),) if timer.command is None else ()
    key = "started_for" if timer.name and timer.command is None else "started"
    return TimerIntentResult(timers.add(timer), events, request.responses.format_response(key, timer))


def _cancel(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    return _apply_to_targets(intent, timers, request, timers.all, _cancel_timer)


def _cancel_all(_intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    targets = _find_in_area(timers, request)
    if not targets:
        return answer_only(timers, request, "timers.none")
    ringing = [timer for timer in targets if timer.command is None]
    result = _apply_to_all(timers, request, targets, _cancel_timer)
    if len(ringing) < 2:
        return result
    counted = format_sentence("timers.all_cancelled", request.language, count=len(ringing))
    commands = [request.responses.format_response("cancelled", timer) for timer in targets if timer.command is not None]
    return replace(result, answer=" ".join((counted, *commands, *describe_offline(targets, request, "away_cancelled"))))


def _pause(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    def pause(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest) -> TimerIntentResult:
        return _update_timer(timers, timer.pause(request.now), request, "paused")

    return _apply_to_targets(intent, timers, request, [timer for timer in timers.all if timer.is_active], pause)


def _resume(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    def resume(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest) -> TimerIntentResult:
        return _update_timer(timers, timer.resume(request.now), request, "goes_on")

    return _apply_to_targets(intent, timers, request, [timer for timer in timers.all if not timer.is_active], resume)


def _change_length(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    seconds = parse_seconds(request.slots) * (-1 if intent == "HassDecreaseTimer" else 1)

    def change(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest) -> TimerIntentResult:
        return _update_timer(timers, timer.add_seconds(seconds, request.now), request, "now_left")

    return _apply_to_targets(intent, timers, request, timers.all, change)


def _status(_intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    targets = _find_targets(timers, request)
    if not targets and timers.all:
        return answer_only(timers, request, "timers.no_such")
    return TimerIntentResult(timers, (), request.responses.describe(targets))


_TimerAction: TypeAlias = Callable[[TimerSet, HubTimer, TimerIntentRequest], TimerIntentResult]


def _apply_to_targets(
    intent: str, timers: TimerSet, request: TimerIntentRequest, candidates: Sequence[HubTimer], action: _TimerAction
) -> TimerIntentResult:
    """Apply an action to the timers that are meant, or ask which one is."""
    if not timers.all:
        return answer_only(timers, request, "timers.none")
    targets = _find_targets(TimerSet(tuple(candidates)), request)
    if not targets:
        return answer_only(timers, request, "timers.no_such")
    if len(targets) == 1 or request.selected or request.slots.get("which") == ALL:
        return _apply_to_all(timers, request, targets, action)
    if request.responses.are_duplicates(targets):
        return _apply_to_all(timers, request, targets[:1], action)
    question = TimerQuestion(intent, request.slots, tuple(timer.id for timer in targets))
    return TimerIntentResult(timers, (), request.responses.ask_which(targets), question)


def _apply_to_all(
    timers: TimerSet, request: TimerIntentRequest, targets: Sequence[HubTimer], action: _TimerAction
) -> TimerIntentResult:
    answers: list[str] = []
    events: SatelliteEvents = ()
    for timer in targets:
        result = action(timers, timer, request)
        timers, events = result.timers, (*events, *result.events)
        answers.append(result.answer)
    key = "away_cancelled" if action is _cancel_timer else "away_changed"
    return TimerIntentResult(timers, events, " ".join((*answers, *describe_offline(targets, request, key))))


def _find_targets(timers: TimerSet, request: TimerIntentRequest) -> tuple[HubTimer, ...]:
    if request.selected:
        return timers.with_ids(request.selected).all
    if request.slots.get("which") == ALL:
        return _find_in_area(timers, request)
    matching = timers.find(_parse_query(request))
    # A user in the kitchen means the kitchen's timer if there is one.
    return TimerSet(matching).for_satellite(request.satellite_id).all or matching


def _find_in_area(timers: TimerSet, request: TimerIntentRequest) -> tuple[HubTimer, ...]:
    return timers.find(TimerQuery(area=parse_text(request.slots, "area")))


def _parse_query(request: TimerIntentRequest) -> TimerQuery:
    slots = request.slots
    return TimerQuery(_parse_name(slots), parse_seconds(slots, "start_") or None, parse_text(slots, "area"))


def _cancel_timer(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest) -> TimerIntentResult:
    events = ((timer.satellite_id, TimerCancelled(id=timer.id).event()),) if timer.command is None else ()
    return TimerIntentResult(timers.cancel(timer), events, request.responses.format_response("cancelled", timer))


def _update_timer(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest, key: str) -> TimerIntentResult:
    events = ((timer.satellite_id, _updated_event(timer, request.now)),) if timer.command is None else ()
    return TimerIntentResult(timers.update(timer), events, request.responses.format_response(key, timer))


def _updated_event(timer: HubTimer, now: float) -> Event:
    seconds_left = round(timer.seconds_left(now))
    return TimerUpdated(id=timer.id, is_active=timer.is_active, total_seconds=seconds_left).event()


def describe_offline(timers: Sequence[HubTimer], request: TimerIntentRequest, key: str) -> list[str]:
    """Return a sentence for each satellite that is not connected to learn of the change."""
    satellites = {timer.satellite_id for timer in timers if timer.command is None}
    offline = satellites - request.connected - {request.satellite_id}
    return [format_sentence(f"timers.{key}", request.language, place=place) for place in sorted(offline)]


def answer_only(timers: TimerSet, request: TimerIntentRequest, key: str, **values: object) -> TimerIntentResult:
    """Return a result that changes nothing and says one sentence."""
    return TimerIntentResult(timers, (), format_sentence(key, request.language, **values))


def parse_seconds(slots: Slots, prefix: str = "") -> float:
    """Return the duration in the slots, in seconds; 0 if there is none."""
    total = 0.0
    for unit, seconds in (("hours", 3600), ("minutes", 60), ("seconds", 1)):
        value = slots.get(prefix + unit, 0)
        total += float(value) * seconds if isinstance(value, (int, float)) else 0.0
    return total


def _parse_name(slots: Slots) -> str | None:
    return parse_text(slots, "name")


def parse_text(slots: Slots, key: str) -> str | None:
    """Return a slot's text; None if there is none."""
    text = slots.get(key)
    return text.strip() or None if isinstance(text, str) else None


_ACTIONS: dict[str, Callable[[str, TimerSet, TimerIntentRequest], TimerIntentResult]] = {
    "HassStartTimer": _start,
    "HassCancelTimer": _cancel,
    "HassCancelAllTimers": _cancel_all,
    "HassPauseTimer": _pause,
    "HassUnpauseTimer": _resume,
    "HassIncreaseTimer": _change_length,
    "HassDecreaseTimer": _change_length,
    "HassTimerStatus": _status,
}
