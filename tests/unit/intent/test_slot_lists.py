"""Names beyond those of the home file: short ones, what machines make, and whose battery is measured."""

import pytest

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.rules import hassil, todo_lists
from wyoming_rosie_intent.rules.hassil import HassilRecognizer

AREAS = (Area("den", "Den"), Area("attic", "Attic"))
COFFEE = Entity("switch.coffee", "Coffee Machine", "switch", "den")
RADIO = Entity("media_player.den", "Den Radio", "media_player", "den")


def create(*entities: Entity) -> HassilRecognizer:
    return hassil.load(hassil.Settings(), Home(AREAS, entities))


def named(recognizer: HassilRecognizer, text: str) -> str | None:
    match = recognizer.recognize(text, "en", "attic")
    return match.slot_text("name") if match else None


@pytest.fixture(scope="module")
def recognizer() -> HassilRecognizer:
    return create(
        COFFEE,
        RADIO,
        Entity("switch.oven", "Den Oven", "switch", "den"),
        Entity("switch.plug", "Den Plug", "switch", "den"),
        Entity("sensor.phone", "Phone Battery", "sensor", device_class="battery"),
        Entity("sensor.tablet", "Tablet Battery Level", "sensor", device_class="battery"),
        Entity("sensor.tank", "Tank Level", "sensor"),
    )


SHORT = [
    ("turn on the radio", "Den Radio"),
    ("turn off the oven", None),  # a dangerous thing keeps its name
    ("turn off the plug", None),  # a word for all things of its kind
    ("make coffee", "Coffee Machine"),
    ("a cup of coffee please", "Coffee Machine"),
    ("don't make coffee", None),
    ("what's the battery of the phone", "Phone Battery"),
    ("how full is the tablet's battery", "Tablet Battery Level"),
    ("is the tank charged", None),
]


@pytest.mark.parametrize(("text", "name"), SHORT)
def test_a_thing_is_known_by_what_people_call_it(recognizer: HassilRecognizer, text: str, name: str | None) -> None:
    assert named(recognizer, text) == name


def test_what_two_things_are_called_is_no_name() -> None:
    two = create(RADIO, Entity("media_player.attic", "Attic Radio", "media_player", "attic"))
    assert named(two, "turn on the radio") is None
    assert named(two, "turn on the attic radio") == "Attic Radio"


def test_two_coffee_machines_make_no_coffee() -> None:
    two = create(COFFEE, Entity("switch.other", "Espresso Machine", "switch", "attic"))
    assert named(two, "make coffee") is None


GOODS = [
    ("oat milk", "en", True),
    ("two big packs of butter", "en", True),
    ("time", "en", False),
    ("seven", "en", False),
    ("milk that she wanted", "en", False),
    ("all the things that one can think of", "en", False),
    ("Milch", "de", True),
    ("Zeit", "de", False),
    ("der Oma mach die Garage", "de", False),
]


@pytest.mark.parametrize(("item", "language", "is_goods"), GOODS)
def test_only_goods_are_put_on_a_list_that_is_not_named(item: str, language: str, is_goods: bool) -> None:
    assert todo_lists.is_goods(item, language) is is_goods
