"""To-do lists: selection of a list and the items of a sentence, as pure functions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from wyoming_rosie.home.model import Entity
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.entity_states import EntityState, TodoListState
from wyoming_rosie_intent.rules import templates
from wyoming_rosie_intent.rules.split_points import SplitPoints, has_split_point
from wyoming_rosie_intent.rules.template_words import number_words

_LIST_NAME = re.compile(r"\w*(?:list|liste|lista|lijst|lijstje)\b\W+\w", re.IGNORECASE)
MAX_GOODS_WORDS = 5
"""Words of the longest item without the word for a list: "two big packs of butter"."""
_ADDS = ("HassListAddItem", "HassShoppingListAddItem")
_SHOPPING = re.compile(
    r"shop+in|grocer|einkauf|\bcourses\b|achats|compra|spesa|boodschappen|handle|indk[øo]b|ink[öo]p|zakup|n[áa]kup|cump[ăa]r"
    r"|ostos|bev[áa]s[áa]rl|покуп|αγορ|ψώνι|alışveriş|belanja|购物|購物|買い物|장보기",  # noqa: RUF001 - Greek and Turkish
    re.IGNORECASE,
)
"""Parts of the words for shopping, in the languages that use them in the name of the list."""


def includes_list_name(item: str) -> bool:
    """Return whether an item contains the name of a list: "milk on the list and bread"."""
    return has_split_point(item) and _LIST_NAME.search(item) is not None


def is_goods(item: str, language: str) -> bool:
    """Return whether an item may be something to buy, and neither "time" nor a number nor a clause."""
    custom = templates.load_custom_sentences(base_language(language))
    words, conjunctions = item.casefold().split(), _load_item_rules(language).get("conjunctions", ())
    plain = [word for word in words if word not in conjunctions]
    never = frozenset((*custom.get("nearly", {}).get("never", ()), *_load_item_rules(language).get("no_goods", ())))
    is_number = number_words(base_language(language)).issuperset(word for word in plain if not word.isdigit())
    return 0 < len(words) <= MAX_GOODS_WORDS and never.isdisjoint(plain) and not is_number


def prepare(language: str) -> None:
    """Load the item rules of a language before its first use. Blocks."""
    _get_split_points(language)


def is_shopping_list(entity: Entity) -> bool:
    """Return whether a list is called a shopping list."""
    return any(_SHOPPING.search(name) for name in entity.names)


def mentions_shopping(match: Match) -> bool:
    """Return whether a sentence mentions a shopping list outside its item."""
    return _SHOPPING.search(match.text.casefold().replace((match.slot_text("item") or "").casefold(), " ")) is not None


def is_add_intent(match: Match) -> bool:
    """Return whether the intent adds an item to a list."""
    return match.intent in _ADDS


def names_item(match: Match) -> bool:
    """Return whether the sentence adds, removes, completes or asks for an item of a list."""
    return "item" in match.slots


def with_listed_item(command: Command, states: Mapping[str, EntityState]) -> Command:
    """Return a command that removes or completes an item with the item as it is written: "eggs" are "a dozen eggs"."""
    named = command.match.slot_text("item")
    if named is None or is_add_intent(command.match) or len(command.targets) != 1:
        return command
    listed = find_item(named, states.get(command.targets[0].id), command.match.language)
    return command if listed is None else replace(command, match=with_item(command.match, listed))


def find_item(named: str, state: EntityState | None, language: str) -> str | None:
    """Return the item of a list that is meant: of that name, or the only one that is a quantity of it."""
    items = state.items if isinstance(state, TodoListState) else ()
    key = " ".join(named.casefold().split())
    same = [item for item in items if item.casefold() == key]
    quantities = [item for item in items if _is_quantity(item.casefold().removesuffix(f" {key}"), item, language)]
    return same[0] if same else quantities[0] if len(quantities) == 1 else None


def _is_quantity(before: str, item: str, language: str) -> bool:
    """Return whether the words before a name are an amount: "two liters of", but not "coconut"."""
    words, table = before.split(), _load_item_rules(language)
    if not words or before == item.casefold():
        return False
    counts = number_words(base_language(language)) | frozenset(table.get("counts", ()))
    measures = frozenset((*table.get("measures", ()), *table.get("of", ())))
    return (words[0][0].isdigit() or words[0] in counts) and measures.issuperset(words[1:])


def split_items(command: Command) -> Sequence[Command]:
    """Return one command per item: "eggs, milk and bread" are three."""
    named = command.match.slot_text("item")
    if named is None or not command.targets or not has_split_point(named):
        return (command,)
    items = _split_item_text(named, command.match.language, command.targets[0])
    return tuple(replace(command, match=with_item(command.match, item)) for item in items)


def with_item(match: Match, item: str) -> Match:
    """Return the match with another item."""
    return replace(match, slots={**match.slots, "item": item})


def has_item(command: Command, state: EntityState | None) -> bool:
    """Return whether the item to add is on the list already."""
    item = (command.match.slot_text("item") or "").casefold()
    return is_add_intent(command.match) and isinstance(state, TodoListState) and item in map(str.casefold, state.items)


def _split_item_text(named: str, language: str, entity: Entity) -> Sequence[str]:
    table = _load_item_rules(language)
    tasks = frozenset(table.get("tasks", ()))
    only_commas = any(word in name.casefold() for name in entity.names for word in tasks) and not is_shopping_list(
        entity
    )
    items, start = [], 0
    for point in _get_split_points(language).find(named):
        item = named[start : point.start()]
        last = item.rpartition(" ")[2].casefold()
        if last in table.get("adjectives", ()) or (only_commas and not point[0].lstrip().startswith((",", ";"))):
            continue
        items.append(item)
        start = point.end()
    return tuple(dict.fromkeys(_remove_item_article(item, table) for item in (*items, named[start:]))) or (named,)


def remove_article(item: str, language: str) -> str:
    """Return an item without its article: "the milk" is "milk"."""
    return _remove_item_article(item, _load_item_rules(language))


def _remove_item_article(item: str, table: Mapping[str, Sequence[str]]) -> str:
    first, _, noun = item.strip().partition(" ")
    return noun if noun and first.casefold() in table.get("articles", ()) else item.strip()


@cache
def _get_split_points(language: str) -> SplitPoints:
    return SplitPoints(_load_item_rules(language).get("pairs", ()), number_words(base_language(language)))


def _load_item_rules(language: str) -> Mapping[str, Sequence[str]]:
    table: Mapping[str, Sequence[str]] = templates.load_custom_sentences(base_language(language)).get("items", {})
    return table
