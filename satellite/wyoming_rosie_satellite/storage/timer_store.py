"""Timer store: seconds of the wall clock outside, seconds of a clock that is never set inside."""

from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.timers.timer import Timer
from wyoming_rosie_satellite.storage.timers import MAX_SECONDS, MAX_TEXT_CHARACTERS, MAX_TIMERS, Timers

MAX_OVERDUE_SECONDS = 3_600.0
"""A timer that ended longer ago, while the satellite was off, does not ring any more."""


def encode_timers(timers: Timers, now: float, wall: float) -> object:
    """Return the JSON document of the timers; `wall` is seconds since the epoch at `now`."""
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


def decode_timers(document: object, now: float, wall: float) -> Timers:
    """Return the timers of a document. Raises ValueError.

    A clock that went back meanwhile, as on boards without one of their own, takes no time off a timer.
    """
    fields = Fields(document)
    passed = max(0.0, wall - fields.number("saved_at", 0.0, 1e12))
    timers = [_decode_timer(entry, passed, now) for entry in fields.objects("timers", MAX_TIMERS)]
    rung = fields.texts("rung", MAX_TIMERS, MAX_TEXT_CHARACTERS)
    return Timers([timer for timer in timers if timer is not None], list(rung))


def _decode_timer(entry: Fields, passed: float, now: float) -> Timer | None:
    is_active = entry.boolean("is_active")
    known = Timer(
        entry.text("id", 1, MAX_TEXT_CHARACTERS),
        entry.number("total_seconds", 0.0, MAX_SECONDS),
        entry.optional_text("name", 1, MAX_TEXT_CHARACTERS),
    )
    remaining = entry.number("seconds_left", 0.0, MAX_SECONDS) - (passed if is_active else 0.0)
    return (
        None
        if remaining < -MAX_OVERDUE_SECONDS
        else known.with_remaining(max(0.0, remaining), now, is_active=is_active)
    )
