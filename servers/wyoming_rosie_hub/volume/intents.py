"""Volume intents: the event to send, the satellites to send it to, and the sentence about the result."""

from collections.abc import Mapping, Sequence

from wyoming.event import Event

from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers.intents import Slots

VOLUME = "volume"
MAX_PERCENT = 100
STEP_PERCENT = 10
"""Change for "louder" and "quieter"."""
_STEPS = {"up": STEP_PERCENT, "down": -STEP_PERCENT}


def create_volume_event(intent: str, slots: Slots) -> Event | None:
    """Return the event that changes a satellite's volume; None for other intents and invalid amounts."""
    match intent, slots:
        case "HassSetVolume", {"volume_level": int(percent)} if 0 <= percent <= MAX_PERCENT:
            return volume_event(percent=percent)
        case "HassSetVolumeRelative", {"volume_step": int(change)} if abs(change) <= MAX_PERCENT:
            return volume_event(change=change)
        case "HassSetVolumeRelative", {"volume_step": "up" | "down" as way}:
            return volume_event(change=_STEPS[way])
    return None


def find_targets(slots: Slots, satellite_id: str, areas: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the satellites of the area that is named, or the one that asked if none or its own area is named."""
    area = slots.get("area")
    if not isinstance(area, str) or _normalize_area(area) == _normalize_area(areas.get(satellite_id) or ""):
        return (satellite_id,)
    normalized = _normalize_area(area)
    return tuple(satellite for satellite, its_area in areas.items() if _normalize_area(its_area or "") == normalized)


def parse_volume_report(event: Event) -> int | None:
    """Return the volume that a satellite reports, in percent; None for other events."""
    match event.data:
        case {"name": "volume", "percent": int(percent)} if event.type == "user-event" and 0 <= percent <= MAX_PERCENT:
            return percent
    return None


def parse_mute_report(event: Event) -> bool | None:
    """Return whether a satellite reports that its microphone is muted; None for other events."""
    match event.data:
        case {"name": "muted", "muted": bool(is_muted)} if event.type == "user-event":
            return is_muted
    return None


def describe_result(reported: Sequence[int | None], language: str = "en") -> str:
    """Return the sentence about the volumes that satellites reported; None stands for one that did not report."""
    percents = {percent for percent in reported if percent is not None}
    if not reported:
        return format_sentence("volume.nobody", language)
    if not percents:
        return format_sentence("volume.fixed", language)
    if len(percents) > 1 or None in reported:
        return format_sentence("volume.some", language)
    return format_sentence("volume.at", language, percent=percents.pop())


def volume_event(**fields: int) -> Event:
    """Return the event that sets a volume in `percent`, or changes it by `change`."""
    return Event("user-event", {"name": VOLUME, **fields})


def _normalize_area(area: str) -> str:
    return area.strip().casefold().replace("_", " ")
