"""Items of to-do lists, and the selection of a list."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.unit.intent.family import changed, family, recognizer, room, said
from tests.unit.intent.sentence_tables import table
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.entity_states import TodoListState
from wyoming_rosie_intent.rules import todo_lists

SHOPPING, PACKING = "todo.shopping", "todo.packing"


async def items(text: str, language: str = "en", entity: str = SHOPPING) -> object:
    came = await said(text, "kitchen", language)
    return (came.changes or {}).get(entity, {}).get("items")


@pytest.mark.parametrize(
    ("text", "expected", "language"),
    [
        ("add eggs, milk and bread to the shopping list", ("eggs", "milk", "bread"), "en"),
        ("add eggs, milk, and bread to my shopping list", ("eggs", "milk", "bread"), "en"),
        ("put milk and eggs on the list", ("milk", "eggs"), "en"),
        ("please add eggs, milk and bread to the shoping list", ("eggs", "milk", "bread"), "en"),
        ("add some milk and the butter to the shopping list", ("milk", "butter"), "en"),
        ("add salt and pepper to the shopping list", ("salt and pepper",), "en"),
        ("add eggs, mac and cheese and milk to the shopping list", ("eggs", "mac and cheese", "milk"), "en"),
        ("add red and green peppers to the shopping list", ("red and green peppers",), "en"),
        ("add two and a half pounds of flour to the shopping list", ("two and a half pounds of flour",), "en"),
        ("add milk, milk and Milk to the shopping list", ("milk",), "en"),
        ("setze Eier, Milch und Brot auf die Einkaufsliste", ("Eier", "Milch", "Brot"), "de"),
        ("setze Salz und Pfeffer auf die Einkaufsliste", ("Salz und Pfeffer",), "de"),
        ("setze rote und grüne Paprika auf die Einkaufsliste", ("rote und grüne Paprika",), "de"),
    ],
)
async def test_each_item_is_one_of_its_own(text: str, expected: Sequence[str], language: str) -> None:
    assert await items(text, language) == expected


async def test_all_items_are_said_in_one_sentence() -> None:
    came = await said("add eggs, milk and bread to the shopping list")
    assert came.text == "Added eggs, milk and bread to the Shopping List."
    came = await said("setze Eier und Milch auf die Einkaufsliste", "kitchen", "de")
    assert came.text == "Eier und Milch stehen auf der Liste Shopping List."


async def test_a_list_of_items_is_no_list_of_commands() -> None:
    came = await said("turn on the kitchen light and add eggs, milk and bread to the shopping list")
    assert came.changes is not None
    assert came.changes.keys() == {"light.kitchen_ceiling", SHOPPING}
    assert came.changes[SHOPPING]["items"] == ("eggs", "milk", "bread")


async def test_an_item_that_is_there_is_not_added_twice() -> None:
    kitchen = await room()
    await kitchen.say("add milk to the shopping list")
    came = await kitchen.say("add Milk and bread to the shopping list")
    assert came.text == "The Shopping List already has Milk. Added bread to the Shopping List."
    assert kitchen.actor.states()[SHOPPING]["items"] == ("milk", "bread")


async def test_several_items_are_taken_off_together() -> None:
    kitchen = await room()
    await kitchen.say("add eggs, milk and bread to the shopping list")
    await kitchen.say("take milk and bread off the shopping list")
    assert kitchen.actor.states()[SHOPPING]["items"] == ("eggs",)


async def test_items_go_to_the_list_that_is_said_after_them() -> None:
    came = await said("put milk on the list and bread on the packing list")
    assert {entity: change["items"] for entity, change in (came.changes or {}).items()} == {
        SHOPPING: ("milk",),
        PACKING: ("bread",),
    }


async def test_tasks_are_parted_by_commas_only() -> None:
    tasks = with_lists("To-do List")
    at = await room(at=tasks)
    came = await at.say("add call mum and dad to my to-do list")
    assert came.changes == {"todo.0": {"items": ("call mum and dad",), "state": "1"}}
    assert await items("add passport, charger and socks to the packing list", entity=PACKING) == ("passport", "charger", "socks")  # fmt: skip


async def test_the_only_list_is_meant_by_my_list() -> None:
    at = await room(at=with_lists("Weekend"))
    came = await at.say("add apples to my list")
    assert came.text == "Added apples to the Weekend."


@pytest.mark.parametrize("names", [("To-do List",), ("To-do List", "Packing List")])
async def test_no_other_list_is_taken_for_the_shopping_list(names: Sequence[str]) -> None:
    at = await room(at=with_lists(*names))
    came = await at.say("put apples on the shopping list")
    assert came.asks
    assert not came.changes
    assert came.text.startswith("I know no shopping list. Which list do you mean?")
    assert (await at.say("the to-do list please")).changes == {"todo.0": {"items": ("apples",), "state": "1"}}


async def test_a_list_that_was_asked_about_may_be_left() -> None:
    at = await room(at=with_lists("To-do List", "Packing List"))
    assert (await at.say("add apples to my list")).asks
    came = await at.say("never mind")
    assert (came.text, came.asks) == ("Okay, I will leave it.", False)


async def test_a_list_is_asked_about_until_one_is_named() -> None:
    at = await room(at=with_lists("To-do List", "Packing List"))
    asked = await at.say("add apples to my list")
    assert (await at.say("the list")).text == asked.text
    assert (await at.say("packing")).changes == {"todo.1": {"items": ("apples",), "state": "1"}}


async def test_german_asks_as_well() -> None:
    at = await room("kitchen", "de", with_lists("Aufgaben", "Packliste"))
    came = await at.say("setze Äpfel auf die Einkaufsliste")
    assert came.text == "Ich kenne keine Einkaufsliste. Welche Liste meinst du? Ich kenne Aufgaben und Packliste."


async def test_lists_for_shopping_are_known_in_other_languages() -> None:
    assert await changed("ajoute du lait à ma liste de courses", "kitchen", "fr") == {SHOPPING}
    assert all(
        todo_lists.is_shopping_list(entity) for entity in with_lists("Lista de la compra", "Boodschappen").entities
    )


def test_one_item_is_one_command() -> None:
    command = Command(Match("HassListAddItem", {"item": "milk"}), family().entities[:1])
    assert todo_lists.split_items(command) == (command,)


def with_lists(*names: str) -> Home:
    """Return the family's home with other lists."""
    others = tuple(entity for entity in family().entities if entity.domain != "todo")
    todo = next(entity for entity in family().entities if entity.domain == "todo")
    made = tuple(replace(todo, id=f"todo.{number}", name=name, aliases=()) for number, name in enumerate(names))
    return replace(family(), entities=(*others, *made)) if "Boodschappen" not in names else Home(entities=made)


@pytest.mark.parametrize(
    ("listed", "named", "language", "found"),
    [
        (("milk",), "Milk", "en", "milk"),
        (("two liters of milk",), "milk", "en", "two liters of milk"),
        (("a dozen eggs", "bread"), "eggs", "en", "a dozen eggs"),
        (("500 grams of flour",), "flour", "en", "500 grams of flour"),
        (("zwei Liter Milch",), "milch", "de", "zwei Liter Milch"),
        (("deux litres de lait",), "lait", "fr", "deux litres de lait"),
        (("coconut milk",), "milk", "en", None),
        (("2 coconut milk",), "milk", "en", None),
        (("one milk", "two milk"), "milk", "en", None),
        (("", "bread"), "milk", "en", None),
    ],
)
def test_an_item_is_found_without_its_quantity(
    listed: tuple[str, ...], named: str, language: str, found: str | None
) -> None:
    assert todo_lists.find_item(named, TodoListState(listed), language) == found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("remove eggs from the shopping list", "Took a dozen eggs off the Shopping List."),
        ("take eggs off the list", "Took a dozen eggs off the Shopping List."),
        ("mark bread as done on the shopping list", "Took bread off the Shopping List."),
        ("what do i need to buy", "The Shopping List has a dozen eggs and bread."),
        ("what's on the list", "The Shopping List has a dozen eggs and bread."),
        ("is bread on the shopping list", "The Shopping List already has bread."),
        ("is butter on the list", "Sorry, I cannot find butter on the Shopping List."),
        ("i have bought the bread", "Sorry, I did not understand that."),
        ("we need milk", "Sorry, I did not understand that."),
        ("she took bread off the list", "Sorry, I did not understand that."),
        ("don't take bread off the list", "Sorry, I did not understand that."),
    ],
)
async def test_lists_are_read_and_changed(text: str, answer: str) -> None:
    kitchen = await room()
    await kitchen.say("add a dozen eggs and bread to the shopping list")
    assert (await kitchen.say(text)).text == answer


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("turn on the disco ball", "en", "Sorry, I know no disco ball here."),
        ("please turn the kitchen candle on", "en", "Sorry, I know no kitchen candle here. I know the Kitchen Radio and the Kitchen Blinds."),
        ("schalte die Discokugel an", "de", "Discokugel kenne ich hier leider nicht."),
        ("don't turn on the disco ball", "en", "Sorry, I did not understand that."),
        ("turn on everything else", "en", "Sorry, I did not understand that."),
        ("close your eyes", "en", "Sorry, I did not understand that."),
        ("turn it off", "en", "Sorry, I did not understand that."),
    ],
)  # fmt: skip
async def test_an_unknown_thing_is_named(text: str, language: str, answer: str) -> None:
    assert (await said(text, language=language)).text == answer


@pytest.mark.parametrize(
    ("text", "language", "item"),
    [
        ("mets du lait sur ma liste de courses", "fr", "lait"),
        ("ne mets pas de pain sur la liste", "fr", None),
        ("elle a mis du pain sur la liste", "fr", None),
        ("pon pan en la lista", "es", "pan"),
        ("no pongas pan en la lista", "es", None),
        ("metti il pane nella lista", "it", "il pane"),
        ("non mettere il pane nella lista", "it", None),
        ("voeg melk toe aan de boodschappenlijst", "nl", "melk"),
        ("zet geen melk op de lijst", "nl", None),
        ("setze keine Milch auf die Einkaufsliste", "de", None),
    ],
)
async def test_items_are_added_in_other_languages(text: str, language: str, item: str | None) -> None:
    match = (await asyncio.to_thread(recognizer, language)).recognize(text, language, "kitchen")
    assert (match.slot_text("item") if match else None) == item


@pytest.mark.parametrize(
    ("language", "added", "removed", "answer"),
    [
        ("fr", "mets du lait sur la liste", "retire le lait de la liste de courses", "Lait retiré de Liste de courses."),
        ("nl", "zet melk op de boodschappenlijst", "haal melk van de boodschappenlijst", "Melk van Boodschappenlijst gehaald."),
    ],
)  # fmt: skip
async def test_what_was_added_is_removed_and_said_in_the_language(
    language: str, added: str, removed: str, answer: str
) -> None:
    kitchen = await room("kitchen", language, await asyncio.to_thread(table.load_home, language))
    await kitchen.say(added)
    assert (await kitchen.say(removed)).text == answer
