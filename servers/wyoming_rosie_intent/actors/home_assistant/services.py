"""From an intent to Home Assistant's services: which one, with what, and by which states it is seen to have worked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.actors.demo.intents import VOLUME_STEP
from wyoming_rosie_intent.actors.home_assistant.states import State
from wyoming_rosie_intent.engine import Match, Value

Slots: TypeAlias = Mapping[str, Value]
Data: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One service call; `shows` are the states of which each entity soon has one, none where nothing can be seen."""

    domain: str
    service: str
    entities: tuple[str, ...]
    data: Data = field(default_factory=dict)
    shows: frozenset[str] = frozenset()


Make: TypeAlias = Callable[[Slots], Call | None]
_ON, _OFF = frozenset({"on"}), frozenset({"off"})
_OPEN, _CLOSED = frozenset({"open", "opening"}), frozenset({"closed", "closing"})
_LOCKED, _UNLOCKED = frozenset({"locked", "locking"}), frozenset({"unlocked", "unlocking", "open", "opening"})


def calls(match: Match, entities: Sequence[Entity], states: Mapping[str, State]) -> tuple[Call, ...]:
    """Return what carries out an intent, without the entities that can do no such thing."""
    made: list[Call] = []
    for entity in entities:
        call = _call(match, entity, states)
        if call is not None:
            _add(made, call)
    return tuple(made)


def _add(made: list[Call], call: Call) -> None:
    """Join calls that differ in their entities only, so that lights go on together."""
    for position, other in enumerate(made):
        if replace(other, entities=()) == replace(call, entities=()):
            made[position] = replace(other, entities=(*other.entities, *call.entities))
            return
    made.append(call)


def _call(match: Match, entity: Entity, states: Mapping[str, State]) -> Call | None:
    if match.intent == "HassSetVolumeRelative" and entity.domain == "media_player":
        return _louder(match.values, entity, states.get(entity.id))
    found = _BY_DOMAIN.get((match.intent, entity.domain))
    call = found(match.values) if found else None
    return replace(call, domain=entity.domain, entities=(entity.id,)) if call else None


def _plain(service: str, shows: frozenset[str] = frozenset()) -> Make:
    return lambda _: Call("", service, (), {}, shows)


def _with(service: str, data: Callable[[Slots], Data], *needed: str) -> Make:
    """Make a call whose data come from slots, if those that it needs are there."""
    return lambda slots: Call("", service, (), data(slots)) if slots.keys() >= set(needed) else None


def _percent(value: Value) -> int:
    return min(100, max(0, round(float(value))))


def _lit(slots: Slots) -> Call | None:
    data: dict[str, Any] = {}
    if "brightness" in slots:
        data["brightness_pct"] = _percent(slots["brightness"])
    if "color" in slots:
        data["color_name"] = str(slots["color"]).replace(" ", "").casefold()
    elif "temperature" in slots:
        data["color_temp_kelvin"] = round(float(slots["temperature"]))
    if not data:
        return None
    return Call("", "turn_on", (), data, _OFF if data.get("brightness_pct") == 0 else _ON)


def _louder(slots: Slots, entity: Entity, state: State | None) -> Call | None:
    step = slots.get("volume_step", "up")
    if isinstance(step, str):
        step = {"up": VOLUME_STEP, "down": -VOLUME_STEP}.get(step, 0)
    now = state.attributes.get("volume_level") if state else None
    if not isinstance(now, (int, float)):
        return None
    return Call("media_player", "volume_set", (entity.id,), {"volume_level": _percent(100 * now + step) / 100})


def _cleaned(slots: Slots) -> Call:
    return Call("", "clean_area", (), {"cleaning_area_id": [str(slots.get("area", ""))]})


_MUTED, _UNMUTED = ({"is_volume_muted": True}, {"is_volume_muted": False})
_ADDED: Make = _with("add_item", lambda slots: {"item": str(slots["item"])}, "item")
_COMPLETED: Make = _with("update_item", lambda slots: {"item": str(slots["item"]), "status": "completed"}, "item")
_WARMED: Make = _with("set_temperature", lambda slots: {"temperature": float(slots["temperature"])}, "temperature")
_POSITION: Callable[[Slots], Data] = lambda slots: {"position": _percent(slots["position"])}  # noqa: E731 - one of a table


def _switched() -> Iterator[tuple[tuple[str, str], Make]]:
    for domain in ("automation", "fan", "humidifier", "input_boolean", "light", "remote", "siren", "switch"):
        yield ("HassTurnOn", domain), _plain("turn_on", _ON)
        yield ("HassTurnOff", domain), _plain("turn_off", _OFF)
    for domain in ("climate", "media_player", "water_heater"):
        yield ("HassTurnOn", domain), _plain("turn_on")
        yield ("HassTurnOff", domain), _plain("turn_off")
    for domain in ("scene", "script"):
        yield ("HassTurnOn", domain), _plain("turn_on")
    for domain in ("button", "input_button"):
        yield ("HassTurnOn", domain), _plain("press")


_BY_DOMAIN: Mapping[tuple[str, str], Make] = {
    **dict(_switched()),
    ("HassTurnOff", "script"): _plain("turn_off"),
    ("HassTurnOn", "cover"): _plain("open_cover", _OPEN),
    ("HassTurnOff", "cover"): _plain("close_cover", _CLOSED),
    ("HassTurnOn", "valve"): _plain("open_valve", _OPEN),
    ("HassTurnOff", "valve"): _plain("close_valve", _CLOSED),
    ("HassTurnOn", "lock"): _plain("lock", _LOCKED),
    ("HassTurnOff", "lock"): _plain("unlock", _UNLOCKED),
    ("HassTurnOn", "alarm_control_panel"): _plain("alarm_arm_away"),
    ("HassTurnOff", "alarm_control_panel"): _plain("alarm_disarm"),
    ("HassTurnOn", "vacuum"): _plain("start"),
    ("HassTurnOff", "vacuum"): _plain("return_to_base"),
    ("HassTurnOn", "lawn_mower"): _plain("start_mowing"),
    ("HassTurnOff", "lawn_mower"): _plain("dock"),
    ("HassLightSet", "light"): _lit,
    ("HassSetPosition", "cover"): _with("set_cover_position", _POSITION, "position"),
    ("HassSetPosition", "valve"): _with("set_valve_position", _POSITION, "position"),
    ("HassFanSetSpeed", "fan"): _with(
        "set_percentage", lambda slots: {"percentage": _percent(slots["percentage"])}, "percentage"
    ),
    ("HassClimateSetTemperature", "climate"): _WARMED,
    ("HassClimateSetTemperature", "water_heater"): _WARMED,
    ("HassClimateSetFanMode", "climate"): _with(
        "set_fan_mode", lambda slots: {"fan_mode": str(slots["fan_mode"])}, "fan_mode"
    ),
    ("HassMediaUnpause", "media_player"): _plain("media_play"),
    ("HassMediaPause", "media_player"): _plain("media_pause"),
    ("HassMediaNext", "media_player"): _plain("media_next_track"),
    ("HassMediaPrevious", "media_player"): _plain("media_previous_track"),
    ("HassMediaPlayerMute", "media_player"): lambda _: Call("", "volume_mute", (), _MUTED),
    ("HassMediaPlayerUnmute", "media_player"): lambda _: Call("", "volume_mute", (), _UNMUTED),
    ("HassMediaSearchAndPlay", "media_player"): _with(
        "play_media",
        lambda slots: {"media_content_id": str(slots["search_query"]), "media_content_type": "music"},
        "search_query",
    ),
    ("HassSetVolume", "media_player"): _with(
        "volume_set", lambda slots: {"volume_level": _percent(slots["volume_level"]) / 100}, "volume_level"
    ),
    ("HassListAddItem", "todo"): _ADDED,
    ("HassShoppingListAddItem", "todo"): _ADDED,
    ("HassListRemoveItem", "todo"): _with("remove_item", lambda slots: {"item": [str(slots["item"])]}, "item"),
    ("HassListCompleteItem", "todo"): _COMPLETED,
    ("HassShoppingListCompleteItem", "todo"): _COMPLETED,
    ("HassVacuumStart", "vacuum"): _plain("start"),
    ("HassVacuumCleanArea", "vacuum"): _cleaned,
    ("HassVacuumReturnToBase", "vacuum"): _plain("return_to_base"),
    ("HassLawnMowerStartMowing", "lawn_mower"): _plain("start_mowing"),
    ("HassLawnMowerDock", "lawn_mower"): _plain("dock"),
}
"""What makes the call of an intent on a domain; its domain and entities are filled in afterwards."""
