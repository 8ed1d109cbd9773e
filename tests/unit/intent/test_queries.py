"""Queries in a family's home: temperatures, sensors and persons."""

from dataclasses import replace

import pytest

from tests.unit.intent.family import family, room, said
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.engine import AreaScope, Match
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.responses import responses


@pytest.mark.parametrize(
    ("text", "area", "language", "expected"),
    [
        ("how warm is it", "kitchen", "en", "The Kitchen Temperature is at 21.5 degrees."),
        ("how warm is it in the bedroom", "kitchen", "en", "The Bedroom Temperature is at 21.5 degrees."),
        ("how warm is it in the living room", "kitchen", "en", "It is 21 degrees, and the Thermostat is set to 20."),
        ("wie warm ist es im Schlafzimmer", "kitchen", "de", "Bedroom Temperature: 21,5 Grad."),
        ("what is the bathroom humidity", "kitchen", "en", "The Bathroom Humidity is at 45 percent."),
        ("what's the solar power", "kitchen", "en", "The Solar Power is at 120 watts."),
        ("who is home", "kitchen", "en", "Anna and Ben are home."),
        ("who's home right now", "kitchen", "en", "Anna and Ben are home."),
        ("how warm is it upstairs", "kitchen", "en", "The Bedroom Temperature is at 21.5 degrees."),
        ("wer ist zu Hause", "kitchen", "de", "Anna und Ben sind zu Hause."),
        ("qui est à la maison", "kitchen", "fr", "Anna et Ben : à la maison."),
    ],
)
async def test_a_question_is_answered(text: str, area: str, language: str, expected: str) -> None:
    assert (await said(text, area, language)).text == expected


async def test_a_freezer_does_not_tell_how_warm_a_room_is() -> None:
    assert "Freezer" not in (await said("how warm is it", "kitchen")).text


def thermometer(area: str | None, name: str = "Thermometer") -> Entity:
    return Entity(f"sensor.{area}", name, "sensor", area, device_class="temperature")


@pytest.mark.parametrize(("area", "where"), [("Kitchen", AreaScope.HERE), (None, AreaScope.UNKNOWN)])
def test_the_only_thermometer_of_a_home_is_meant_from_anywhere(area: str | None, where: AreaScope) -> None:
    home = Home(family().areas, (thermometer("bath"),))
    match = Match("HassClimateGetTemperature", {"area": area} if area else {}, area_scope=where)
    assert targets.find_targets(home, match) == home.entities


def test_a_room_without_a_thermometer_is_not_said_to_be_as_warm_as_another() -> None:
    home = Home(family().areas, (thermometer("bath"),))
    found = targets.find_targets(
        home, Match("HassClimateGetTemperature", {"area": "Kitchen"}, area_scope=AreaScope.NAMED)
    )
    assert not isinstance(found, tuple)


def test_thermometers_of_a_floor_tell_how_warm_it_is_there() -> None:
    found = targets.find_targets(family(), Match("HassClimateGetTemperature", {"floor": "Upstairs"}))
    assert isinstance(found, tuple)
    assert [entity.id for entity in found] == ["sensor.bed_temp"]


@pytest.mark.parametrize(
    ("value", "unit", "language", "expected"),
    [
        (45.0, "%", "en", "45 percent"),
        (21.5, "°C", "en", "21.5 degrees"),
        (21.5, "°C", "de", "21,5 Grad"),
        (1.0, "°C", "fr", "1 degré"),
        (-0.001, "°C", "en", "0 degrees"),
        (1, "kWh", "en", "1 kilowatt hour"),
        (3.456, "kWh", "en", "3.46 kilowatt hours"),
        (1013.25, "hPa", "de", "1013 Hektopascal"),
        (30, "km/h", "en", "30 kilometers per hour"),
        (12, "µg/m³", "it", "12 microgrammi per metro cubo"),
        (0.25, "EUR/kWh", "es", "0,25 euros por kilovatio hora"),
        (3, "widgets", "en", "3 widgets"),
        (3, "", "nl", "3"),
        (600, "ppm", "nl", "600 delen per miljoen"),
        (100, "lx", "de", "100 Lux"),
    ],
)
def test_units_are_said_in_words(value: float, unit: str, language: str, expected: str) -> None:
    assert responses.format_measurement(value, unit, language) == expected


@pytest.mark.parametrize("area", ["kitchen", "bedroom", "living"])
async def test_the_only_garage_door_is_meant_from_any_room(area: str) -> None:
    renamed = tuple(
        replace(one, name="Big One", aliases=()) if one.id == "cover.garage" else one for one in family().entities
    )
    for areas in (family().areas, tuple(one for one in family().areas if one.id != "garage")):
        entities = tuple(one if one.id != "cover.garage" or len(areas) == len(family().areas) else replace(one, area=None) for one in renamed)  # fmt: skip
        at = await room(area, at=replace(family(), areas=areas, entities=entities))
        assert (await at.say("open the garage door")).text == "Shall I open the Big One?"


async def test_of_two_garage_doors_neither_is_moved_unasked() -> None:
    second = Entity("cover.second", "Left One", "cover", None, device_class="garage")
    first = tuple(replace(one, name="Right One", aliases=(), area=None) if one.id == "cover.garage" else one for one in family().entities)  # fmt: skip
    areas = tuple(one for one in family().areas if one.id != "garage")
    at = await room(at=replace(family(), areas=areas, entities=(*first, second)))
    came = await at.say("open the garage door")
    assert came.text.startswith("There are several garage doors.")
    assert came.changes == {}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("play a game", "en"),
        ("play chess with me", "en"),
        ("play monopoly", "en"),
        ("play hide and seek", "en"),
        ("play something", "en"),
        ("play some please", "en"),
        ("spiel ein Spiel", "de"),
        ("spiel mit mir Schach", "de"),
        ("spiel bitte", "de"),
        ("spiel etwas", "de"),
    ],
)
async def test_a_game_or_nothing_is_not_played_as_music(text: str, language: str) -> None:
    assert not (await said(text, "kitchen", language)).changes


@pytest.mark.parametrize(
    ("text", "language", "title"),
    [
        ("play some jazz please", "en", "some jazz"),
        ("please play some jazz, thank you", "en", "some jazz"),
        ("could you play the beatles for me", "en", "the beatles"),
        ("play thank you for the music", "en", "thank you for the music"),
        ("play the beauty and the beast please", "en", "the beauty and the beast"),
        ("spiel Jazz bitte", "de", "Jazz"),
    ],
)
async def test_what_is_polite_is_no_part_of_a_title(text: str, language: str, title: str) -> None:
    assert ((await said(text, "kitchen", language)).changes or {})["media_player.kitchen"]["title"] == title


@pytest.mark.parametrize(
    "text", ["stopp", "Stopp!", "halt", "Halt!", "halt bitte", "stopp bitte", "halt stopp", "stop"]
)
async def test_german_words_to_stop(text: str) -> None:
    assert [intent for intent, _ in (await said(text, "kitchen", "de")).intents] == ["HassNevermind"]
