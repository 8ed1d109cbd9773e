"""To-do lists: which one is meant, and the items that a sentence names: pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.entity_states import Thing, Todo
from wyoming_rosie_intent.rules import templates
from wyoming_rosie_intent.rules.split_points import Joints, is_joined
from wyoming_rosie_intent.rules.template_words import number_words

_OF_A_LIST = re.compile(r"\w*(?:list|liste|lista|lijst|lijstje)\b\W+\w", re.IGNORECASE)
_ADDS = ("HassListAddItem", "HassShoppingListAddItem")
_SHOPPING = re.compile(
    r"shop+in|grocer|einkauf|\bcourses\b|achats|compra|spesa|boodschappen|handle|indk[øo]b|ink[öo]p|zakup|n[áa]kup|cump[ăa]r"
    r"|ostos|bev[áa]s[áa]rl|покуп|αγορ|ψώνι|alışveriş|belanja|购物|購物|買い物|장보기",  # noqa: RUF001 - Greek and Turkish
    re.IGNORECASE,
)
"""What the word for shopping begins with, or has in it, in the languages that say it with the list."""


def has_taken_a_list(item: str) -> bool:
    """Tell whether an item goes on after the name of a list: "milk on the list and bread"."""
    return is_joined(item) and _OF_A_LIST.search(item) is not None


def prepare(language: str) -> None:
    """Read how items are said in a language. Blocks; to be done before an item is looked at."""
    _joints(language)


def is_for_shopping(entity: Entity) -> bool:
    """Tell whether a list is called a shopping list."""
    return any(_SHOPPING.search(name) for name in entity.names)


def means_shopping(match: Match) -> bool:
    """Tell whether a sentence about an item says that the list is one for shopping."""
    return _SHOPPING.search(match.text.casefold().replace((match.said("item") or "").casefold(), " ")) is not None


def adds(match: Match) -> bool:
    """Tell whether an item is to be put on a list."""
    return match.intent in _ADDS


def one_by_one(command: Command) -> Sequence[Command]:
    """Return a command for each item that is named: "eggs, milk and bread" are three."""
    named = command.match.said("item")
    if named is None or not command.targets or not is_joined(named):
        return (command,)
    items = _items(named, command.match.language, command.targets[0])
    return tuple(replace(command, match=with_item(command.match, item)) for item in items)


def with_item(match: Match, item: str) -> Match:
    """Return what is said about another item."""
    return replace(match, slots={**match.slots, "item": item})


def is_there_already(command: Command, thing: Thing | None) -> bool:
    """Tell whether an item that is to be added is on the list."""
    item = (command.match.said("item") or "").casefold()
    return adds(command.match) and isinstance(thing, Todo) and item in map(str.casefold, thing.items)


def _items(named: str, language: str, entity: Entity) -> Sequence[str]:
    table = _table(language)
    tasks = frozenset(table.get("tasks", ()))
    only_commas = any(word in name.casefold() for name in entity.names for word in tasks) and not is_for_shopping(
        entity
    )
    items, start = [], 0
    for joint in _joints(language).within(named):
        item = named[start : joint.start()]
        last = item.rpartition(" ")[2].casefold()
        if last in table.get("adjectives", ()) or (only_commas and not joint[0].lstrip().startswith((",", ";"))):
            continue
        items.append(item)
        start = joint.end()
    return tuple(dict.fromkeys(_bare(item, table) for item in (*items, named[start:]))) or (named,)


def _bare(item: str, table: Mapping[str, Sequence[str]]) -> str:
    first, _, rest = item.strip().partition(" ")
    return rest if rest and first.casefold() in table.get("articles", ()) else item.strip()


@cache
def _joints(language: str) -> Joints:
    return Joints(_table(language).get("pairs", ()), number_words(_family(language)))


def _table(language: str) -> Mapping[str, Sequence[str]]:
    table: Mapping[str, Sequence[str]] = templates.own_sentences(_family(language)).get("items", {})
    return table


def _family(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].casefold()
