"""What a home's things are called, as hassil wants to know it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from wyoming_rosie.home.model import Area, Entity, Floor, Home
from wyoming_rosie_intent.number_words import digits_as_words

if TYPE_CHECKING:
    from hassil import SlotList

_Item: TypeAlias = tuple[str, str, dict[str, str]]
"""What is said, what it stands for, and what that is."""
MOST_NAME_CHARACTERS = 100
"""What is longer is no name that anybody says."""


@dataclass(frozen=True)
class Names:
    """The lists that a home fills in templates, for one language."""

    lists: "dict[str, SlotList]"
    spoken: tuple[str, ...]
    words: "Mapping[str, frozenset[str]]"  # that are in each list, in small letters


def of(home: Home, language: str) -> Names:
    """Return the names of a home's areas, floors and entities as they may be said in a language."""
    from hassil import TextSlotList

    entities: list[_Item] = [
        (spoken, entity.name, {"domain": entity.domain})
        for entity in home.entities
        for spoken in _all_spoken(entity, language)
    ]
    areas, floors = _places(home.areas, language), _places(home.floors, language)
    lists: Mapping[str, list[_Item]] = {"area": areas, "floor": floors, "name": entities}
    return Names(
        {kind: TextSlotList.from_tuples(items, allow_template=False, name=kind) for kind, items in lists.items()},
        tuple(dict.fromkeys(item[0] for items in lists.values() for item in items)),
        {kind: frozenset(word for item in items for word in _words(item[0])) for kind, items in lists.items()},
    )


def spoken_forms(name: str, language: str) -> tuple[str, ...]:
    """Return how a written name may be heard: as it is, without signs, and with its digits as words."""
    plain = plain_name(name)
    forms = dict.fromkeys((cleaned(name), plain, digits_as_words(plain, language)))
    return tuple(form for form in forms if 0 < len(form) <= MOST_NAME_CHARACTERS)


def plain_name(name: str) -> str:
    """Return a name without signs."""
    return " ".join(re.sub(r"[^\w\s'-]", " ", name.replace("\u2019", "'")).split())


def cleaned(text: str) -> str:
    """Return a text without what cannot be printed, and with single spaces."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _places(places: Iterable[Area | Floor], language: str) -> list[_Item]:
    return [(spoken, place.name, {}) for place in places for spoken in _all_spoken(place, language)]


def _all_spoken(thing: Area | Entity | Floor, language: str) -> Iterable[str]:
    return dict.fromkeys(spoken for name in thing.names for spoken in spoken_forms(name, language))


def _words(spoken: str) -> Iterable[str]:
    return re.findall(r"[\w']+", spoken.casefold())
