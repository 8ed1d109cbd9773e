"""Alarms and reminders: timers that end at a time of day; pure functions like those of the other timers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time

from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerStarted

from wyoming_rosie.text import durations
from wyoming_rosie.text.sentences import format_sentence, get_entry
from wyoming_rosie.timers import intents
from wyoming_rosie.timers.intents import (
    ALL,
    MAX_TIMERS,
    Slots,
    TimerIntentRequest,
    TimerIntentResult,
    TimerQuestion,
    answer_only,
    describe_offline,
    parse_seconds,
    parse_text,
)
from wyoming_rosie.timers.model import Alarm, HubTimer, PresenceTrigger, TimerSet, local_time, rings_of
from wyoming_rosie.timers.timer import next_repetition

MAX_SECONDS = 31 * 86_400
"""Alarms further away are refused: satellites keep no longer timers."""
MAX_NAME_CHARACTERS = 120
MAX_LISTED = 6
ARRIVE, LEAVE = "arrive", "leave"
"""Values of the slot `event`."""
_EVENTS = frozenset({ARRIVE, LEAVE})
_HALF_DAY = 12
_WEEK_DAYS = 7
_SETS = {(0, 1, 2, 3, 4): "workdays", (5, 6): "weekend", (0, 1, 2, 3, 4, 5, 6): "daily"}


def is_about_alarms(slots: Slots) -> bool:
    """Return whether a timer intent sets or selects alarms or reminders."""
    return "alarm" in slots or "kind" in slots


def execute_intent(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult | None:
    """Carry out an intent about alarms or reminders; return None for other intents."""
    match intent:
        case "HassStartTimer" if request.slots.get("alarm") == "snooze":
            return _snooze(timers, request)
        case "HassStartTimer":
            return _set(timers, request)
        case "HassCancelTimer":
            return _cancel(intent, timers, request)
        case "HassTimerStatus":
            return TimerIntentResult(timers, (), _describe(_find(timers, request), request))
        case _:
            return None


def started_events(timer: HubTimer, now: float) -> tuple[Event, ...]:
    """Return the events that have the satellite ring at all times of an alarm, whether the hub is there or not."""
    name = timer.name[:MAX_NAME_CHARACTERS] if timer.name else None
    return tuple(
        TimerStarted(id=ring.id, total_seconds=max(1, round(ring.seconds_left(now))), name=name).event()
        for ring in rings_of(timer)
    )


def spoken_text(timer: HubTimer) -> str | None:
    """Return what to say when a reminder rings; None for others."""
    if timer.alarm is None or not timer.alarm.text:
        return None
    return format_sentence("alarms.rings", timer.alarm.language, text=timer.alarm.text)


def ringing_text(timer: HubTimer, now: float) -> str:
    """Return what a satellite says that rings by speaking: the reminder, or the time."""
    language = "en" if timer.alarm is None else timer.alarm.language
    time_now = _format_time(local_time(now), language)
    return spoken_text(timer) or format_sentence("alarms.wakes", language, time=time_now)


def _set(timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    if "event" in request.slots:
        return _set_for_presence(timers, request)
    alarm, ends_at = _parse_alarm(request)
    if ends_at is None or ends_at <= request.now:
        return answer_only(timers, request, "alarms.no_time")
    if ends_at - request.now > MAX_SECONDS:
        return answer_only(timers, request, "alarms.too_far")
    if len(timers.all) >= MAX_TIMERS:
        return answer_only(timers, request, "timers.too_many", count=len(timers.all))
    timer = _create_timer(request, alarm, ends_at)
    kind = "reminder" if alarm.text else "set"
    if alarm.days:
        answer = _format(f"{kind}_repeated", request, text=alarm.text, when=_repeated_when(timer, request.language))
    else:
        answer = _format(kind, request, text=alarm.text, when=_when(timer, request))
    return _started(timers, timer, request, answer)


def _set_for_presence(timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    """Keep a reminder until somebody comes home or leaves."""
    slots = request.slots
    text, person = parse_text(slots, "name"), parse_text(slots, "person")
    if text is None or person is None or slots["event"] not in _EVENTS:
        return answer_only(timers, request, "alarms.no_time")
    if len(timers.all) >= MAX_TIMERS:
        return answer_only(timers, request, "timers.too_many", count=len(timers.all))
    leaves = slots["event"] == LEAVE
    presence = PresenceTrigger(person, leaves, parse_text(slots, "person_name"), bool(slots.get("at_home")) is leaves)
    timer = replace(_create_timer(request, Alarm(request.language, text, presence=presence), request.now), ends_at=None)
    return _started(timers, timer, request, _format("reminder_event", request, text=text, when=_when(timer, request)))


def _snooze(timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    """Ring once more after some minutes, with the text of what rang last."""
    if request.rung is None:
        return _prolong(timers, request) or answer_only(timers, request, "alarms.nothing_rang")
    seconds = parse_seconds(request.slots)
    text = request.rung.alarm.text if request.rung.alarm else None
    timer = _create_timer(request, Alarm(request.language, text), request.now + seconds)
    length = durations.format_duration(seconds, request.language)
    return _started(timers, replace(timer, name=request.rung.name), request, _format("snoozed", request, length=length))


def _prolong(timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult | None:
    """Prolong a timer by "five more minutes"; None for other words, and without a timer."""
    if not request.slots.get("more") or not timers.countdowns.all:
        return None
    slots = {unit: request.slots[unit] for unit in ("hours", "minutes", "seconds") if unit in request.slots}
    return intents.execute_intent("HassIncreaseTimer", timers, replace(request, slots=slots))


def _started(timers: TimerSet, timer: HubTimer, request: TimerIntentRequest, answer: str) -> TimerIntentResult:
    events = tuple((timer.satellite_id, event) for event in started_events(timer, request.now))
    return TimerIntentResult(timers.add(timer), events, answer)


def _create_timer(request: TimerIntentRequest, alarm: Alarm, ends_at: float) -> HubTimer:
    return HubTimer(
        id=request.new_id,
        total_seconds=ends_at - request.now,
        name=alarm.text,
        ends_at=ends_at,
        satellite_id=request.satellite_id,
        area=request.area,
        alarm=alarm,
    )


def _parse_alarm(request: TimerIntentRequest) -> tuple[Alarm, float | None]:
    """Return the alarm that the slots describe, and its first time; the clocks of two machines differ."""
    slots = request.slots
    at, text = _parse_moment(slots.get("at")), parse_text(slots, "name")
    days = tuple(sorted({int(day) for day in str(slots.get("days", "")) if day in "0123456"}))
    if at is None:
        return Alarm(request.language, text), None
    if not days:
        return Alarm(request.language, text), at.timestamp()
    clock = at.time().replace(second=0, microsecond=0)
    first = next_repetition(local_time(request.now), clock, days)
    return Alarm(request.language, text, days, clock.isoformat("minutes")), first.timestamp()


def _parse_moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    except ValueError:
        return None


def _cancel(intent: str, timers: TimerSet, request: TimerIntentRequest) -> TimerIntentResult:
    targets = _find(timers, request)
    if not targets:
        return answer_only(timers, request, "alarms.no_such")
    if len(targets) > 1 and not request.selected and request.slots.get("which") != ALL:
        options = durations.join_list(
            [_option(timer, request) for timer in targets], get_entry("timers.or", request.language)
        )
        question = TimerQuestion(intent, request.slots, tuple(timer.id for timer in targets))
        answer = format_sentence("timers.which", request.language, options=options)
        return TimerIntentResult(timers, (), answer, question)
    events = tuple(
        (timer.satellite_id, TimerCancelled(id=ring.id).event()) for timer in targets for ring in rings_of(timer)
    )
    answers = [_format("cancelled", request, alarm=_option(timer, request)) for timer in targets]
    offline = describe_offline(targets, request, "away_cancelled")
    return TimerIntentResult(timers.cancel(*targets), events, " ".join((*answers, *offline)))


def _describe(found: Sequence[HubTimer], request: TimerIntentRequest) -> str:
    """Return a sentence that lists alarms or reminders, the next one first."""
    kind = "reminders" if request.slots.get("kind") == "reminder" else "alarms"
    if not found:
        return _format(f"no_{kind}", request)
    return _format(kind, request, listed="; ".join(_option(timer, request) for timer in found[:MAX_LISTED]))


def _find(timers: TimerSet, request: TimerIntentRequest) -> tuple[HubTimer, ...]:
    """Return the alarms, or the reminders, that the slots select."""
    if request.selected:
        return timers.with_ids(request.selected).all
    slots = request.slots
    wants_reminder = slots.get("kind") == "reminder"
    found = [timer for timer in timers.alarms if timer.alarm is not None and bool(timer.alarm.text) == wants_reminder]
    if (name := parse_text(slots, "name")) is not None:
        words = name.casefold().split()
        found = [timer for timer in found if set(words) <= set((timer.name or "").casefold().split())]
    if (day := parse_text(slots, "day")) is not None:
        found = [timer for timer in found if _rings_on(timer, date.fromisoformat(day))]
    if (clock := parse_text(slots, "clock")) is not None:
        found = _at_clock(found, time.fromisoformat(clock))
    return tuple(found)


def _rings_on(timer: HubTimer, day: date) -> bool:
    return any(local_time(ring.ends_at or 0.0).date() == day for ring in rings_of(timer))


def _at_clock(found: Sequence[HubTimer], at: time) -> list[HubTimer]:
    """Return the alarms at that time of day, else those with that time on a clock face."""
    found = [timer for timer in found if timer.ends_at is not None]
    times = {timer.id: local_time(timer.ends_at or 0.0).time() for timer in found}
    exact = [timer for timer in found if (times[timer.id].hour, times[timer.id].minute) == (at.hour, at.minute)]
    face = (at.hour % _HALF_DAY, at.minute)
    return exact or [timer for timer in found if (times[timer.id].hour % _HALF_DAY, times[timer.id].minute) == face]


def _option(timer: HubTimer, request: TimerIntentRequest) -> str:
    """Return an alarm in words: "7:00 AM tomorrow", or "call mum, 7:00 AM tomorrow"."""
    is_repeated = timer.alarm is not None and bool(timer.alarm.days)
    when = _repeated_when(timer, request.language) if is_repeated else _when(timer, request)
    text = timer.alarm.text if timer.alarm else None
    return f"{text}, {when}" if text else when


def _when(timer: HubTimer, request: TimerIntentRequest) -> str:
    """Return the time of an alarm, with its day unless that is today; without a time, the event."""
    if timer.alarm is not None and (presence := timer.alarm.presence) is not None:
        key = f"{LEAVE if presence.leaves else ARRIVE}{'_you' if presence.name is None else ''}"
        return _format(key, request, person=presence.name)
    rings, today = local_time(timer.ends_at or 0.0), local_time(request.now).date()
    days = (rings.date() - today).days
    key = "today" if days == 0 else "tomorrow" if days == 1 else "weekday" if days < _WEEK_DAYS else "date"
    return _format(
        key,
        request,
        time=_format_time(rings, request.language),
        weekday=get_entry("alarms.weekdays", request.language)[rings.weekday()],
        month=get_entry("alarms.months", request.language)[rings.month - 1],
        day=rings.day,
    )


def _repeated_when(timer: HubTimer, language: str) -> str:
    assert timer.alarm is not None
    days, rings = timer.alarm.days, local_time(timer.ends_at or 0.0)
    names = [get_entry("alarms.weekdays", language)[day] for day in days]
    each = format_sentence("alarms.every", language, weekday=", ".join(names))
    spoken = get_entry(f"alarms.{_SETS[days]}", language) if days in _SETS else each
    return f"{_format_time(rings, language)}, {spoken}"


def _format_time(moment: datetime, language: str) -> str:
    return moment.strftime(get_entry("alarms.time", language))


def _format(key: str, request: TimerIntentRequest, **values: object) -> str:
    return format_sentence(f"alarms.{key}", request.language, **values)
