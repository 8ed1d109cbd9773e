"""Timer store: the timers on disk, which survive a restart."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wyoming_rosie.runtime import json_store
from wyoming_rosie_hub.timers.model import DelayedCommand, HubTimer, TimerSet


def load(path: Path) -> TimerSet:
    """Return the timers of the last run; none if there is no file. An unreadable file is set aside."""
    try:
        document = json_store.read(path)
        return TimerSet() if document is None else _decode(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        json_store.quarantine(path, err)
        return TimerSet()


def save(path: Path, timers: TimerSet) -> None:
    """Write the timers so that a power cut leaves either the old or the new file. Raises OSError."""
    running, gone = list(map(_encode_timer, timers.all)), list(map(_encode_timer, timers.cancelled))
    json_store.write(path, {"timers": running, "gone": gone})


def _decode(document: Mapping[str, Any]) -> TimerSet:
    running, gone = document["timers"], document.get("gone", ())
    return TimerSet(tuple(map(_decode_timer, running)), tuple(map(_decode_timer, gone)))


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
    }


def _decode_timer(entry: Mapping[str, Any]) -> HubTimer:
    ends_at, command = entry["ends_at"], entry.get("command")
    return HubTimer(
        id=str(entry["id"]),
        satellite_id=str(entry["satellite_id"]),
        total_seconds=float(entry["seconds"]),
        name=_optional_text(entry["name"]),
        ends_at=None if ends_at is None else float(ends_at),
        left_when_paused=float(entry["left_when_paused"]),
        area=_optional_text(entry.get("area")),
        command=None if command is None else _decode_command(command),
    )


def _decode_command(entry: Mapping[str, Any]) -> DelayedCommand:
    return DelayedCommand(
        text=str(entry["text"]),
        label=str(entry["label"]),
        language=str(entry["language"]),
        confirmed=tuple(map(str, entry["confirmed"])),
    )


def _optional_text(value: object) -> str | None:
    return None if value is None else str(value)
