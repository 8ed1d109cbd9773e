"""What puts a command back: the state before it as commands. Attributes are those of both actors."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match, SlotAlternatives, SlotValue
from wyoming_rosie_intent.execution.policy import is_query_intent

Attributes: TypeAlias = Mapping[str, object]
_OPPOSITES = {
    "HassListAddItem": "HassListRemoveItem",
    "HassListRemoveItem": "HassListAddItem",
    "HassShoppingListAddItem": "HassListRemoveItem",
    "HassVacuumStart": "HassVacuumReturnToBase",
    "HassVacuumCleanArea": "HassVacuumReturnToBase",
    "HassVacuumReturnToBase": "HassVacuumStart",
    "HassLawnMowerStartMowing": "HassLawnMowerDock",
    "HassLawnMowerDock": "HassLawnMowerStartMowing",
    "HassMediaNext": "HassMediaPrevious",
    "HassMediaPrevious": "HassMediaNext",
    "HassMediaPlayerMute": "HassMediaPlayerUnmute",
    "HassMediaPlayerUnmute": "HassMediaPlayerMute",
    "HassIncreaseTimer": "HassDecreaseTimer",
    "HassDecreaseTimer": "HassIncreaseTimer",
    "HassPauseTimer": "HassUnpauseTimer",
    "HassUnpauseTimer": "HassPauseTimer",
}
_MODES = frozenset({"hvac_mode", "preset_mode", "arm_mode"})
"""Slots whose earlier values no command can set."""
_TIMER_LENGTH = ("hours", "minutes", "seconds")
_OPEN_STATES = frozenset({"open", "opening", "unlocked", "unlocking"})


def create_undo(command: Command, before: Mapping[str, Attributes]) -> tuple[Command, ...] | None:
    """Return the commands that put a command back, given its targets' attributes before; None for a question.

    What cannot be put back, such as a scene, is left out.
    """
    match = command.match
    if match.intent == "HassStartTimer":
        return (Command(_cancel_timer(match)),)
    if not command.targets and match.intent in _OPPOSITES:
        return (Command(replace(match, intent=_OPPOSITES[match.intent])),)
    if not command.targets or is_query_intent(match.intent):
        return None
    found = ((entity, _restore(match, entity, before.get(entity.id, {}))) for entity in command.targets)
    return tuple(Command(restored, (entity,)) for entity, restored in found if restored is not None)


def _restore(match: Match, entity: Entity, before: Attributes) -> Match | None:
    """Return the command that gives an entity the state that it had."""
    if (opposite := _OPPOSITES.get(match.intent)) is not None:
        return _command(opposite, entity, match, {slot: match.slots[slot] for slot in ("item",) if slot in match.slots})
    state = str(before.get("state", ""))
    match entity.domain:
        case "light" if state == "on" and match.intent == "HassLightSet":
            return _restore_light(match, entity, before)
        case "fan" if state == "on" and (speed := _number(before, "speed", "percentage")) is not None:
            return _command("HassFanSetSpeed", entity, match, {"percentage": speed})
        case "cover" | "valve" if (position := _number(before, "position", "current_position")) is not None:
            return _command("HassSetPosition", entity, match, {"position": position})
        case "climate" if match.intent == "HassClimateSetTemperature":
            key = "target" if "target" in before else "temperature"
            return _command(match.intent, entity, match, {"temperature": _number(before, key)})
        case "media_player" if match.intent.startswith("HassSetVolume"):
            return _command("HassSetVolume", entity, match, {"volume_level": _number(before, "volume", "volume_level")})
        case "media_player" if match.intent.startswith("HassMedia"):
            return _command("HassMediaUnpause" if state == "playing" else "HassMediaPause", entity, match)
        case "scene" | "script" | "button" | "input_button" | "todo" | "weather" | "sensor":
            return None
        case "lock":  # Home Assistant turns a lock on to lock it
            return _command("HassTurnOff" if state in _OPEN_STATES else "HassTurnOn", entity, match)
        case "cover" | "valve":
            return _command("HassTurnOn" if state in _OPEN_STATES else "HassTurnOff", entity, match)
    was_off = state == "off" and match.intent in {"HassLightSet", "HassFanSetSpeed"}
    is_switched = was_off or (match.intent in {"HassTurnOn", "HassTurnOff"} and _MODES.isdisjoint(match.slots))
    if not is_switched or not state or state in {"unavailable", "unknown"}:
        return None
    return _command("HassTurnOff" if state in {"off", "disarmed"} else "HassTurnOn", entity, match)


def _restore_light(match: Match, entity: Entity, before: Attributes) -> Match | None:
    """Return the command for the brightness or colour that the undone one has changed."""
    values: dict[str, SlotValue | None] = {}
    if any(slot.startswith("brightness") for slot in match.slots):
        values["brightness"] = _number(before, "brightness")
    if any(slot.startswith(("color", "temperature")) for slot in match.slots):
        color = before.get("color", "white")
        is_white = color == "white"
        values["temperature" if is_white else "color"] = (
            _number(before, "kelvin", "color_temp_kelvin") if is_white else str(color)
        )
    return _command("HassLightSet", entity, match, values)


def _command(
    intent: str, entity: Entity, undone: Match, values: Mapping[str, SlotValue | SlotAlternatives | None] | None = None
) -> Match | None:
    """Return a command for one entity; None if a value that it needs is not known."""
    known = {slot: value for slot, value in (values or {}).items() if value is not None}
    if len(known) < len(values or {}):
        return None
    return Match(intent, {"name": entity.name, **known}, undone.text, entity.domain, language=undone.language)


def _number(before: Attributes, *keys: str) -> float | int | None:
    values = (before.get(key) for key in keys)
    return next((value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)), None)


def _cancel_timer(match: Match) -> Match:
    length = {f"start_{part}": match.slots[part] for part in _TIMER_LENGTH if part in match.slots}
    name = {slot: match.slots[slot] for slot in ("name",) if slot in match.slots}
    return Match("HassCancelTimer", name or length, match.text, language=match.language)
