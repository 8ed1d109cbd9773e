"""Alarms and reminders in a conductor's terms: timers that end at a time of day, with the slots of Home Assistant's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from wyoming_rosie_intent.engine import Match, SlotValue
from wyoming_rosie_intent.plugins.plugin import HouseReminder
from wyoming_rosie_intent.rules import dates

EVENT_SLOT = "event"
"""Slot of a reminder that is due at an arrival or a departure."""
MORE_SLOT = "more"
"""Slot of "five more minutes", which snoozes what rang, or else prolongs a timer."""
REMINDER = "reminder"
"""Kind of an alarm that says what it is for."""
SNOOZE_SECONDS = 600
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


def resolve(matches: Sequence[Match], moment: datetime) -> tuple[Match, ...] | None:
    """Return the matches with the time of each alarm; None if one of them never comes."""
    now = _local(moment)
    resolved = [_resolve_one(match, now) for match in matches]
    return None if None in resolved else tuple(match for match in resolved if match is not None)


def create_reminder(reminder: HouseReminder, language: str) -> Match:
    """Return the command that sets a reminder of a plugin."""
    day = reminder.day
    slots: dict[str, SlotValue] = {"alarm": REMINDER, "reminder": reminder.text, "day": day.day, "month": day.month, "year": day.year}  # fmt: skip
    return Match("HassStartTimer", slots, language=language)


def read_reminder(match: Match) -> HouseReminder | None:
    """Return the reminder that a command sets once its time is known; None for any other command."""
    slots = match.slot_values
    if slots.get("alarm") != REMINDER or "at" not in slots or "name" not in slots:
        return None
    day = datetime.fromisoformat(str(slots["at"])).date()
    return HouseReminder(str(slots["name"]), day, tuple(map(int, str(slots.get("days", "")))))


def prolong(match: Match) -> Match:
    """Return "five more minutes" as an intent of Home Assistant, which knows its own timers."""
    slots = {unit: match.slots[unit] for unit, _ in _UNITS if unit in match.slots}
    return replace(match, intent="HassIncreaseTimer", slots=slots)


def _resolve_one(match: Match, now: datetime) -> Match | None:
    slots = match.slot_values
    if EVENT_SLOT in slots:
        return match  # its time is not known
    if "alarm" in slots:
        found = _start_slots(slots, now)
        return None if found is None else replace(match, slots=found)
    return replace(match, slots=_selection_slots(slots, now)) if "kind" in slots else match


def _start_slots(slots: Mapping[str, SlotValue], now: datetime) -> Mapping[str, SlotValue] | None:
    """Return the slots of a timer that ends at the alarm's time, by which any conductor rings."""
    rings = now if slots["alarm"] == "snooze" or "duration" in slots else dates.next_alarm(slots, now)
    if rings is None:
        return None
    seconds = int(rings.timestamp() - now.timestamp()) or round(float(slots.get("duration", SNOOZE_SECONDS)))
    at = datetime.fromtimestamp(now.timestamp() + seconds, now.tzinfo) if rings is now else rings
    found: dict[str, SlotValue] = {"alarm": slots["alarm"], "at": at.replace(tzinfo=None).isoformat("T", "minutes")}
    if "duration" in slots or slots["alarm"] == "snooze":
        found["at"] = at.replace(tzinfo=None).isoformat("T", "seconds")
    for unit, length in _UNITS:
        amount, seconds = divmod(seconds, length)
        found |= {unit: amount} if amount else {}
    if MORE_SLOT in slots:
        found[MORE_SLOT] = slots[MORE_SLOT]
    if days := dates.repeated_days(slots):
        found["days"] = "".join(map(str, days))
    return found | ({"name": str(slots["reminder"])} if "reminder" in slots else {})


def _selection_slots(slots: Mapping[str, SlotValue], now: datetime) -> Mapping[str, SlotValue]:
    """Return the slots that select alarms: by kind, text, time of day and day."""
    found = {key: slots[key] for key in ("kind", "which") if key in slots}
    found |= {"name": str(slots["reminder"])} if "reminder" in slots else {}
    at, day = dates.find_time(slots, now, None), dates.find_date(slots, now.date())
    found |= {"clock": at.isoformat("minutes")} if at else {}
    return found | ({"day": day.isoformat()} if day else {})


def _local(moment: datetime) -> datetime:
    """Return the wall clock of this machine, whose offset changes with the seasons, for a moment with a fixed offset."""
    return moment.astimezone().replace(tzinfo=None) if isinstance(moment.tzinfo, timezone) else moment
