"""What each intent does to each kind of thing: pure, and never to a value out of bounds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie_intent.engine import SlotValue
from wyoming_rosie_intent.entity_states import (
    ActivationCount,
    AlarmPanelState,
    ClimateState,
    CoverState,
    EntityState,
    FanState,
    LawnMowerState,
    LightState,
    LockState,
    MediaPlayerState,
    SwitchState,
    TodoListState,
    VacuumState,
)

Slots: TypeAlias = Mapping[str, SlotValue]
VOLUME_STEP = 10
MAX_ITEMS = 100


def apply_intent(thing: EntityState, intent: str, slots: Slots) -> EntityState | None:
    """Return the thing after the intent was carried out on it; None when it can do no such thing."""
    change = _CHANGES.get(intent)
    return change(thing, slots) if change else None


def _clamp_percent(value: SlotValue) -> int:
    return min(100, max(0, round(float(value))))


def _turn_on(thing: EntityState, _slots: Slots) -> EntityState | None:
    match thing:
        case LightState() | SwitchState() | FanState() | ClimateState() | MediaPlayerState():
            return replace(thing, on=True)
        case CoverState():
            return CoverState(100)
        case LockState():
            return LockState(locked=True)
        case AlarmPanelState():
            return AlarmPanelState(armed=True)
        case ActivationCount():
            return ActivationCount(thing.runs + 1)
        case _:
            return None


def _turn_off(thing: EntityState, _slots: Slots) -> EntityState | None:
    match thing:
        case LightState() | SwitchState() | FanState() | ClimateState():
            return replace(thing, on=False)
        case MediaPlayerState():
            return replace(thing, on=False, playing=False)
        case CoverState():
            return CoverState(0)
        case LockState():
            return LockState(locked=False)
        case AlarmPanelState():
            return AlarmPanelState(armed=False)
        case _:
            return None


def _set_light(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, LightState):
        return None
    brightness = _clamp_percent(slots.get("brightness", thing.brightness))
    color = str(slots.get("color", "white" if "temperature" in slots else thing.color))
    return LightState(
        brightness > 0, brightness or thing.brightness, color, int(slots.get("temperature", thing.kelvin))
    )


def _set_position(thing: EntityState, slots: Slots) -> EntityState | None:
    return (
        CoverState(_clamp_percent(slots["position"])) if isinstance(thing, CoverState) and "position" in slots else None
    )


def _set_fan_speed(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, FanState) or "percentage" not in slots:
        return None
    speed = _clamp_percent(slots["percentage"])
    return FanState(speed > 0, speed or thing.speed)


def _set_temperature(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, ClimateState) or "temperature" not in slots:
        return None
    return replace(thing, on=True, target=float(slots["temperature"]))


def _set_fan_mode(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, ClimateState) or "fan_mode" not in slots:
        return None
    return replace(thing, fan_mode=str(slots["fan_mode"]))


def _change_media(
    change: Callable[[MediaPlayerState, Slots], MediaPlayerState],
) -> Callable[[EntityState, Slots], EntityState | None]:
    return lambda thing, slots: change(thing, slots) if isinstance(thing, MediaPlayerState) else None


def _play_media(media: MediaPlayerState, slots: Slots) -> MediaPlayerState:
    return replace(media, on=True, playing=True, track=1, title=str(slots.get("search_query", "")))


def _set_volume(media: MediaPlayerState, slots: Slots) -> MediaPlayerState:
    return replace(media, volume=_clamp_percent(slots.get("volume_level", media.volume)), muted=False)


def _change_volume(media: MediaPlayerState, slots: Slots) -> MediaPlayerState:
    step = slots.get("volume_step", "up")
    by = {"up": VOLUME_STEP, "down": -VOLUME_STEP}.get(step, 0) if isinstance(step, str) else step
    return replace(media, volume=_clamp_percent(media.volume + by), muted=False)


def _add_item(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, TodoListState) or "item" not in slots or len(thing.items) >= MAX_ITEMS:
        return None
    return TodoListState((*thing.items, str(slots["item"])))


def _remove_item(thing: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(thing, TodoListState):
        return None
    item = str(slots.get("item", "")).casefold()
    left = tuple(one for one in thing.items if one.casefold() != item)
    return TodoListState(left) if len(left) < len(thing.items) else None


def _start_cleaning(thing: EntityState, slots: Slots) -> EntityState | None:
    return VacuumState("cleaning", str(slots.get("area", ""))) if isinstance(thing, VacuumState) else None


def _return_to_base(thing: EntityState, _slots: Slots) -> EntityState | None:
    return VacuumState("docked") if isinstance(thing, VacuumState) else None


def _start_mowing(thing: EntityState, _slots: Slots) -> EntityState | None:
    return LawnMowerState(mowing=True) if isinstance(thing, LawnMowerState) else None


def _stop_mowing(thing: EntityState, _slots: Slots) -> EntityState | None:
    return LawnMowerState(mowing=False) if isinstance(thing, LawnMowerState) else None


_CHANGES: Mapping[str, Callable[[EntityState, Slots], EntityState | None]] = {
    "HassTurnOn": _turn_on,
    "HassTurnOff": _turn_off,
    "HassLightSet": _set_light,
    "HassSetPosition": _set_position,
    "HassFanSetSpeed": _set_fan_speed,
    "HassClimateSetTemperature": _set_temperature,
    "HassClimateSetFanMode": _set_fan_mode,
    "HassMediaUnpause": _change_media(lambda media, _: replace(media, on=True, playing=True)),
    "HassMediaPause": _change_media(lambda media, _: replace(media, playing=False)),
    "HassMediaNext": _change_media(lambda media, _: replace(media, track=media.track + 1)),
    "HassMediaPrevious": _change_media(lambda media, _: replace(media, track=max(1, media.track - 1))),
    "HassMediaSearchAndPlay": _change_media(_play_media),
    "HassMediaPlayerMute": _change_media(lambda media, _: replace(media, muted=True)),
    "HassMediaPlayerUnmute": _change_media(lambda media, _: replace(media, muted=False)),
    "HassSetVolume": _change_media(_set_volume),
    "HassSetVolumeRelative": _change_media(_change_volume),
    "HassListAddItem": _add_item,
    "HassShoppingListAddItem": _add_item,
    "HassListRemoveItem": _remove_item,
    "HassListCompleteItem": _remove_item,
    "HassShoppingListCompleteItem": _remove_item,
    "HassVacuumStart": _start_cleaning,
    "HassVacuumCleanArea": _start_cleaning,
    "HassVacuumReturnToBase": _return_to_base,
    "HassLawnMowerStartMowing": _start_mowing,
    "HassLawnMowerDock": _stop_mowing,
}
