"""Multi-command sentences in a family's home."""

import pytest

from tests.unit.intent.family import changed, said

ON = {"state": "on", "on": True}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("set the kitchen lamp to red and 20 percent", "en"),
        ("set the kitchen lamp to 20 percent and red", "en"),
        ("stell die Küchenlampe auf rot und 20 Prozent", "de"),
    ],
)
async def test_two_values_of_one_thing_are_set_together(text: str, language: str) -> None:
    came = await said(text, "living", language)
    assert came.changes == {"light.kitchen_lamp": {**ON, "brightness": 20, "color": "red"}}


@pytest.mark.parametrize("text", ["turn the kitchen lamp on and off again", "turn the kitchen lamp on and off"])
async def test_a_verb_that_is_said_once_is_not_cut_inside_a_name(text: str) -> None:
    assert (await said(text, "living")).text == "Turned on the Kitchen Lamp. Turned off the Kitchen Lamp."


async def test_both_values_are_said() -> None:
    assert (
        await said("set the kitchen lamp to red and 20 percent")
    ).text == "Set the Kitchen Lamp to red and 20 percent."


async def test_what_follows_two_values_is_a_command_of_its_own() -> None:
    came = await said("set the kitchen lamp to red and 20 percent and turn on the coffee machine")
    assert came.changes == {"light.kitchen_lamp": {**ON, "brightness": 20, "color": "red"}, "switch.coffee": ON}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dim the bedroom to 30 and turn on the fan", {"light.bed", "light.bed2"}),
        ("turn the lights in the living room to green and red", {"light.living"}),
        ("the lights in the living room to green and red", {"light.living"}),
        ("set the bathroom lights to 20 percent, then turn on the lights", set()),
        ("turn on the bedroom light and dim the lights to 20 percent", {"light.bed", "light.bed2"}),
        ("turn on the bathroom lights and the bedroom light", {"light.bath", "light.bed2"}),
    ],
)
async def test_nothing_is_moved_in_the_speakers_room_when_another_was_named(text: str, expected: set[str]) -> None:
    moved = await changed(text, "kitchen")
    assert moved >= expected
    assert not {entity for entity in moved if entity.startswith("light.kitchen")}


async def test_the_room_of_the_first_part_holds_for_the_next() -> None:
    came = await said("dim the bedroom to 30 and close the blinds", "kitchen")
    assert "Bedroom Blinds" in came.text
    came = await said("mach das Licht im Schlafzimmer an und schließ die Jalousien", "kitchen", "de")
    assert "Bedroom Blinds" in came.text


async def test_a_part_that_names_its_own_place_is_there() -> None:
    moved = await changed("dim the bedroom to 30 and turn on the lights here", "kitchen")
    assert moved == {"light.bed", "light.bed2", "light.kitchen_ceiling", "light.kitchen_lamp"}
    assert await changed("turn on the bedroom light and the living room lights", "kitchen") == {
        "light.bed2",
        "light.living",
    }


async def test_what_the_named_room_has_not_is_in_the_speakers() -> None:
    came = await said("turn on the bathroom lights and play some jazz", "kitchen")
    assert came.changes is not None
    assert came.changes["media_player.kitchen"]["title"] == "some jazz"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("turn on the kitchen light please and thank you", "en"),
        ("turn on the kitchen light, thank you very much", "en"),
        ("turn on the kitchen light, please, and thanks", "en"),
        ("turn on the kitchen light and turn on the kitchen light", "en"),
        ("schalte das Küchenlicht ein bitte und danke", "de"),
        ("schalte das Küchenlicht ein, vielen Dank", "de"),
    ],
)
async def test_a_courtesy_is_no_second_deed(text: str, language: str) -> None:
    came = await said(text, "kitchen", language)
    assert came.changes == {"light.kitchen_ceiling": ON}
    assert came.text.count(".") == 1


async def test_a_thing_is_told_once_what_two_parts_tell_it() -> None:
    assert (await said("turn on the kitchen light and the kitchen lights")).text == "Turned on the Kitchen Light. Turned on the Kitchen Lamp."  # fmt: skip


async def test_a_thing_may_be_told_the_contrary_in_between() -> None:
    came = await said("turn on the kitchen light, turn it off and turn on the kitchen light")
    assert came.changes in ({}, {"light.kitchen_ceiling": ON})


@pytest.mark.parametrize("area", ["kitchen", "bedroom", None])
async def test_names_with_and_are_left_whole(area: str | None) -> None:
    assert await changed("turn on the salt and pepper lamp", area) == {"light.snp"}
    assert await changed("turn on the salt and pepper lamp and the kitchen light", area) == {
        "light.snp",
        "light.kitchen_ceiling",
    }
    assert await changed("turn on the lights in the living and dining room", area) == {"light.snp", "light.lad"}
    assert await changed("dim the living and dining room to 40 percent", area) == {"light.snp", "light.lad"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("set a timer for an hour and 15 minutes", "en"),
        ("set a timer for a minute and thirty seconds", "en"),
        ("set a timer for half an hour and 5 minutes", "en"),
        ("set a timer for 2 hours and 5 minutes and 10 seconds", "en"),
        ("stell einen Timer auf eine Stunde und 15 Minuten", "de"),
        ("stell einen Timer auf eine halbe Stunde und 5 Minuten", "de"),
    ],
)
async def test_a_length_of_time_never_starts_two_timers(text: str, language: str) -> None:
    assert len((await said(text, "kitchen", language)).intents) <= 1
