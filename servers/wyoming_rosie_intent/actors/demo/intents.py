"""What each intent does to each kind of thing: pure, and never to a value out of bounds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie_intent.engine import Value
from wyoming_rosie_intent.entity_states import (
    Alarm,
    Climate,
    Cover,
    Fan,
    Light,
    Lock,
    Media,
    Mower,
    Routine,
    Switch,
    Thing,
    Todo,
    Vacuum,
)

Slots: TypeAlias = Mapping[str, Value]
VOLUME_STEP = 10
MOST_ITEMS = 100


def changed(thing: Thing, intent: str, slots: Slots) -> Thing | None:
    """Return the thing after the intent was carried out on it; None when it can do no such thing."""
    change = _CHANGES.get(intent)
    return change(thing, slots) if change else None


def _percent(value: Value) -> int:
    return min(100, max(0, round(float(value))))


def _turned_on(thing: Thing, _slots: Slots) -> Thing | None:
    match thing:
        case Light() | Switch() | Fan() | Climate() | Media():
            return replace(thing, on=True)
        case Cover():
            return Cover(100)
        case Lock():
            return Lock(locked=True)
        case Alarm():
            return Alarm(armed=True)
        case Routine():
            return Routine(thing.runs + 1)
        case _:
            return None


def _turned_off(thing: Thing, _slots: Slots) -> Thing | None:
    match thing:
        case Light() | Switch() | Fan() | Climate():
            return replace(thing, on=False)
        case Media():
            return replace(thing, on=False, playing=False)
        case Cover():
            return Cover(0)
        case Lock():
            return Lock(locked=False)
        case Alarm():
            return Alarm(armed=False)
        case _:
            return None


def _lit(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Light):
        return None
    brightness = _percent(slots.get("brightness", thing.brightness))
    color = str(slots.get("color", "white" if "temperature" in slots else thing.color))
    return Light(brightness > 0, brightness or thing.brightness, color, int(slots.get("temperature", thing.kelvin)))


def _positioned(thing: Thing, slots: Slots) -> Thing | None:
    return Cover(_percent(slots["position"])) if isinstance(thing, Cover) and "position" in slots else None


def _fanned(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Fan) or "percentage" not in slots:
        return None
    speed = _percent(slots["percentage"])
    return Fan(speed > 0, speed or thing.speed)


def _heated(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Climate) or "temperature" not in slots:
        return None
    return replace(thing, on=True, target=float(slots["temperature"]))


def _fan_mode(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Climate) or "fan_mode" not in slots:
        return None
    return replace(thing, fan_mode=str(slots["fan_mode"]))


def _media(change: Callable[[Media, Slots], Media]) -> Callable[[Thing, Slots], Thing | None]:
    return lambda thing, slots: change(thing, slots) if isinstance(thing, Media) else None


def _found(media: Media, slots: Slots) -> Media:
    return replace(media, on=True, playing=True, track=1, title=str(slots.get("search_query", "")))


def _volume(media: Media, slots: Slots) -> Media:
    return replace(media, volume=_percent(slots.get("volume_level", media.volume)), muted=False)


def _volume_step(media: Media, slots: Slots) -> Media:
    step = slots.get("volume_step", "up")
    by = {"up": VOLUME_STEP, "down": -VOLUME_STEP}.get(step, 0) if isinstance(step, str) else step
    return replace(media, volume=_percent(media.volume + by), muted=False)


def _item_added(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Todo) or "item" not in slots or len(thing.items) >= MOST_ITEMS:
        return None
    return Todo((*thing.items, str(slots["item"])))


def _item_removed(thing: Thing, slots: Slots) -> Thing | None:
    if not isinstance(thing, Todo):
        return None
    item = str(slots.get("item", "")).casefold()
    left = tuple(one for one in thing.items if one.casefold() != item)
    return Todo(left) if len(left) < len(thing.items) else None


def _cleaning(thing: Thing, slots: Slots) -> Thing | None:
    return Vacuum("cleaning", str(slots.get("area", ""))) if isinstance(thing, Vacuum) else None


def _docked(thing: Thing, _slots: Slots) -> Thing | None:
    return Vacuum("docked") if isinstance(thing, Vacuum) else None


def _mowing(thing: Thing, _slots: Slots) -> Thing | None:
    return Mower(mowing=True) if isinstance(thing, Mower) else None


def _parked(thing: Thing, _slots: Slots) -> Thing | None:
    return Mower(mowing=False) if isinstance(thing, Mower) else None


_CHANGES: Mapping[str, Callable[[Thing, Slots], Thing | None]] = {
    "HassTurnOn": _turned_on,
    "HassTurnOff": _turned_off,
    "HassLightSet": _lit,
    "HassSetPosition": _positioned,
    "HassFanSetSpeed": _fanned,
    "HassClimateSetTemperature": _heated,
    "HassClimateSetFanMode": _fan_mode,
    "HassMediaUnpause": _media(lambda media, _: replace(media, on=True, playing=True)),
    "HassMediaPause": _media(lambda media, _: replace(media, playing=False)),
    "HassMediaNext": _media(lambda media, _: replace(media, track=media.track + 1)),
    "HassMediaPrevious": _media(lambda media, _: replace(media, track=max(1, media.track - 1))),
    "HassMediaSearchAndPlay": _media(_found),
    "HassMediaPlayerMute": _media(lambda media, _: replace(media, muted=True)),
    "HassMediaPlayerUnmute": _media(lambda media, _: replace(media, muted=False)),
    "HassSetVolume": _media(_volume),
    "HassSetVolumeRelative": _media(_volume_step),
    "HassListAddItem": _item_added,
    "HassShoppingListAddItem": _item_added,
    "HassListRemoveItem": _item_removed,
    "HassListCompleteItem": _item_removed,
    "HassShoppingListCompleteItem": _item_removed,
    "HassVacuumStart": _cleaning,
    "HassVacuumCleanArea": _cleaning,
    "HassVacuumReturnToBase": _docked,
    "HassLawnMowerStartMowing": _mowing,
    "HassLawnMowerDock": _parked,
}
