from dataclasses import asdict, fields
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.home.model import DOMAINS
from wyoming_rosie_intent.actors.demo.intents import MAX_ITEMS, apply_intent
from wyoming_rosie_intent.engine import SlotValue
from wyoming_rosie_intent.entity_states import (
    BY_DOMAIN,
    ClimateState,
    CoverState,
    EntityState,
    FanState,
    LightState,
    LockState,
    TodoListState,
)

INTENTS = [
    "HassTurnOn", "HassTurnOff", "HassLightSet", "HassSetPosition", "HassFanSetSpeed", "HassClimateSetTemperature", "HassClimateSetFanMode",
    "HassMediaUnpause", "HassMediaPause", "HassMediaNext", "HassMediaPrevious", "HassMediaSearchAndPlay", "HassMediaPlayerMute",
    "HassMediaPlayerUnmute", "HassSetVolume", "HassListAddItem", "HassListRemoveItem", "HassVacuumStart",
    "HassVacuumCleanArea", "HassVacuumReturnToBase", "HassStopMoving", "HassHumidifierSetpoint", "HassHumidifierMode", "HassNoSuchIntent",
]  # fmt: skip
slots = st.fixed_dictionaries(
    {},
    optional={
        "brightness": st.integers(-50, 200),
        "color": st.sampled_from(["red", "green"]),
        "position": st.integers(-50, 200),
        "percentage": st.integers(-50, 200),
        "temperature": st.integers(1, 10000),
        "volume_level": st.floats(-50, 200),
        "humidity": st.integers(-50, 200),
        "hvac_mode": st.sampled_from(["heat", "off"]),
        "preset_mode": st.sampled_from(["eco"]),
        "arm_mode": st.sampled_from(["night"]),
        "mode": st.sampled_from(["sleep"]),
        "item": st.sampled_from(["milk", "Milk", "salt"]),
        "search_query": st.text(max_size=9),
        "fan_mode": st.sampled_from(["low", "high"]),
        "area": st.sampled_from(["Kitchen"]),
    },
)


def percentages(thing: EntityState) -> list[int]:
    names = {"brightness", "humidity", "position", "speed", "volume"}
    return [getattr(thing, field.name) for field in fields(thing) if field.name in names]


@given(st.sampled_from(sorted(BY_DOMAIN)), st.lists(st.tuples(st.sampled_from(INTENTS), slots), max_size=20))
def test_a_thing_stays_what_it_is_and_within_its_bounds(
    domain: str, story: list[tuple[str, dict[str, SlotValue]]]
) -> None:
    thing = kind = BY_DOMAIN[domain]()
    for intent, values in story:
        thing = apply_intent(thing, intent, values) or thing
        assert type(thing) is type(kind)
        assert all(0 <= value <= 100 for value in percentages(thing))
        assert isinstance(thing.state, str)
        assert thing.state
        assert asdict(thing) is not None


def test_every_domain_of_a_home_has_its_kind_of_thing() -> None:
    assert BY_DOMAIN.keys() == DOMAINS
    assert {type(make()) for make in BY_DOMAIN.values()} == set(get_args(EntityState))


def test_a_light_that_is_dimmed_to_nothing_is_off_and_remembers_its_brightness() -> None:
    dark = apply_intent(LightState(on=True, brightness=40), "HassLightSet", {"brightness": 0})
    assert dark == LightState(on=False, brightness=40)


def test_colour_and_brightness_turn_a_light_on() -> None:
    assert apply_intent(LightState(), "HassLightSet", {"color": "green"}) == LightState(on=True, color="green")
    assert apply_intent(LightState(), "HassLightSet", {"brightness": 20}) == LightState(on=True, brightness=20)


def test_white_temperature_ends_a_colour() -> None:
    assert apply_intent(LightState(color="red"), "HassLightSet", {"temperature": 2700}) == LightState(
        on=True, color="white", kelvin=2700
    )


def test_on_and_off_mean_locked_and_unlocked_open_and_closed() -> None:
    assert apply_intent(LockState(locked=False), "HassTurnOn", {}) == LockState(locked=True)
    assert apply_intent(LockState(), "HassTurnOff", {}) == LockState(locked=False)
    assert apply_intent(CoverState(), "HassTurnOn", {}) == CoverState(100)
    assert apply_intent(CoverState(30), "HassTurnOff", {}) == CoverState(0)


def test_a_fan_that_is_given_a_speed_runs_and_at_none_stops() -> None:
    assert apply_intent(FanState(), "HassFanSetSpeed", {"percentage": 40}) == FanState(on=True, speed=40)
    assert apply_intent(FanState(on=True, speed=40), "HassFanSetSpeed", {"percentage": 0}) == FanState(
        on=False, speed=40
    )


def test_the_room_is_not_at_once_as_warm_as_was_told() -> None:
    assert apply_intent(ClimateState(on=False), "HassClimateSetTemperature", {"temperature": 23.5}) == ClimateState(
        on=True, target=23.5
    )


def test_a_list_is_bounded_and_forgets_what_is_taken_off() -> None:
    full = TodoListState(tuple(str(number) for number in range(MAX_ITEMS)))
    assert apply_intent(full, "HassListAddItem", {"item": "milk"}) is None
    assert apply_intent(TodoListState(("Milk", "salt")), "HassListRemoveItem", {"item": "milk"}) == TodoListState(
        ("salt",)
    )
    assert apply_intent(TodoListState(("salt",)), "HassListRemoveItem", {"item": "milk"}) is None


def test_a_lamp_cannot_be_locked_nor_a_lock_be_coloured() -> None:
    assert apply_intent(LockState(), "HassLightSet", {"color": "red"}) is None
    assert apply_intent(LightState(), "HassSetPosition", {"position": 5}) is None
