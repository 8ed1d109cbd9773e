"""Timers on disk, so that a restart forgets none."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie_hub.timers import Timer, Timers

_LOG = structlog.get_logger()


def load(path: Path) -> Timers:
    """Return the timers of the last run; none when there is no file. A file that cannot be read is set aside."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return Timers(tuple(_timer(entry) for entry in document["timers"]))
    except FileNotFoundError:
        return Timers()
    except (OSError, ValueError, KeyError, TypeError) as err:
        _LOG.warning("timers could not be read and are set aside", file=str(path), reason=str(err))
        path.replace(path.with_suffix(".broken"))
        return Timers()


def save(path: Path, timers: Timers) -> None:
    """Write the timers so that a power cut leaves either the old or the new file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"timers": [asdict(timer) for timer in timers.all]}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _timer(entry: Mapping[str, Any]) -> Timer:
    name, ends_at = entry["name"], entry["ends_at"]
    return Timer(
        id=str(entry["id"]),
        satellite_id=str(entry["satellite_id"]),
        seconds=float(entry["seconds"]),
        name=None if name is None else str(name),
        ends_at=None if ends_at is None else float(ends_at),
        left_when_paused=float(entry["left_when_paused"]),
    )
