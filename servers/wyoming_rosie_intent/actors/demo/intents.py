"""Effects of intents on entity states, as pure functions with values kept in range."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie_intent.engine import TRIGGER, SlotValue
from wyoming_rosie_intent.entity_states import (
    ActivationCount,
    AlarmPanelState,
    ClimateState,
    CoverState,
    EntityState,
    FanState,
    HumidifierState,
    LawnMowerState,
    LightState,
    LockState,
    MediaPlayerState,
    SwitchState,
    TodoListState,
    VacuumState,
)

Slots: TypeAlias = Mapping[str, SlotValue]
MAX_ITEMS = 100


def apply_intent(state: EntityState, intent: str, slots: Slots) -> EntityState | None:
    """Return the state after the intent; None when the entity does not support it."""
    change = _CHANGES.get(intent)
    return change(state, slots) if change else None


def _clamp_percent(value: SlotValue) -> int:
    return min(100, max(0, round(float(value))))


def _turn_on(state: EntityState, slots: Slots) -> EntityState | None:
    match state:
        case SwitchState() if slots.get("action") == TRIGGER:
            return state
        case FanState():
            return replace(state, on=True, preset=_get_preset(slots, state.preset))
        case ClimateState():
            mode, preset = slots.get("hvac_mode", state.hvac_mode), _get_preset(slots, state.preset)
            return replace(state, on=mode != "off", hvac_mode=str(mode), preset=preset)
        case LightState() | SwitchState() | HumidifierState() | MediaPlayerState():
            return replace(state, on=True)
        case CoverState():
            return CoverState(100)
        case LockState():
            return LockState(locked=True)
        case AlarmPanelState():
            return AlarmPanelState(armed=True, mode=str(slots.get("arm_mode", "away")))
        case ActivationCount():
            return ActivationCount(state.runs + 1)
        case _:
            return None


def _get_preset(slots: Slots, preset: str) -> str:
    wanted = str(slots.get("preset_mode", preset))
    return "" if wanted == "none" else wanted  # Home Assistant's name for no preset


def _turn_off(state: EntityState, _slots: Slots) -> EntityState | None:
    match state:
        case LightState() | SwitchState() | FanState() | ClimateState() | HumidifierState():
            return replace(state, on=False)
        case MediaPlayerState():
            return replace(state, on=False, playing=False)
        case CoverState():
            return CoverState(0)
        case LockState():
            return LockState(locked=False)
        case AlarmPanelState():
            return AlarmPanelState(armed=False)
        case _:
            return None


def _set_light(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, LightState):
        return None
    brightness = _clamp_percent(slots.get("brightness", state.brightness))
    color = str(slots.get("color", "white" if "temperature" in slots else state.color))
    return LightState(
        brightness > 0, brightness or state.brightness, color, int(slots.get("temperature", state.kelvin))
    )


def _set_position(state: EntityState, slots: Slots) -> EntityState | None:
    return (
        CoverState(_clamp_percent(slots["position"])) if isinstance(state, CoverState) and "position" in slots else None
    )


def _set_fan_speed(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, FanState) or "percentage" not in slots:
        return None
    speed = _clamp_percent(slots["percentage"])
    return replace(state, on=speed > 0, speed=speed or state.speed, preset="")


def _set_temperature(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, ClimateState) or "temperature" not in slots:
        return None
    return replace(state, on=True, target=float(slots["temperature"]))


def _set_fan_mode(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, ClimateState) or "fan_mode" not in slots:
        return None
    return replace(state, fan_mode=str(slots["fan_mode"]))


def _set_humidity(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, HumidifierState) or "humidity" not in slots:
        return None
    return replace(state, on=True, humidity=_clamp_percent(slots["humidity"]))


def _set_humidifier_mode(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, HumidifierState) or "mode" not in slots:
        return None
    return replace(state, on=True, mode=str(slots["mode"]))


def _stop_moving(state: EntityState, _slots: Slots) -> EntityState | None:
    match state:
        case CoverState() | LawnMowerState():
            return state
        case VacuumState():
            return replace(state, state="paused")
        case _:
            return None


def _change_media(
    change: Callable[[MediaPlayerState, Slots], MediaPlayerState],
) -> Callable[[EntityState, Slots], EntityState | None]:
    return lambda state, slots: change(state, slots) if isinstance(state, MediaPlayerState) else None


def _play_media(media: MediaPlayerState, slots: Slots) -> MediaPlayerState:
    return replace(media, on=True, playing=True, track=1, title=str(slots.get("search_query", "")))


def _set_volume(media: MediaPlayerState, slots: Slots) -> MediaPlayerState:
    volume = _clamp_percent(slots["volume_level"]) if "volume_level" in slots else media.volume
    return replace(media, volume=volume, muted=False)


def _add_item(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, TodoListState) or "item" not in slots or len(state.items) >= MAX_ITEMS:
        return None
    return TodoListState((*state.items, str(slots["item"])))


def _remove_item(state: EntityState, slots: Slots) -> EntityState | None:
    if not isinstance(state, TodoListState):
        return None
    item = str(slots.get("item", "")).casefold()
    remaining = tuple(other for other in state.items if other.casefold() != item)
    return TodoListState(remaining) if len(remaining) < len(state.items) else None


def _start_cleaning(state: EntityState, slots: Slots) -> EntityState | None:
    return VacuumState("cleaning", str(slots.get("area", ""))) if isinstance(state, VacuumState) else None


def _return_to_base(state: EntityState, _slots: Slots) -> EntityState | None:
    return VacuumState("docked") if isinstance(state, VacuumState) else None


def _start_mowing(state: EntityState, _slots: Slots) -> EntityState | None:
    return LawnMowerState(mowing=True) if isinstance(state, LawnMowerState) else None


def _stop_mowing(state: EntityState, _slots: Slots) -> EntityState | None:
    return LawnMowerState(mowing=False) if isinstance(state, LawnMowerState) else None


_CHANGES: Mapping[str, Callable[[EntityState, Slots], EntityState | None]] = {
    "HassTurnOn": _turn_on,
    "HassTurnOff": _turn_off,
    "HassLightSet": _set_light,
    "HassSetPosition": _set_position,
    "HassFanSetSpeed": _set_fan_speed,
    "HassClimateSetTemperature": _set_temperature,
    "HassClimateSetFanMode": _set_fan_mode,
    "HassHumidifierSetpoint": _set_humidity,
    "HassHumidifierMode": _set_humidifier_mode,
    "HassStopMoving": _stop_moving,
    "HassMediaUnpause": _change_media(lambda media, _: replace(media, on=True, playing=True)),
    "HassMediaPause": _change_media(lambda media, _: replace(media, playing=False)),
    "HassMediaNext": _change_media(lambda media, _: replace(media, track=media.track + 1)),
    "HassMediaPrevious": _change_media(lambda media, _: replace(media, track=max(1, media.track - 1))),
    "HassMediaSearchAndPlay": _change_media(_play_media),
    "HassMediaPlayerMute": _change_media(lambda media, _: replace(media, muted=True)),
    "HassMediaPlayerUnmute": _change_media(lambda media, _: replace(media, muted=False)),
    "HassSetVolume": _change_media(_set_volume),
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
