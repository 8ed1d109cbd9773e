"""Timers in a file: seconds of the wall clock outside, seconds of a clock that is never set inside."""

from wyoming_rosie.timers import Timer
from wyoming_rosie_satellite.storage.timers import LONGEST_SECONDS, LONGEST_TEXT, MOST_TIMERS, Timers

LATEST_SECONDS = 3_600.0
"""A timer that ended longer ago while nobody was there to ring is forgotten."""


def document(timers: Timers, now: float, wall: float) -> object:
    """Return what to write; `wall` is seconds since the epoch at `now`."""
    return {
        "saved_at": wall,
        "timers": [
            {
                "id": timer.id,
                "name": timer.name,
                "total_seconds": timer.total_seconds,
                "seconds_left": timer.seconds_left(now),
                "is_active": timer.is_active,
            }
            for timer in timers.running
        ],
        "rung": list(timers.rung),
    }


def restored(document: object, now: float, wall: float) -> Timers:
    """Return the timers that were written. Raises ValueError for what no timers are.

    A clock that went back meanwhile, as on boards without one of their own, takes no time off a timer.
    """
    passed = max(0.0, wall - _number(document, "saved_at", 0.0, 1e12))
    timers = [_timer(entry, passed, now) for entry in _list(document, "timers")]
    rung = [_text(name) for name in _list(document, "rung")]
    return Timers([timer for timer in timers if timer is not None], rung)


def _timer(entry: object, passed: float, now: float) -> Timer | None:
    name, is_active = _field(entry, "name"), _field(entry, "is_active") is True
    known = Timer(
        _text(_field(entry, "id")), _number(entry, "total_seconds", 0.0), None if name is None else _text(name)
    )
    left = _number(entry, "seconds_left", 0.0) - (passed if is_active else 0.0)
    return None if left < -LATEST_SECONDS else known.with_remaining(max(0.0, left), now, is_active=is_active)


def _field(document: object, key: str) -> object:
    return document.get(key) if isinstance(document, dict) else None


def _list(document: object, key: str) -> list[object]:
    found = _field(document, key)
    if not isinstance(found, list) or len(found) > MOST_TIMERS:
        raise ValueError(f"{key} must be a list of {MOST_TIMERS} at most")
    return found


def _number(document: object, key: str, least: float, most: float = LONGEST_SECONDS) -> float:
    found = _field(document, key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
        raise ValueError(f"{key} must be a number from {least:g} to {most:g}")
    return float(found)


def _text(found: object) -> str:
    if not isinstance(found, str) or not 0 < len(found) <= LONGEST_TEXT:
        raise ValueError(f"a name must be a text of 1 to {LONGEST_TEXT} characters")
    return found
