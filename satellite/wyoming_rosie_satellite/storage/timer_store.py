"""Timers in a file: seconds of the wall clock outside, seconds of a clock that is never set inside."""

from wyoming_rosie.runtime.fields import Fields
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
    fields = Fields(document)
    passed = max(0.0, wall - fields.number("saved_at", 0.0, 1e12))
    timers = [_timer(entry, passed, now) for entry in fields.objects("timers", MOST_TIMERS)]
    rung = fields.texts("rung", MOST_TIMERS, LONGEST_TEXT)
    return Timers([timer for timer in timers if timer is not None], list(rung))


def _timer(entry: Fields, passed: float, now: float) -> Timer | None:
    is_active = entry.boolean("is_active")
    known = Timer(
        entry.text("id", 1, LONGEST_TEXT),
        entry.number("total_seconds", 0.0, LONGEST_SECONDS),
        entry.optional_text("name", 1, LONGEST_TEXT),
    )
    remaining = entry.number("seconds_left", 0.0, LONGEST_SECONDS) - (passed if is_active else 0.0)
    return None if remaining < -LATEST_SECONDS else known.with_remaining(max(0.0, remaining), now, is_active=is_active)
