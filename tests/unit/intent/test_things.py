from dataclasses import asdict, fields
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.home.model import DOMAINS
from wyoming_rosie_intent.actors.demo.intents import MOST_ITEMS, changed
from wyoming_rosie_intent.engine import Value
from wyoming_rosie_intent.entity_states import BY_DOMAIN, Climate, Cover, Fan, Light, Lock, Media, Thing, Todo

INTENTS = [
    "HassTurnOn", "HassTurnOff", "HassLightSet", "HassSetPosition", "HassFanSetSpeed", "HassClimateSetTemperature", "HassClimateSetFanMode",
    "HassMediaUnpause", "HassMediaPause", "HassMediaNext", "HassMediaPrevious", "HassMediaSearchAndPlay", "HassMediaPlayerMute",
    "HassMediaPlayerUnmute", "HassSetVolume", "HassSetVolumeRelative", "HassListAddItem", "HassListRemoveItem", "HassVacuumStart",
    "HassVacuumCleanArea", "HassVacuumReturnToBase", "HassNoSuchIntent",
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
        "volume_step": st.one_of(st.sampled_from(["up", "down", "?"]), st.integers(-150, 150)),
        "item": st.sampled_from(["milk", "Milk", "salt"]),
        "search_query": st.text(max_size=9),
        "fan_mode": st.sampled_from(["low", "high"]),
        "area": st.sampled_from(["Kitchen"]),
    },
)


def percentages(thing: Thing) -> list[int]:
    names = {"brightness", "position", "speed", "volume"}
    return [getattr(thing, field.name) for field in fields(thing) if field.name in names]


@given(st.sampled_from(sorted(BY_DOMAIN)), st.lists(st.tuples(st.sampled_from(INTENTS), slots), max_size=20))
def test_a_thing_stays_what_it_is_and_within_its_bounds(domain: str, story: list[tuple[str, dict[str, Value]]]) -> None:
    thing = kind = BY_DOMAIN[domain]()
    for intent, values in story:
        thing = changed(thing, intent, values) or thing
        assert type(thing) is type(kind)
        assert all(0 <= value <= 100 for value in percentages(thing))
        assert isinstance(thing.state, str)
        assert thing.state
        assert asdict(thing) is not None


def test_every_domain_of_a_home_has_its_kind_of_thing() -> None:
    assert BY_DOMAIN.keys() == DOMAINS
    assert {type(make()) for make in BY_DOMAIN.values()} == set(get_args(Thing))


def test_a_light_that_is_dimmed_to_nothing_is_off_and_remembers_its_brightness() -> None:
    dark = changed(Light(on=True, brightness=40), "HassLightSet", {"brightness": 0})
    assert dark == Light(on=False, brightness=40)


def test_colour_and_brightness_turn_a_light_on() -> None:
    assert changed(Light(), "HassLightSet", {"color": "green"}) == Light(on=True, color="green")
    assert changed(Light(), "HassLightSet", {"brightness": 20}) == Light(on=True, brightness=20)


def test_white_temperature_ends_a_colour() -> None:
    assert changed(Light(color="red"), "HassLightSet", {"temperature": 2700}) == Light(
        on=True, color="white", kelvin=2700
    )


def test_on_and_off_mean_locked_and_unlocked_open_and_closed() -> None:
    assert changed(Lock(locked=False), "HassTurnOn", {}) == Lock(locked=True)
    assert changed(Lock(), "HassTurnOff", {}) == Lock(locked=False)
    assert changed(Cover(), "HassTurnOn", {}) == Cover(100)
    assert changed(Cover(30), "HassTurnOff", {}) == Cover(0)


def test_a_fan_that_is_given_a_speed_runs_and_at_none_stops() -> None:
    assert changed(Fan(), "HassFanSetSpeed", {"percentage": 40}) == Fan(on=True, speed=40)
    assert changed(Fan(on=True, speed=40), "HassFanSetSpeed", {"percentage": 0}) == Fan(on=False, speed=40)


def test_the_room_is_not_at_once_as_warm_as_was_told() -> None:
    assert changed(Climate(on=False), "HassClimateSetTemperature", {"temperature": 23.5}) == Climate(
        on=True, target=23.5
    )


def test_volume_steps_stay_between_silence_and_full() -> None:
    assert changed(Media(volume=95), "HassSetVolumeRelative", {"volume_step": "up"}) == Media(volume=100)
    assert changed(Media(volume=95), "HassSetVolumeRelative", {"volume_step": -20}) == Media(volume=75)


def test_a_list_is_bounded_and_forgets_what_is_taken_off() -> None:
    full = Todo(tuple(str(number) for number in range(MOST_ITEMS)))
    assert changed(full, "HassListAddItem", {"item": "milk"}) is None
    assert changed(Todo(("Milk", "salt")), "HassListRemoveItem", {"item": "milk"}) == Todo(("salt",))
    assert changed(Todo(("salt",)), "HassListRemoveItem", {"item": "milk"}) is None


def test_a_lamp_cannot_be_locked_nor_a_lock_be_coloured() -> None:
    assert changed(Lock(), "HassLightSet", {"color": "red"}) is None
    assert changed(Light(), "HassSetPosition", {"position": 5}) is None
