"""Relative values: turns steps such as "a bit brighter" into absolute values, by the present states."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import groupby
from typing import TypeAlias

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match, SlotValue
from wyoming_rosie_intent.entity_states import (
    ClimateState,
    CoverState,
    EntityState,
    FanState,
    HumidifierState,
    LightState,
    MediaPlayerState,
)


@dataclass(frozen=True)
class Setting:
    """A value that can be changed in steps, and its range."""

    value: float
    low: float
    high: float
    step: float  # of a change without an amount
    is_off: bool = False  # the entity is off, so that the value has no effect
    precision: float = 1


@dataclass(frozen=True)
class _RelativeSlot:
    """A slot with a step, and the intent and slot that set the absolute value."""

    step_slot: str
    intent: str
    slot: str
    read: Callable[[EntityState], Setting | None]


_Slots: TypeAlias = Mapping[str, _RelativeSlot]


def _read_brightness(state: EntityState) -> Setting | None:
    # a darker light stays on: turning it off is another command
    if not isinstance(state, LightState):
        return None
    return Setting(state.brightness if state.on else 0, 1, 100, 20, is_off=not state.on)


def _read_kelvin(state: EntityState) -> Setting | None:
    return Setting(state.kelvin, 2000, 6500, 500, is_off=not state.on) if isinstance(state, LightState) else None


def _read_target_temperature(state: EntityState) -> Setting | None:
    return (
        Setting(state.target, state.lowest, state.highest, 1, precision=0.5)
        if isinstance(state, ClimateState)
        else None
    )


def _read_speed(state: EntityState) -> Setting | None:
    if not isinstance(state, FanState):
        return None
    return Setting(state.speed if state.on else 0, round(state.step), 100, max(20, state.step), is_off=not state.on)


def _read_position(state: EntityState) -> Setting | None:
    return Setting(state.position, 0, 100, 20) if isinstance(state, CoverState) else None


def _read_volume(state: EntityState) -> Setting | None:
    if not isinstance(state, MediaPlayerState) or state.volume is None:
        return None
    return Setting(state.volume, 0, 100, 10)


def _read_humidity(state: EntityState) -> Setting | None:
    return Setting(state.humidity, 0, 100, 5) if isinstance(state, HumidifierState) else None


_BY_INTENT: Mapping[str, Sequence[_RelativeSlot]] = {
    "HassLightSet": (
        _RelativeSlot("brightness_step", "HassLightSet", "brightness", _read_brightness),
        _RelativeSlot("temperature_step", "HassLightSet", "temperature", _read_kelvin),
    ),
    "HassClimateSetTemperature": (
        _RelativeSlot("temperature_step", "HassClimateSetTemperature", "temperature", _read_target_temperature),
    ),
    "HassFanSetSpeed": (_RelativeSlot("percentage_step", "HassFanSetSpeed", "percentage", _read_speed),),
    "HassSetPosition": (_RelativeSlot("position_step", "HassSetPosition", "position", _read_position),),
    "HassSetVolumeRelative": (_RelativeSlot("volume_step", "HassSetVolume", "volume_level", _read_volume),),
    "HassHumidifierSetpoint": (_RelativeSlot("humidity_step", "HassHumidifierSetpoint", "humidity", _read_humidity),),
}


def resolve_steps(command: Command, states: Mapping[str, EntityState]) -> tuple[Command, ...]:
    """Return the command with absolute values, one command for each value; unchanged without a step.

    Targets that are off change only if all are and the step, the first of two, is up; none is left if there is nothing to change.
    """
    relative = _find_relative_slots(command.match)
    if not relative:
        return (command,)
    targets = _select_affected(command, relative[0], states)
    resolved = [(entity, _resolve(command.match, relative, states[entity.id])) for entity in targets]
    groups = groupby(sorted(resolved, key=lambda pair: str(pair[1].slots)), key=lambda pair: pair[1])
    return tuple(Command(match, tuple(entity for entity, _ in pairs)) for match, pairs in groups)


def _find_relative_slots(match: Match) -> Sequence[_RelativeSlot]:
    return [slot for slot in _BY_INTENT.get(match.intent, ()) if slot.step_slot in match.slots]


def _select_affected(command: Command, relative: _RelativeSlot, states: Mapping[str, EntityState]) -> Sequence[Entity]:
    """Return the targets that are on, or all if none is and the step makes them brighter or faster."""
    settings = {entity.id: relative.read(states[entity.id]) for entity in command.targets}
    on = [entity for entity in command.targets if (known := settings[entity.id]) is None or not known.is_off]
    if len(on) == len(command.targets) or any(settings[entity.id] is not None for entity in on):
        return on
    turns_on = relative.slot != "temperature" and _get_step(command.match, relative, 1) > 0
    return command.targets if turns_on else on


def _resolve(match: Match, relative: Sequence[_RelativeSlot], state: EntityState) -> Match:
    return reduce(lambda resolved, slot: _resolve_slot(resolved, slot, state), relative, match)


def _resolve_slot(match: Match, relative: _RelativeSlot, state: EntityState) -> Match:
    setting = relative.read(state)
    if setting is None:
        return match
    value = setting.value + _get_step(match, relative, setting.step)
    value = min(setting.high, max(setting.low, round(value / setting.precision) * setting.precision))
    slots = {slot: text for slot, text in match.slots.items() if slot != relative.step_slot}
    return replace(match, intent=relative.intent, slots={**slots, relative.slot: _shorten(value)})


def _get_step(match: Match, relative: _RelativeSlot, default: float) -> float:
    step = match.slots[relative.step_slot]
    if isinstance(step, (int, float)):
        return step
    return {"up": default, "down": -default}.get(str(step), 0)


def _shorten(value: float) -> SlotValue:
    return int(value) if float(value).is_integer() else value
