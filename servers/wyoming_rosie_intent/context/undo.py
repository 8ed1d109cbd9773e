"""What puts a command back: the state before it as commands. Attributes are those of both actors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import TRIGGER, Command, Match, SlotAlternatives, SlotValue
from wyoming_rosie_intent.execution.policy import is_query_intent

Attributes: TypeAlias = Mapping[str, object]
_OPPOSITES = {
    "HassListAddItem": "HassListRemoveItem",
    "HassListRemoveItem": "HassListAddItem",
    "HassShoppingListAddItem": "HassListRemoveItem",
    "HassMediaNext": "HassMediaPrevious",
    "HassMediaPrevious": "HassMediaNext",
    "HassMediaPlayerMute": "HassMediaPlayerUnmute",
    "HassMediaPlayerUnmute": "HassMediaPlayerMute",
    "HassIncreaseTimer": "HassDecreaseTimer",
    "HassDecreaseTimer": "HassIncreaseTimer",
    "HassPauseTimer": "HassUnpauseTimer",
    "HassUnpauseTimer": "HassPauseTimer",
}
_BY_STATE = {
    "vacuum": {
        "cleaning": "HassVacuumStart",
        "docked": "HassVacuumReturnToBase",
        "returning": "HassVacuumReturnToBase",
        "paused": "HassStopMoving",
        "idle": "HassStopMoving",
    },
    "lawn_mower": {
        "mowing": "HassLawnMowerStartMowing",
        "docked": "HassLawnMowerDock",
        "returning": "HassLawnMowerDock",
        "paused": "HassStopMoving",
    },
}
"""Intents that bring a machine into a state."""
_ARMED = "armed_"
_ARM_MODES = frozenset({"away", "home", "night", "vacation"})
_WITHOUT_OPPOSITE = frozenset({"scene", "script", "button", "input_button", "todo", "weather", "sensor"})
"""Domains whose commands nothing puts back."""
NO_PRESET = "none"
"""Home Assistant's name for no preset."""
_TIMER_LENGTH = ("hours", "minutes", "seconds")
_CLOCK_CHARACTERS = len("HH:MM")
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
    return tuple(
        Command(restored, (entity,))
        for entity in command.targets
        for restored in _restore(match, entity, before.get(entity.id, {}))
    )


def find_unknown(commands: Sequence[Command]) -> tuple[Entity, ...]:
    """Return the targets of commands that could be put back, if it were known how they were before."""
    acted = (command for command in commands if not is_query_intent(command.match.intent))
    return tuple(entity for command in acted for entity in command.targets if entity.domain not in _WITHOUT_OPPOSITE)


def _restore(match: Match, entity: Entity, before: Attributes) -> tuple[Match, ...]:
    """Return the commands that give an entity the state that it had; none if that is not known."""
    found = _restore_setpoint(match, entity, before) if entity.domain == "humidifier" else ()
    last = _restore_one(match, entity, before)
    return (*found, last) if last is not None else found


def _restore_one(match: Match, entity: Entity, before: Attributes) -> Match | None:
    if (opposite := _OPPOSITES.get(match.intent)) is not None:
        return _command(opposite, entity, match, {slot: match.slots[slot] for slot in ("item",) if slot in match.slots})
    state = str(before.get("state", ""))
    match entity.domain:
        case "light" if state == "on" and match.intent == "HassLightSet":
            return _restore_light(match, entity, before)
        case "fan" if state == "on":
            return _restore_fan(match, entity, before)
        case "cover" | "valve" if (position := _number(before, "position", "current_position")) is not None:
            return _command("HassSetPosition", entity, match, {"position": position})
        case "climate":
            return _restore_climate(match, entity, before)
        case "vacuum" | "lawn_mower":
            intent = _BY_STATE[entity.domain].get(state)
            return None if intent is None else _command(intent, entity, match)
        case "alarm_control_panel":
            return _restore_alarm_panel(match, entity, state)
        case "media_player" if match.intent.startswith("HassSetVolume"):
            return _command("HassSetVolume", entity, match, {"volume_level": _number(before, "volume", "volume_level")})
        case "media_player" if match.intent.startswith("HassMedia"):
            return _command("HassMediaUnpause" if state == "playing" else "HassMediaPause", entity, match)
        case domain if domain in _WITHOUT_OPPOSITE:
            return None
        case "lock":  # Home Assistant turns a lock on to lock it
            return _command("HassTurnOff" if state in _OPEN_STATES else "HassTurnOn", entity, match)
        case "cover" | "valve":
            return _command("HassTurnOn" if state in _OPEN_STATES else "HassTurnOff", entity, match)
    return _restore_switch(match, entity, state)


def _restore_switch(match: Match, entity: Entity, state: str) -> Match | None:
    """Return the command that turns an entity on or off again."""
    turns_on = match.intent in {"HassLightSet", "HassFanSetSpeed", "HassHumidifierSetpoint", "HassHumidifierMode"}
    is_switched = match.intent in {"HassTurnOn", "HassTurnOff"} or (state == "off" and turns_on)
    if not is_switched or match.slots.get("action") == TRIGGER or state in {"", "unavailable", "unknown"}:
        return None
    return _command("HassTurnOff" if state == "off" else "HassTurnOn", entity, match)


def _restore_alarm_panel(match: Match, entity: Entity, state: str) -> Match | None:
    """Return the command that arms or disarms a panel again; None for one that was about to, or rang."""
    if state == "disarmed":
        return _command("HassTurnOff", entity, match)
    mode = state.removeprefix(_ARMED)
    is_known = state.startswith(_ARMED) and mode in _ARM_MODES
    return _command("HassTurnOn", entity, match, {"arm_mode": mode}) if is_known else None


def _restore_fan(match: Match, entity: Entity, before: Attributes) -> Match | None:
    """Return the command for the preset of a fan that was on, else for its speed."""
    if preset := _text(before, "preset_mode", "preset"):
        return _command("HassTurnOn", entity, match, {"preset_mode": preset})
    speed = _number(before, "speed", "percentage")
    return (
        _restore_switch(match, entity, "on")
        if speed is None
        else _command("HassFanSetSpeed", entity, match, {"percentage": speed})
    )


def _restore_climate(match: Match, entity: Entity, before: Attributes) -> Match | None:
    """Return the command for what the undone one has set: a temperature, a fan mode, a preset, or the mode."""
    mode = _text(before, "hvac_mode", "state")  # Home Assistant's state is the mode
    if match.intent == "HassClimateSetFanMode":
        return _command(match.intent, entity, match, {"fan_mode": _text(before, "fan_mode")})
    if before.get("state") == "off":
        return _command("HassTurnOff", entity, match)
    if match.intent == "HassClimateSetTemperature":
        key = "target" if "target" in before else "temperature"
        return _command(match.intent, entity, match, {"temperature": _number(before, key)})
    if "preset_mode" in match.slots:
        preset = before.get("preset_mode", before.get("preset"))
        return _command(
            "HassTurnOn",
            entity,
            match,
            {"preset_mode": NO_PRESET if preset == "" else _text({"preset": preset}, "preset")},
        )
    is_known = mode is not None and mode not in {"unavailable", "unknown"}
    return _command("HassTurnOn", entity, match, {"hvac_mode": mode}) if is_known else None


def _restore_setpoint(match: Match, entity: Entity, before: Attributes) -> tuple[Match, ...]:
    """Return the command for the humidity or the mode that the undone one has set."""
    value: SlotValue | None
    match match.intent:
        case "HassHumidifierSetpoint":
            slot, value = "humidity", _number(before, "humidity")
        case "HassHumidifierMode":
            slot, value = "mode", _text(before, "mode")
        case _:
            return ()
    restored = _command(match.intent, entity, match, {slot: value})
    return () if restored is None else (restored,)


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


def _text(before: Attributes, *keys: str) -> str | None:
    values = (before.get(key) for key in keys)
    return next((value for value in values if isinstance(value, str) and value), None)


def _cancel_timer(match: Match) -> Match:
    if "alarm" in match.slots:
        return Match("HassCancelTimer", _select_alarm(match), match.text, language=match.language)
    length = {f"start_{part}": match.slots[part] for part in _TIMER_LENGTH if part in match.slots}
    name = {slot: match.slots[slot] for slot in ("name",) if slot in match.slots}
    return Match("HassCancelTimer", name or length, match.text, language=match.language)


def _select_alarm(match: Match) -> Mapping[str, SlotValue]:
    """Return the slots that select the alarm or the reminder that a command has set."""
    slots = match.slot_values
    found: dict[str, SlotValue] = {"kind": "reminder" if slots["alarm"] == "reminder" else "alarm"}
    found |= {"clock": str(slots["at"]).partition("T")[2][:_CLOCK_CHARACTERS]} if "at" in slots else {}
    return found | ({"name": slots["name"]} if "name" in slots else {})
