"""Maps intents to Home Assistant service calls with their data and expected states."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from wyoming_rosie.home.home_assistant.client import ServiceCall
from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import TRIGGER, Match, SlotValue

Slots: TypeAlias = Mapping[str, SlotValue]
Data: TypeAlias = Mapping[str, Any]
CreateCall: TypeAlias = Callable[[Slots], ServiceCall | None]
_ON, _OFF = frozenset({"on"}), frozenset({"off"})
_OPEN, _CLOSED = frozenset({"open", "opening"}), frozenset({"closed", "closing"})
_ARM_MODES = frozenset({"away", "home", "night", "vacation"})
_LOCKED, _UNLOCKED = frozenset({"locked", "locking"}), frozenset({"unlocked", "unlocking", "open", "opening"})


def create_calls(match: Match, entities: Sequence[Entity]) -> tuple[ServiceCall, ...]:
    """Create the calls for an intent; entities that do not support it are left out."""
    made: list[ServiceCall] = []
    for entity in entities:
        call = _create_call(match, entity)
        if call is not None:
            _merge_call(made, call)
    return tuple(made)


def _merge_call(made: list[ServiceCall], call: ServiceCall) -> None:
    """Merge calls that differ only in their entities, so that lights turn on together."""
    for position, other in enumerate(made):
        if replace(other, entities=()) == replace(call, entities=()):
            made[position] = replace(other, entities=(*other.entities, *call.entities))
            return
    made.append(call)


def _create_call(match: Match, entity: Entity) -> ServiceCall | None:
    found = _BY_DOMAIN.get((match.intent, entity.domain))
    call = found(match.slot_values) if found else None
    return replace(call, domain=entity.domain, entities=(entity.id,)) if call else None


def _simple_call(service: str, shows: frozenset[str] = frozenset()) -> CreateCall:
    return lambda _: ServiceCall("", service, (), {}, shows)


def _call_with_data(service: str, data: Callable[[Slots], Data], *needed: str) -> CreateCall:
    """Return a factory of calls with data from slots; without the needed slots there is no call."""
    return lambda slots: ServiceCall("", service, (), data(slots)) if slots.keys() >= set(needed) else None


def _clamp_percent(value: SlotValue) -> int:
    return min(100, max(0, round(float(value))))


def _set_light(slots: Slots) -> ServiceCall | None:
    data: dict[str, Any] = {}
    if "brightness" in slots:
        data["brightness_pct"] = _clamp_percent(slots["brightness"])
    if "color" in slots:
        data["color_name"] = str(slots["color"]).replace(" ", "").casefold()
    elif "temperature" in slots:
        data["color_temp_kelvin"] = round(float(slots["temperature"]))
    if not data:
        return None
    return ServiceCall("", "turn_on", (), data, _OFF if data.get("brightness_pct") == 0 else _ON)


def _turn_on_in_mode(slots: Slots) -> ServiceCall:
    if "hvac_mode" in slots:
        return ServiceCall("", "set_hvac_mode", (), {"hvac_mode": str(slots["hvac_mode"])})
    return _turn_on_with_preset(slots)


def _turn_on_with_preset(slots: Slots) -> ServiceCall:
    if "preset_mode" in slots:
        return ServiceCall("", "set_preset_mode", (), {"preset_mode": str(slots["preset_mode"])})
    return ServiceCall("", "turn_on", (), {})


def _turn_on_automation(slots: Slots) -> ServiceCall:
    if slots.get("action") == TRIGGER:
        return ServiceCall("", "trigger", (), {})
    return ServiceCall("", "turn_on", (), {}, _ON)


def _turn_on_fan(slots: Slots) -> ServiceCall:
    return replace(_turn_on_with_preset(slots), expected_states=_ON)


def _arm(slots: Slots) -> ServiceCall | None:
    mode = str(slots.get("arm_mode", "away"))
    return ServiceCall("", f"alarm_arm_{mode}", (), {}) if mode in _ARM_MODES else None


def _clean_area(slots: Slots) -> ServiceCall:
    return ServiceCall("", "clean_area", (), {"cleaning_area_id": [str(slots.get("area", ""))]})


_MUTED, _UNMUTED = ({"is_volume_muted": True}, {"is_volume_muted": False})
_ADDED: CreateCall = _call_with_data("add_item", lambda slots: {"item": str(slots["item"])}, "item")
_COMPLETED: CreateCall = _call_with_data(
    "update_item", lambda slots: {"item": str(slots["item"]), "status": "completed"}, "item"
)
_WARMED: CreateCall = _call_with_data(
    "set_temperature", lambda slots: {"temperature": float(slots["temperature"])}, "temperature"
)
_POSITION: Callable[[Slots], Data] = lambda slots: {"position": _clamp_percent(slots["position"])}  # noqa: E731 - one of a table


def _switch_calls() -> Iterator[tuple[tuple[str, str], CreateCall]]:
    for domain in ("automation", "fan", "humidifier", "input_boolean", "light", "remote", "siren", "switch"):
        yield ("HassTurnOn", domain), _simple_call("turn_on", _ON)
        yield ("HassTurnOff", domain), _simple_call("turn_off", _OFF)
    for domain in ("climate", "media_player", "water_heater"):
        yield ("HassTurnOn", domain), _simple_call("turn_on")
        yield ("HassTurnOff", domain), _simple_call("turn_off")
    for domain in ("scene", "script"):
        yield ("HassTurnOn", domain), _simple_call("turn_on")
    for domain in ("button", "input_button"):
        yield ("HassTurnOn", domain), _simple_call("press")


_BY_DOMAIN: Mapping[tuple[str, str], CreateCall] = {
    **dict(_switch_calls()),
    ("HassTurnOn", "automation"): _turn_on_automation,
    ("HassTurnOn", "climate"): _turn_on_in_mode,
    ("HassTurnOn", "fan"): _turn_on_fan,
    ("HassTurnOff", "script"): _simple_call("turn_off"),
    ("HassTurnOn", "cover"): _simple_call("open_cover", _OPEN),
    ("HassTurnOff", "cover"): _simple_call("close_cover", _CLOSED),
    ("HassTurnOn", "valve"): _simple_call("open_valve", _OPEN),
    ("HassTurnOff", "valve"): _simple_call("close_valve", _CLOSED),
    ("HassTurnOn", "lock"): _simple_call("lock", _LOCKED),
    ("HassTurnOff", "lock"): _simple_call("unlock", _UNLOCKED),
    ("HassTurnOn", "alarm_control_panel"): _arm,
    ("HassTurnOff", "alarm_control_panel"): _simple_call("alarm_disarm"),
    ("HassTurnOn", "vacuum"): _simple_call("start"),
    ("HassTurnOff", "vacuum"): _simple_call("return_to_base"),
    ("HassTurnOn", "lawn_mower"): _simple_call("start_mowing"),
    ("HassTurnOff", "lawn_mower"): _simple_call("dock"),
    ("HassLightSet", "light"): _set_light,
    ("HassSetPosition", "cover"): _call_with_data("set_cover_position", _POSITION, "position"),
    ("HassSetPosition", "valve"): _call_with_data("set_valve_position", _POSITION, "position"),
    ("HassFanSetSpeed", "fan"): _call_with_data(
        "set_percentage", lambda slots: {"percentage": _clamp_percent(slots["percentage"])}, "percentage"
    ),
    ("HassClimateSetTemperature", "climate"): _WARMED,
    ("HassClimateSetTemperature", "water_heater"): _WARMED,
    ("HassClimateSetFanMode", "climate"): _call_with_data(
        "set_fan_mode", lambda slots: {"fan_mode": str(slots["fan_mode"])}, "fan_mode"
    ),
    ("HassHumidifierSetpoint", "humidifier"): _call_with_data(
        "set_humidity", lambda slots: {"humidity": _clamp_percent(slots["humidity"])}, "humidity"
    ),
    ("HassHumidifierMode", "humidifier"): _call_with_data(
        "set_mode", lambda slots: {"mode": str(slots["mode"])}, "mode"
    ),
    ("HassStopMoving", "cover"): _simple_call("stop_cover"),
    ("HassStopMoving", "valve"): _simple_call("stop_valve"),
    ("HassStopMoving", "vacuum"): _simple_call("pause"),
    ("HassStopMoving", "lawn_mower"): _simple_call("pause"),
    ("HassMediaUnpause", "media_player"): _simple_call("media_play"),
    ("HassMediaPause", "media_player"): _simple_call("media_pause"),
    ("HassMediaNext", "media_player"): _simple_call("media_next_track"),
    ("HassMediaPrevious", "media_player"): _simple_call("media_previous_track"),
    ("HassMediaPlayerMute", "media_player"): lambda _: ServiceCall("", "volume_mute", (), _MUTED),
    ("HassMediaPlayerUnmute", "media_player"): lambda _: ServiceCall("", "volume_mute", (), _UNMUTED),
    ("HassMediaSearchAndPlay", "media_player"): _call_with_data(
        "play_media",
        lambda slots: {"media_content_id": str(slots["search_query"]), "media_content_type": "music"},
        "search_query",
    ),
    ("HassSetVolume", "media_player"): _call_with_data(
        "volume_set", lambda slots: {"volume_level": _clamp_percent(slots["volume_level"]) / 100}, "volume_level"
    ),
    ("HassListAddItem", "todo"): _ADDED,
    ("HassShoppingListAddItem", "todo"): _ADDED,
    ("HassListRemoveItem", "todo"): _call_with_data(
        "remove_item", lambda slots: {"item": [str(slots["item"])]}, "item"
    ),
    ("HassListCompleteItem", "todo"): _COMPLETED,
    ("HassShoppingListCompleteItem", "todo"): _COMPLETED,
    ("HassVacuumStart", "vacuum"): _simple_call("start"),
    ("HassVacuumCleanArea", "vacuum"): _clean_area,
    ("HassVacuumReturnToBase", "vacuum"): _simple_call("return_to_base"),
    ("HassLawnMowerStartMowing", "lawn_mower"): _simple_call("start_mowing"),
    ("HassLawnMowerDock", "lawn_mower"): _simple_call("dock"),
}
"""Factories of calls by intent and domain; domain and entities are filled in afterwards."""
