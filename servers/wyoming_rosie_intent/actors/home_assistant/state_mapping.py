"""Converts Home Assistant's states to entity states."""

from collections.abc import Callable, Mapping
from typing import Any

from wyoming_rosie.home.home_assistant.states import ReportedState
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie_intent.entity_states import (
    AlarmPanelState,
    ClimateState,
    CoverState,
    DailyForecast,
    EntityState,
    FanState,
    HumidifierState,
    LawnMowerState,
    LightState,
    LockState,
    MediaPlayerState,
    PlainState,
    SensorState,
    SwitchState,
    TodoListState,
    VacuumState,
    WeatherState,
)

_UNAVAILABLE = frozenset({"unavailable", "unknown"})
_MIN_SATURATION = 12.0
"""Saturation in percent below which a colour is white."""
_HUES = ((15, "red"), (45, "orange"), (70, "yellow"), (160, "green"), (200, "turquoise"), (260, "blue"), (290, "purple"), (340, "pink"), (361, "red"))  # fmt: skip
"""Colour names by the end of their range of hue, in degrees."""


def to_entity_state(domain: str, state: ReportedState | None, more: Mapping[str, Any] | None = None) -> EntityState:
    """Convert a state; `more` is the service response with the items of a list or the forecast."""
    if state is None or state.value in _UNAVAILABLE:
        return PlainState("unavailable")
    match domain:
        case "todo":
            return PlainState("unavailable") if more is None else TodoListState(_get_items(more))
        case "weather":
            return WeatherState(state.value, _get_float(state.attributes, "temperature"), _get_forecast(more or {}))
        case _:
            made = _BY_DOMAIN[domain](state) if domain in _BY_DOMAIN else None
            return made or PlainState(state.value)


def _to_light(state: ReportedState) -> EntityState:
    attributes = state.attributes
    brightness = round(_get_number(attributes, "brightness", 255) / 2.55)
    return LightState(
        state.value == "on",
        brightness,
        _color_name(attributes.get("hs_color")),
        int(_get_number(attributes, "color_temp_kelvin", 2700)),
    )


def _color_name(hs: object) -> str:
    if not isinstance(hs, (list, tuple)) or len(hs) != 2 or float(hs[1]) < _MIN_SATURATION:
        return "white"
    return next(name for end, name in _HUES if float(hs[0]) < end)


def _to_cover(state: ReportedState) -> EntityState:
    is_open = state.value in {"open", "opening"}
    return CoverState(max(1, round(_get_number(state.attributes, "current_position", 100))) if is_open else 0)


def _to_lock(state: ReportedState) -> EntityState | None:
    return LockState(state.value == "locked") if state.value in {"locked", "unlocked"} else None


def _to_climate(state: ReportedState) -> EntityState | None:
    attributes = state.attributes
    if not isinstance(attributes.get("current_temperature"), (int, float)):
        return None
    between = (_get_number(attributes, "target_temp_low", 20) + _get_number(attributes, "target_temp_high", 20)) / 2
    return ClimateState(
        state.value != "off",
        float(attributes["current_temperature"]),
        _get_number(attributes, "temperature", between),
        str(attributes.get("fan_mode") or "auto"),
        _get_number(attributes, "min_temp", 5),
        _get_number(attributes, "max_temp", 35),
        state.value,
        str(attributes.get("preset_mode") or ""),
    )


def _to_fan(state: ReportedState) -> EntityState:
    attributes = state.attributes
    speed, step = round(_get_number(attributes, "percentage", 100)), _get_number(attributes, "percentage_step", 1)
    return FanState(state.value == "on", speed, step, str(attributes.get("preset_mode") or ""))


def _to_humidifier(state: ReportedState) -> EntityState:
    attributes = state.attributes
    return HumidifierState(
        state.value == "on", round(_get_number(attributes, "humidity", 50)), str(attributes.get("mode") or "")
    )


def _to_media_player(state: ReportedState) -> EntityState:
    attributes = state.attributes
    is_on = state.value not in {"off", "standby"}
    level = _get_float(attributes, "volume_level")
    volume = None if level is None else round(100 * level)
    title, is_muted = str(attributes.get("media_title") or ""), bool(attributes.get("is_volume_muted"))
    return MediaPlayerState(on=is_on, playing=state.value == "playing", title=title, volume=volume, muted=is_muted)


def _to_sensor(state: ReportedState) -> EntityState | None:
    try:
        return SensorState(float(state.value), str(state.attributes.get("unit_of_measurement") or ""))
    except ValueError:
        return None


def _get_items(more: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(item.get("summary", "")) for item in more.get("items", ()))


def _get_forecast(more: Mapping[str, Any]) -> tuple[DailyForecast, ...]:
    return tuple(forecast for day in more.get("forecast") or () if (forecast := _to_daily_forecast(day)) is not None)


def _to_daily_forecast(day: Mapping[str, Any]) -> DailyForecast | None:
    high = _get_float(day, "temperature")
    if high is None:
        return None
    low, rain = _get_float(day, "templow"), _get_float(day, "precipitation_probability")
    state, date = str(day.get("condition") or "unknown"), str(day.get("datetime", ""))[:10]
    return DailyForecast(date, state, high if low is None else low, high, None if rain is None else round(rain))


def _to_switch(state: ReportedState) -> EntityState:
    return SwitchState(state.value == "on")


def _get_float(attributes: Mapping[str, Any], name: str) -> float | None:
    return parse_number(attributes.get(name))


def _get_number(attributes: Mapping[str, Any], name: str, other: float) -> float:
    value = parse_number(attributes.get(name))
    return other if value is None else value


_BY_DOMAIN: Mapping[str, Callable[[ReportedState], EntityState | None]] = {
    "alarm_control_panel": lambda state: AlarmPanelState() if state.value == "disarmed" else None,
    "automation": _to_switch,
    "climate": _to_climate,
    "cover": _to_cover,
    "fan": _to_fan,
    "humidifier": _to_humidifier,
    "input_boolean": _to_switch,
    "input_number": _to_sensor,
    "lawn_mower": lambda state: LawnMowerState(mowing=True) if state.value == "mowing" else None,
    "light": _to_light,
    "lock": _to_lock,
    "media_player": _to_media_player,
    "number": _to_sensor,
    "remote": _to_switch,
    "sensor": _to_sensor,
    "siren": _to_switch,
    "switch": _to_switch,
    "vacuum": lambda state: VacuumState(state.value),
    "valve": _to_cover,
    "water_heater": _to_climate,
}
