"""Maps intents to Home Assistant service calls with their data and expected states."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from wyoming_rosie.home.home_assistant.client import ServiceCall
from wyoming_rosie.home.home_assistant.states import ReportedState
from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.actors.demo.intents import VOLUME_STEP
from wyoming_rosie_intent.engine import Match, SlotValue

Slots: TypeAlias = Mapping[str, SlotValue]
Data: TypeAlias = Mapping[str, Any]
CreateCall: TypeAlias = Callable[[Slots], ServiceCall | None]
_ON, _OFF = frozenset({"on"}), frozenset({"off"})
_OPEN, _CLOSED = frozenset({"open", "opening"}), frozenset({"closed", "closing"})
_LOCKED, _UNLOCKED = frozenset({"locked", "locking"}), frozenset({"unlocked", "unlocking", "open", "opening"})


def create_calls(
    match: Match, entities: Sequence[Entity], states: Mapping[str, ReportedState]
) -> tuple[ServiceCall, ...]:
    """Create the calls for an intent; entities that do not support it are left out."""
    made: list[ServiceCall] = []
    for entity in entities:
        call = _create_call(match, entity, states)
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


def _create_call(match: Match, entity: Entity, states: Mapping[str, ReportedState]) -> ServiceCall | None:
    if match.intent == "HassSetVolumeRelative" and entity.domain == "media_player":
        return _change_volume(match.slot_values, entity, states.get(entity.id))
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


def _change_volume(slots: Slots, entity: Entity, state: ReportedState | None) -> ServiceCall | None:
    step = slots.get("volume_step", "up")
    if isinstance(step, str):
        step = {"up": VOLUME_STEP, "down": -VOLUME_STEP}.get(step, 0)
    now = state.attributes.get("volume_level") if state else None
    if not isinstance(now, (int, float)):
        return None
    return ServiceCall(
        "media_player", "volume_set", (entity.id,), {"volume_level": _clamp_percent(100 * now + step) / 100}
    )


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
    ("HassTurnOff", "script"): _simple_call("turn_off"),
    ("HassTurnOn", "cover"): _simple_call("open_cover", _OPEN),
    ("HassTurnOff", "cover"): _simple_call("close_cover", _CLOSED),
    ("HassTurnOn", "valve"): _simple_call("open_valve", _OPEN),
    ("HassTurnOff", "valve"): _simple_call("close_valve", _CLOSED),
    ("HassTurnOn", "lock"): _simple_call("lock", _LOCKED),
    ("HassTurnOff", "lock"): _simple_call("unlock", _UNLOCKED),
    ("HassTurnOn", "alarm_control_panel"): _simple_call("alarm_arm_away"),
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
