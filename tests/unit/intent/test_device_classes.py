"""Words that stand for several device classes."""

from dataclasses import replace

from tests.unit.intent.family import changed, family, said
from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Answer, Match
from wyoming_rosie_intent.execution import targets


async def test_french_stores_are_blinds_and_shades() -> None:
    came = await said("ferme les stores", "bedroom", "fr")
    assert came.text == "Bedroom Blinds : fermé."


def test_a_slot_with_several_kinds_finds_things_of_each() -> None:
    shade = Entity("cover.shade", "Skylight", "cover", "bedroom", device_class="shade")
    home = replace(family(), entities=(*family().entities, shade))
    found = targets.find_targets(home, Match("HassTurnOff", {"area": "Bedroom", "device_class": ("blind", "shade")}, domain="cover"))  # fmt: skip
    assert isinstance(found, tuple)
    assert [entity.id for entity in found] == ["cover.bed", "cover.shade"]


def test_a_kind_of_which_there_is_none_is_said_in_words() -> None:
    match = Match("HassTurnOff", {"area": "Kitchen", "device_class": ("awning", "gate")}, domain="cover")
    found = targets.find_targets(family(), match)
    assert isinstance(found, Answer)
    assert "awnings" in found.text


async def test_french_stores_are_not_those_of_another_room() -> None:
    assert await changed("ferme les stores", "bath", "fr") == set()
