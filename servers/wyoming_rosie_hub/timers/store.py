"""Timers on disk, so that a restart forgets none."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie_hub.timers.model import LaterCommand, Timer, Timers

_LOG = structlog.get_logger()


def load(path: Path) -> Timers:
    """Return the timers of the last run; none when there is no file. A file that cannot be read is set aside."""
    try:
        document = json.loads(path.read_text("utf-8"))
        running, gone = document["timers"], document.get("gone", ())
        return Timers(tuple(map(_timer, running)), tuple(map(_timer, gone)))
    except FileNotFoundError:
        return Timers()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        _LOG.warning("timers could not be read and are set aside", file=str(path), reason=str(err))
        path.replace(path.with_suffix(".broken"))
        return Timers()


def save(path: Path, timers: Timers) -> None:
    """Write the timers so that a power cut leaves either the old or the new file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"timers": list(map(asdict, timers.all)), "gone": list(map(asdict, timers.gone))}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _timer(entry: Mapping[str, Any]) -> Timer:
    ends_at, command = entry["ends_at"], entry.get("command")
    return Timer(
        id=str(entry["id"]),
        satellite_id=str(entry["satellite_id"]),
        seconds=float(entry["seconds"]),
        name=_text(entry["name"]),
        ends_at=None if ends_at is None else float(ends_at),
        left_when_paused=float(entry["left_when_paused"]),
        area=_text(entry.get("area")),
        command=None if command is None else _command(command),
    )


def _command(entry: Mapping[str, Any]) -> LaterCommand:
    return LaterCommand(
        text=str(entry["text"]),
        label=str(entry["label"]),
        language=str(entry["language"]),
        confirmed=tuple(map(str, entry["confirmed"])),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
