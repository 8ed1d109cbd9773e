"""Home Assistant's states as the things that questions are answered about."""

from collections.abc import Callable, Mapping
from typing import Any

from wyoming_rosie_intent.actors.home_assistant.states import State
from wyoming_rosie_intent.entity_states import (
    Alarm,
    Climate,
    Cover,
    Fan,
    Light,
    Lock,
    Media,
    Mower,
    Outlook,
    Report,
    Sensor,
    Switch,
    Thing,
    Todo,
    Vacuum,
    Weather,
)

_NOT_KNOWN = frozenset({"unavailable", "unknown"})
_ALIKE_NUMBERS = 12.0
"""Of 255: shades between whose channels there is less than this are white or grey."""
_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (160, "green"), (200, "turquoise"), (260, "blue"), (290, "purple"), (340, "pink"), (361, "red"))  # fmt: skip
"""The colour up to each angle of hue, in degrees."""


def thing(domain: str, state: State | None, more: Mapping[str, Any] | None = None) -> Thing:
    """Return how a thing is; `more` is what the service said that tells the items of a list or the weather to come."""
    if state is None or state.value in _NOT_KNOWN:
        return Report("unavailable")
    match domain:
        case "todo":
            return Report("unavailable") if more is None else Todo(_items(more))
        case "weather":
            return Weather(state.value, _degrees(state.attributes, "temperature"), _outlooks(more or {}))
        case _:
            made = _BY_DOMAIN[domain](state) if domain in _BY_DOMAIN else None
            return made or Report(state.value)


def _light(state: State) -> Thing:
    of = state.attributes
    brightness = round(_number(of, "brightness", 255) / 2.55)
    return Light(
        state.value == "on", brightness, _color(of.get("hs_color")), int(_number(of, "color_temp_kelvin", 2700))
    )


def _color(hs: object) -> str:
    if not isinstance(hs, (list, tuple)) or len(hs) != 2 or float(hs[1]) < _ALIKE_NUMBERS:
        return "white"
    return next(name for end, name in _HUES if float(hs[0]) < end)


def _cover(state: State) -> Thing:
    is_open = state.value in {"open", "opening"}
    return Cover(max(1, round(_number(state.attributes, "current_position", 100))) if is_open else 0)


def _lock(state: State) -> Thing | None:
    return Lock(state.value == "locked") if state.value in {"locked", "unlocked"} else None


def _climate(state: State) -> Thing | None:
    of = state.attributes
    if not isinstance(of.get("current_temperature"), (int, float)):
        return None
    between = (_number(of, "target_temp_low", 20) + _number(of, "target_temp_high", 20)) / 2
    mode = str(of.get("fan_mode") or "auto")
    return Climate(state.value != "off", float(of["current_temperature"]), _number(of, "temperature", between), mode)


def _media(state: State) -> Thing:
    of = state.attributes
    is_on = state.value not in {"off", "standby"}
    volume = round(100 * _number(of, "volume_level", 0))
    title, is_muted = str(of.get("media_title") or ""), bool(of.get("is_volume_muted"))
    return Media(on=is_on, playing=state.value == "playing", title=title, volume=volume, muted=is_muted)


def _sensor(state: State) -> Thing | None:
    try:
        return Sensor(float(state.value), str(state.attributes.get("unit_of_measurement") or ""))
    except ValueError:
        return None


def _items(more: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(item.get("summary", "")) for item in more.get("items", ()))


def _outlooks(more: Mapping[str, Any]) -> tuple[Outlook, ...]:
    return tuple(one for day in more.get("forecast") or () if (one := _outlook(day)) is not None)


def _outlook(day: Mapping[str, Any]) -> Outlook | None:
    high = _degrees(day, "temperature")
    if high is None:
        return None
    low, rain = _degrees(day, "templow"), _degrees(day, "precipitation_probability")
    state, date = str(day.get("condition") or "unknown"), str(day.get("datetime", ""))[:10]
    return Outlook(date, state, high if low is None else low, high, None if rain is None else round(rain))


def _on_off(state: State) -> Thing:
    return Switch(state.value == "on")


def _degrees(attributes: Mapping[str, Any], name: str) -> float | None:
    value = attributes.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _number(attributes: Mapping[str, Any], name: str, other: float) -> float:
    value = attributes.get(name)
    return float(value) if isinstance(value, (int, float)) else other


_BY_DOMAIN: Mapping[str, Callable[[State], Thing | None]] = {
    "alarm_control_panel": lambda state: Alarm() if state.value == "disarmed" else None,
    "automation": _on_off,
    "climate": _climate,
    "cover": _cover,
    "fan": lambda state: Fan(state.value == "on", round(_number(state.attributes, "percentage", 100))),
    "humidifier": _on_off,
    "input_boolean": _on_off,
    "input_number": _sensor,
    "lawn_mower": lambda state: Mower(mowing=True) if state.value == "mowing" else None,
    "light": _light,
    "lock": _lock,
    "media_player": _media,
    "number": _sensor,
    "remote": _on_off,
    "sensor": _sensor,
    "siren": _on_off,
    "switch": _on_off,
    "vacuum": lambda state: Vacuum(state.value),
    "valve": _cover,
    "water_heater": _climate,
}
