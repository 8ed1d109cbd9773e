"""Slot lists for hassil: the names of a home's areas, floors and entities."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from wyoming_rosie.home.model import Area, Entity, Floor, Home, Zone
from wyoming_rosie_intent.number_words import replace_digits_with_words
from wyoming_rosie_intent.rules.template_words import PrefixCollector, fold_case

if TYPE_CHECKING:
    from hassil import SlotList, TextSlotList

_Item: TypeAlias = tuple[str, str, dict[str, str]]
"""Spoken form, name and context of an entry."""
MAX_NAME_LENGTH = 100
"""Longer names are never spoken and are left out."""


@dataclass(frozen=True)
class HomeSlotLists:
    """The slot lists of one home in one language."""

    lists: "dict[str, SlotList]"
    spoken: tuple[str, ...]
    words: "Mapping[str, frozenset[str]]"  # of each list, in lower case


def create_slot_lists(home: Home, language: str, zones: "TextSlotList") -> HomeSlotLists:
    """Create the slot lists of a home's areas, floors, entities and zones in a language; `zones` are at home and away."""
    from hassil import TextSlotList

    entities: list[_Item] = [
        (name, entity.name, {"domain": entity.domain})
        for entity in home.entities
        for name in _expand_all_names(entity, language)
    ]
    areas, floors = _create_place_items(home.areas, language), _create_place_items(home.floors, language)
    lists: Mapping[str, list[_Item]] = {"area": areas, "floor": floors, "name": entities}
    places = _create_list("zone", _create_place_items(home.zones, language))
    all_zones = TextSlotList("zone", [*zones.values, *places.values])
    collector = PrefixCollector({}, {}, language)
    zone_words = frozenset(
        word for value in all_zones.values for word in collector.collect(value.text_in) if isinstance(word, str)
    )
    words = {kind: frozenset(word for item in items for word in _split_words(item[0])) for kind, items in lists.items()}
    return HomeSlotLists(
        {**{kind: _create_list(kind, items) for kind, items in lists.items()}, "zone": all_zones},
        tuple(dict.fromkeys(item[0] for items in lists.values() for item in items)),
        {**words, "zone": zone_words},
    )


def _create_list(kind: str, items: Iterable[_Item]) -> "TextSlotList":
    from hassil import TextSlotList

    return TextSlotList.from_tuples(items, allow_template=False, name=kind)


def expand_name(name: str, language: str) -> tuple[str, ...]:
    """Return the spoken forms of a name: unchanged, without punctuation, and with its digits as words."""
    plain = remove_punctuation(name)
    forms = dict.fromkeys((clean_text(name), plain, replace_digits_with_words(plain, language)))
    return tuple(form for form in forms if 0 < len(form) <= MAX_NAME_LENGTH)


def remove_punctuation(name: str) -> str:
    """Return a name without punctuation."""
    return " ".join(re.sub(r"[^\w\s'-]", " ", name.replace("\u2019", "'")).split())


def clean_text(text: str) -> str:
    """Return a text with single spaces and without unprintable characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _create_place_items(places: Iterable[Area | Floor | Zone], language: str) -> list[_Item]:
    return [(name, place.name, {}) for place in places for name in _expand_all_names(place, language)]


def _expand_all_names(item: Area | Entity | Floor | Zone, language: str) -> Iterable[str]:
    return dict.fromkeys(spoken for name in item.names for spoken in expand_name(name, language))


def _split_words(name: str) -> Iterable[str]:
    return re.findall(r"[\w']+", fold_case(name))
