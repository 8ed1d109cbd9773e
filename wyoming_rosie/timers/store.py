"""Timer store: the timers on disk, which survive a restart."""

from dataclasses import asdict
from datetime import time
from pathlib import Path
from typing import Any

from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.timers.model import Alarm, DelayedCommand, HubTimer, PresenceTrigger, TimerSet

MAX_STORED = 1000
"""Timers that a file may hold, so that a broken one cannot fill the memory."""


def load(path: Path) -> TimerSet:
    """Return the timers of the last run; none if there is no file. An unreadable file is set aside."""
    try:
        document = json_store.read(path)
        return TimerSet() if document is None else _decode(document)
    except (OSError, ValueError) as err:
        json_store.quarantine(path, err)
        return TimerSet()


def save(path: Path, timers: TimerSet) -> None:
    """Write the timers so that a power cut leaves either the old or the new file. Raises OSError."""
    rung = {"rung": timers.rung} if timers.rung else {}
    parts = {"timers": timers.all, "gone": timers.cancelled, **rung}
    json_store.write(path, {name: list(map(_encode_timer, some)) for name, some in parts.items()})


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what differs after each write of the file; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _decode(document: Any) -> TimerSet:
    fields = Fields(document)
    running = fields.objects("timers", MAX_STORED)
    cancelled, rung = (fields.objects(name, MAX_STORED) if name in document else [] for name in ("gone", "rung"))
    return TimerSet(*(tuple(map(_decode_timer, some)) for some in (running, cancelled, rung)))


def _encode_timer(timer: HubTimer) -> dict[str, object]:
    return {
        "id": timer.id,
        "satellite_id": timer.satellite_id,
        "seconds": timer.total_seconds,
        "name": timer.name,
        "ends_at": timer.ends_at,
        "left_when_paused": timer.left_when_paused,
        "area": timer.area,
        "command": None if timer.command is None else asdict(timer.command),
        **({} if timer.alarm is None else {"alarm": _encode_alarm(timer.alarm)}),
    }


def _decode_timer(fields: Fields) -> HubTimer:
    command, alarm = fields.optional_object("command"), fields.optional_object("alarm")
    return HubTimer(
        id=fields.text("id"),
        satellite_id=fields.text("satellite_id"),
        total_seconds=fields.number("seconds"),
        name=fields.optional_text("name"),
        ends_at=fields.optional_number("ends_at"),
        left_when_paused=fields.number("left_when_paused"),
        area=fields.optional_text("area"),
        command=None if command is None else _decode_command(command),
        alarm=None if alarm is None else _decode_alarm(alarm),
    )


def _decode_command(fields: Fields) -> DelayedCommand:
    return DelayedCommand(
        text=fields.text("text"),
        label=fields.text("label"),
        language=fields.text("language"),
        confirmed=fields.texts("confirmed"),
        speaker=fields.optional_text("speaker"),
    )


def _encode_alarm(alarm: Alarm) -> dict[str, object]:
    return {**asdict(alarm), "days": "".join(map(str, alarm.days))}


def _decode_alarm(fields: Fields) -> Alarm:
    """Decode an alarm. Raises ValueError for one that would never ring."""
    days, at = tuple(map(int, fields.text("days"))), fields.text("at")
    if days:
        time.fromisoformat(at)
    if not set(days) <= set(range(7)):
        raise ValueError("the days of an alarm are 0 to 6")
    presence = fields.optional_object("presence")
    known = None if presence is None else _decode_presence(presence)
    return Alarm(fields.text("language"), fields.optional_text("text"), days, at, known)


def _decode_presence(fields: Fields) -> PresenceTrigger:
    name, is_possible = fields.optional_text("name"), fields.boolean("is_possible")
    return PresenceTrigger(fields.text("person"), fields.boolean("leaves"), name, is_possible)
