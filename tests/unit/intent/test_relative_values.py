"""Relative values: "a bit brighter" depends on the present state, stays in range and says what it became."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.actors.demo import state
from wyoming_rosie_intent.engine import Command, Match, SlotValue
from wyoming_rosie_intent.entity_states import (
    ClimateState,
    CoverState,
    EntityState,
    FanState,
    HumidifierState,
    LightState,
    MediaPlayerState,
    PlainState,
)
from wyoming_rosie_intent.execution.relative_values import resolve_steps

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LAMP, SPOT = Entity("light.lamp", "Lamp", "light"), Entity("light.spot", "Spot", "light")

STEPS: list[tuple[str, dict[str, SlotValue], EntityState, str, dict[str, SlotValue]]] = [
    ("HassLightSet", {"brightness_step": "up"}, LightState(on=True, brightness=40), "HassLightSet", {"brightness": 60}),
    ("HassLightSet", {"brightness_step": -10}, LightState(on=True, brightness=40), "HassLightSet", {"brightness": 30}),
    ("HassLightSet", {"brightness_step": "up"}, LightState(brightness=80), "HassLightSet", {"brightness": 20}),
    ("HassLightSet", {"brightness_step": "down"}, LightState(on=True, brightness=5), "HassLightSet", {"brightness": 1}),
    ("HassLightSet", {"temperature_step": "down"}, LightState(on=True, kelvin=2200), "HassLightSet", {"temperature": 2000}),
    ("HassLightSet", {"temperature_step": "down", "brightness_step": "up"}, LightState(on=True, brightness=40), "HassLightSet", {"brightness": 60, "temperature": 2200}),
    ("HassClimateSetTemperature", {"temperature_step": 2}, ClimateState(target=20.5), "HassClimateSetTemperature", {"temperature": 22.5}),
    ("HassClimateSetTemperature", {"temperature_step": "up"}, ClimateState(target=30, highest=30), "HassClimateSetTemperature", {"temperature": 30}),
    ("HassFanSetSpeed", {"percentage_step": "down"}, FanState(on=True, speed=33, step=33), "HassFanSetSpeed", {"percentage": 33}),
    ("HassFanSetSpeed", {"percentage_step": "down"}, FanState(on=True, speed=100, step=100 / 3), "HassFanSetSpeed", {"percentage": 67}),
    ("HassSetPosition", {"position_step": "up"}, CoverState(90), "HassSetPosition", {"position": 100}),
    ("HassSetVolumeRelative", {"volume_step": -20}, MediaPlayerState(volume=95), "HassSetVolume", {"volume_level": 75}),
    ("HassHumidifierSetpoint", {"humidity_step": "down"}, HumidifierState(humidity=50), "HassHumidifierSetpoint", {"humidity": 45}),
]  # fmt: skip


@pytest.mark.parametrize(("intent", "slots", "now", "new_intent", "values"), STEPS)
def test_a_step_starts_from_the_present_value(
    intent: str, slots: dict[str, SlotValue], now: EntityState, new_intent: str, values: dict[str, SlotValue]
) -> None:
    (resolved,) = resolve_steps(Command(Match(intent, slots), (LAMP,)), {LAMP.id: now})
    assert (resolved.match.intent, resolved.match.slots, resolved.targets) == (new_intent, values, (LAMP,))


@given(st.booleans(), st.integers(1, 100), st.one_of(st.sampled_from(["up", "down", "?"]), st.integers(-300, 300)))
def test_a_light_stays_between_its_darkest_and_its_brightest(on: bool, brightness: int, step: SlotValue) -> None:
    command = Command(Match("HassLightSet", {"brightness_step": step}), (LAMP,))
    resolved = resolve_steps(command, {LAMP.id: LightState(on=on, brightness=brightness)})
    assert all(1 <= float(str(part.match.slots["brightness"])) <= 100 for part in resolved)
    assert bool(resolved) is on or (isinstance(step, int) and step > 0) or step == "up"


def act(slots: Mapping[str, SlotValue], states: Mapping[str, EntityState]) -> tuple[Mapping[str, EntityState], str]:
    command = Command(Match("HassLightSet", {"domain": "light", **slots}, domain="light"), (LAMP, SPOT))
    states, answer = state.execute(states, command, NOW)
    return states, answer.text


def test_only_the_lights_that_are_on_change() -> None:
    on = LightState(on=True, brightness=40)
    after, text = act({"brightness_step": "down"}, {LAMP.id: on, SPOT.id: LightState()})
    assert after == {LAMP.id: LightState(on=True, brightness=20), SPOT.id: LightState()}
    assert text == "Set the Lamp to 20 percent."


def test_a_light_that_is_off_takes_two_steps_as_well() -> None:
    after, text = act(
        {"brightness_step": "up", "temperature_step": "up"}, {LAMP.id: LightState(), SPOT.id: LightState()}
    )
    assert after == {one: LightState(on=True, brightness=20, kelvin=3200) for one in (LAMP.id, SPOT.id)}
    assert text == "Set all the lights to 20 percent and 3200 kelvin."


def test_lights_of_different_brightness_keep_their_difference() -> None:
    states = {LAMP.id: LightState(on=True, brightness=40), SPOT.id: LightState(on=True, brightness=60)}
    after, text = act({"brightness_step": 10}, states)
    assert after == {LAMP.id: LightState(on=True, brightness=50), SPOT.id: LightState(on=True, brightness=70)}
    assert text == "Set all the lights to 50 to 70 percent."


def test_dark_lights_are_not_made_darker() -> None:
    states = {LAMP.id: LightState(), SPOT.id: LightState()}
    assert act({"brightness_step": "down"}, states) == (states, "All the lights are off.")


def test_what_cannot_be_read_is_not_changed() -> None:
    states = {LAMP.id: PlainState("unavailable"), SPOT.id: PlainState("unavailable")}
    after, text = act({"brightness_step": "up"}, states)
    assert (after, text) == (states, "Sorry, all the lights cannot do that.")


def test_a_command_without_a_step_stays_as_it_is() -> None:
    command = Command(Match("HassLightSet", {"brightness": 30}), (LAMP,))
    assert resolve_steps(command, {LAMP.id: LightState()}) == (command,)
