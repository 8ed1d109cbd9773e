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
        ("HassTurnOn", "climate.a", {"state": "heat"}, {"hvac_mode": "cool"}, []),
        ("HassHumidifierMode", "humidifier.a", {"state": "on"}, {"mode": "eco"}, []),
        ("HassStopMoving", "vacuum.a", {"state": "cleaning"}, {}, []),
        ("HassSetPosition", "cover.a", {"state": "open", "current_position": 70}, {"position": 10}, [("HassSetPosition", {"position": 70})]),
        ("HassTurnOff", "cover.a", {"state": "open"}, {}, [("HassTurnOn", {})]),
        ("HassFanSetSpeed", "fan.a", {"state": "on", "percentage": 33}, {"percentage": 99}, [("HassFanSetSpeed", {"percentage": 33})]),
        ("HassSetVolume", "media_player.a", {"state": "playing", "volume_level": 30}, {"volume_level": 80}, [("HassSetVolume", {"volume_level": 30})]),
        ("HassMediaPause", "media_player.a", {"state": "playing"}, {}, [("HassMediaUnpause", {})]),
        ("HassTurnOn", "scene.a", {"state": "x"}, {}, []),
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
