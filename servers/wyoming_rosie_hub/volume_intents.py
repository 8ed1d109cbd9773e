"""What people say about the volume, as an event for the satellites that are meant and a sentence about what they did."""

from collections.abc import Mapping, Sequence

from wyoming.event import Event

from wyoming_rosie_hub.sentences import say
from wyoming_rosie_hub.timers.intents import Slots

VOLUME = "volume"
LOUDEST = 100
STEP = 10
"""Percent of "louder" and "quieter"."""
_STEPS = {"up": STEP, "down": -STEP}


def order(intent: str, slots: Slots) -> Event | None:
    """Return what a satellite is to be told, or None when the intent is not about the volume or names no amount."""
    match intent, slots:
        case "HassSetVolume", {"volume_level": int(percent)} if 0 <= percent <= LOUDEST:
            return _order(percent=percent)
        case "HassSetVolumeRelative", {"volume_step": int(change)} if abs(change) <= LOUDEST:
            return _order(change=change)
        case "HassSetVolumeRelative", {"volume_step": "up" | "down" as way}:
            return _order(change=_STEPS[way])
    return None


def meant(slots: Slots, satellite_id: str, areas: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the satellites that are meant of those with their `areas`: the one that asked, or those of another room."""
    area = slots.get("area")
    if not isinstance(area, str) or _plain(area) == _plain(areas.get(satellite_id) or ""):
        return (satellite_id,)
    return tuple(one for one, where in areas.items() if _plain(where or "") == _plain(area))


def percent_of(event: Event) -> int | None:
    """Return how loud a satellite says that it is, if that is what it says."""
    match event.data:
        case {"name": "volume", "percent": int(percent)} if event.type == "user-event" and 0 <= percent <= LOUDEST:
            return percent
    return None


def answer(told: Sequence[int | None], language: str = "en") -> str:
    """Return the sentence about what the satellites have told; None stands for one that said nothing."""
    percents = {percent for percent in told if percent is not None}
    if not told:
        return say("volume.nobody", language)
    if not percents:
        return say("volume.fixed", language)
    if len(percents) > 1 or None in told:
        return say("volume.some", language)
    return say("volume.at", language, percent=percents.pop())


def _order(**how: int) -> Event:
    return Event("user-event", {"name": VOLUME, **how})


def _plain(area: str) -> str:
    return area.strip().casefold().replace("_", " ")
