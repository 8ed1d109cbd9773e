"""What puts a command back, and what nothing can."""

import pytest

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.context.undo import create_undo
from wyoming_rosie_intent.engine import Command, Match

Slots = dict[str, str | int | float]


def undone(intent: str, entity: str, before: dict[str, object], slots: Slots | None = None) -> list[tuple[str, Slots]]:
    target = Entity(entity, "It", entity.partition(".")[0])
    commands = create_undo(Command(Match(intent, slots or {}), (target,)), {entity: before})
    assert commands is not None
    return [
        (command.match.intent, {slot: value for slot, value in command.match.slots.items() if slot != "name"})  # type: ignore[misc]
        for command in commands
    ]


@pytest.mark.parametrize(
    ("intent", "entity", "before", "slots", "expected"),
    [
        ("HassTurnOn", "light.a", {"state": "off"}, {}, [("HassTurnOff", {})]),
        ("HassTurnOff", "light.a", {"state": "on", "brightness": 40}, {}, [("HassTurnOn", {})]),
        ("HassLightSet", "light.a", {"state": "on", "brightness": 40}, {"brightness": 9}, [("HassLightSet", {"brightness": 40})]),
        ("HassLightSet", "light.a", {"state": "on", "color_temp_kelvin": 2700}, {"color": "red"}, [("HassLightSet", {"temperature": 2700})]),
        ("HassLightSet", "light.a", {"state": "on", "hs_color": (30, 80)}, {"color": "red"}, []),
        ("HassLightSet", "light.a", {"state": "off"}, {"brightness": 9}, [("HassTurnOff", {})]),
        ("HassClimateSetTemperature", "climate.a", {"state": "heat", "temperature": 20.5}, {"temperature": 25}, [("HassClimateSetTemperature", {"temperature": 20.5})]),
        ("HassTurnOn", "climate.a", {"state": "heat"}, {"hvac_mode": "cool"}, [("HassTurnOn", {"hvac_mode": "heat"})]),
        ("HassTurnOn", "climate.a", {"state": "on", "hvac_mode": "heat"}, {"hvac_mode": "cool"}, [("HassTurnOn", {"hvac_mode": "heat"})]),
        ("HassTurnOn", "climate.a", {"state": "off", "hvac_mode": "heat"}, {"hvac_mode": "cool"}, [("HassTurnOff", {})]),
        ("HassTurnOff", "climate.a", {"state": "cool"}, {}, [("HassTurnOn", {"hvac_mode": "cool"})]),
        ("HassTurnOn", "climate.a", {"state": "unknown"}, {"hvac_mode": "cool"}, []),
        ("HassTurnOn", "climate.a", {"state": "heat", "preset_mode": "home"}, {"preset_mode": "away"}, [("HassTurnOn", {"preset_mode": "home"})]),
        ("HassTurnOn", "climate.a", {"state": "on", "preset": ""}, {"preset_mode": "away"}, [("HassTurnOn", {"preset_mode": "none"})]),
        ("HassTurnOn", "climate.a", {"state": "heat", "preset_mode": None}, {"preset_mode": "away"}, []),
        ("HassClimateSetFanMode", "climate.a", {"state": "cool", "fan_mode": "low"}, {"fan_mode": "high"}, [("HassClimateSetFanMode", {"fan_mode": "low"})]),
        ("HassClimateSetFanMode", "climate.a", {"state": "cool"}, {"fan_mode": "high"}, []),
        ("HassTurnOn", "fan.a", {"state": "on", "preset_mode": "sleep"}, {"preset_mode": "auto"}, [("HassTurnOn", {"preset_mode": "sleep"})]),
        ("HassTurnOn", "fan.a", {"state": "on", "preset": "", "speed": 60}, {"preset_mode": "auto"}, [("HassFanSetSpeed", {"percentage": 60})]),
        ("HassTurnOn", "fan.a", {"state": "off"}, {"preset_mode": "auto"}, [("HassTurnOff", {})]),
        ("HassHumidifierSetpoint", "humidifier.a", {"state": "on", "humidity": 45}, {"humidity": 60}, [("HassHumidifierSetpoint", {"humidity": 45})]),
        ("HassHumidifierSetpoint", "humidifier.a", {"state": "off", "humidity": 45}, {"humidity": 60}, [("HassHumidifierSetpoint", {"humidity": 45}), ("HassTurnOff", {})]),
        ("HassHumidifierMode", "humidifier.a", {"state": "on", "mode": "home"}, {"mode": "eco"}, [("HassHumidifierMode", {"mode": "home"})]),
        ("HassHumidifierMode", "humidifier.a", {"state": "on"}, {"mode": "eco"}, []),
        ("HassTurnOn", "alarm_control_panel.a", {"state": "disarmed"}, {"arm_mode": "away"}, [("HassTurnOff", {})]),
        ("HassTurnOn", "alarm_control_panel.a", {"state": "armed_home"}, {"arm_mode": "away"}, [("HassTurnOn", {"arm_mode": "home"})]),
        ("HassTurnOff", "alarm_control_panel.a", {"state": "armed_night"}, {}, [("HassTurnOn", {"arm_mode": "night"})]),
        ("HassTurnOff", "alarm_control_panel.a", {"state": "triggered"}, {}, []),
        ("HassTurnOff", "alarm_control_panel.a", {"state": "armed_custom_bypass"}, {}, []),
        ("HassVacuumStart", "vacuum.a", {"state": "docked"}, {}, [("HassVacuumReturnToBase", {})]),
        ("HassVacuumStart", "vacuum.a", {"state": "paused"}, {}, [("HassStopMoving", {})]),
        ("HassVacuumStart", "vacuum.a", {"state": "error"}, {}, []),
        ("HassStopMoving", "vacuum.a", {"state": "cleaning"}, {}, [("HassVacuumStart", {})]),
        ("HassTurnOn", "lawn_mower.a", {"state": "docked"}, {}, [("HassLawnMowerDock", {})]),
        ("HassLawnMowerDock", "lawn_mower.a", {"state": "mowing"}, {}, [("HassLawnMowerStartMowing", {})]),
        ("HassTurnOff", "media_player.a", {"state": "idle"}, {}, [("HassTurnOn", {})]),
        ("HassSetPosition", "cover.a", {"state": "open", "current_position": 70}, {"position": 10}, [("HassSetPosition", {"position": 70})]),
        ("HassTurnOff", "cover.a", {"state": "open"}, {}, [("HassTurnOn", {})]),
        ("HassFanSetSpeed", "fan.a", {"state": "on", "percentage": 33}, {"percentage": 99}, [("HassFanSetSpeed", {"percentage": 33})]),
        ("HassSetVolume", "media_player.a", {"state": "playing", "volume_level": 30}, {"volume_level": 80}, [("HassSetVolume", {"volume_level": 30})]),
        ("HassMediaPause", "media_player.a", {"state": "playing"}, {}, [("HassMediaUnpause", {})]),
        ("HassTurnOn", "scene.a", {"state": "x"}, {}, []),
        ("HassTurnOn", "automation.a", {"state": "on"}, {"action": "trigger"}, []),
        ("HassTurnOn", "automation.a", {"state": "off"}, {}, [("HassTurnOff", {})]),
        ("HassTurnOn", "switch.a", {"state": "unavailable"}, {}, []),
        ("HassTurnOn", "switch.a", {}, {}, []),
    ],
)  # fmt: skip
def test_a_command_is_put_back_by_the_state_before_it(
    intent: str, entity: str, before: dict[str, object], slots: Slots, expected: list[tuple[str, Slots]]
) -> None:
    assert undone(intent, entity, before, slots) == expected


def test_a_question_changes_nothing() -> None:
    assert create_undo(Command(Match("HassGetState"), (Entity("light.a", "It", "light"),)), {}) is None
