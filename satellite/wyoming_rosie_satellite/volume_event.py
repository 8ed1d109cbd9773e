"""What a conductor says about the volume: {"name": "volume", "percent": 40} or {"name": "volume", "change": -10}."""

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite.integrations.observers import USER_EVENT, VOLUME
from wyoming_rosie_satellite.storage.state_store import MAX_VOLUME


def is_volume_event(event: Event) -> bool:
    """Tell whether an event is about the volume."""
    return event.type == USER_EVENT and event.data.get("name") == VOLUME


def parse_volume(order: Event, percent: int) -> int:
    """Return the volume that an order wants, 0 to 100, where it is `percent` now. Raises BadEventError."""
    match order.data:
        case {"percent": _, "change": _}:
            raise _bad_volume("percent or change, not both")
        case {"percent": int(to)} if type(to) is int and 0 <= to <= MAX_VOLUME:
            return to
        case {"change": int(by)} if type(by) is int and -MAX_VOLUME <= by <= MAX_VOLUME:
            return min(max(percent + by, 0), MAX_VOLUME)
    raise _bad_volume(
        f"a whole number as percent, from 0 to {MAX_VOLUME}, or as change, from -{MAX_VOLUME} to {MAX_VOLUME}"
    )


def _bad_volume(needs: str) -> BadEventError:
    return BadEventError(f"a user-event named {VOLUME} needs {needs}", "bad-volume")
