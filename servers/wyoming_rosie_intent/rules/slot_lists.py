"""Slot lists for hassil: the names of a home's areas, floors and entities, what its machines make and what has a battery."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from wyoming_rosie.home.model import Area, Entity, Floor, Home, Zone
from wyoming_rosie_intent.execution.policy import Policy, is_dangerous
from wyoming_rosie_intent.responses.number_words import replace_digits_with_words
from wyoming_rosie_intent.rules.template_words import fold_case
from wyoming_rosie_intent.rules.templates import load_custom_sentences

if TYPE_CHECKING:
    from hassil import SlotList, TextSlotList

_Item: TypeAlias = tuple[str, str, dict[str, str]]
"""Spoken form, name and context of an entry."""
MAX_NAME_LENGTH = 100
"""Longer names are never spoken and are left out."""
_MACHINE_DOMAINS = frozenset({"button", "input_boolean", "input_button", "script", "switch"})
"""Domains of machines that make something when they are turned on."""
_SHORT_DOMAINS = frozenset({"humidifier", "media_player", "switch", "vacuum"})
"""Domains of things that are called by a name without that of their room."""
_POLICY = Policy()


@dataclass(frozen=True)
class HomeSlotLists:
    """The slot lists of one home in one language."""

    lists: "dict[str, SlotList]"
    spoken: tuple[str, ...]
    words: "Mapping[str, frozenset[str]]"  # of each list, in lower case


def create_slot_lists(home: Home, language: str, zones: "TextSlotList") -> HomeSlotLists:
    """Create the slot lists of a home in a language; `zones` are at home and away."""
    from hassil import TextSlotList

    from wyoming_rosie_intent.rules.template_collectors import PrefixCollector

    entities: list[_Item] = [
        (name, entity.name, {"domain": entity.domain})
        for entity in home.entities
        for name in _expand_all_names(entity, language)
    ]
    lists: Mapping[str, list[_Item]] = {
        "area": _create_place_items(home.areas, language),
        "floor": _create_place_items(home.floors, language),
        "name": [*entities, *_create_short_items(home, language)],
        "product": list(_create_product_items(home, language)),
        "battery": list(_create_battery_items(home, language)),
    }
    places = _create_list("zone", _create_place_items(home.zones, language))
    all_zones = TextSlotList("zone", [*zones.values, *places.values])
    collector = PrefixCollector({}, {}, language)
    zone_words = frozenset(
        word for value in all_zones.values for word in collector.collect(value.text_in) if isinstance(word, str)
    )
    words = {kind: frozenset(word for item in items for word in _split_words(item[0])) for kind, items in lists.items()}
    return HomeSlotLists(
        {**{kind: _create_list(kind, items) for kind, items in lists.items()}, "zone": all_zones},
        tuple(dict.fromkeys(item[0] for kind in ("area", "floor", "name") for item in lists[kind])),
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


def _create_short_items(home: Home, language: str) -> Iterator[_Item]:
    """Yield names without that of the room, if only one thing is called so: "the radio" is the Kitchen Radio."""
    kinds = load_custom_sentences(language).get("kinds")
    if kinds is None:
        return
    taken = {
        name.casefold() for items in (home.areas, home.floors, home.entities) for item in items for name in item.names
    }
    short = [(one, entity) for entity in home.entities for one in _shorten_names(home, entity)]
    count = Counter(one.casefold() for one, _ in short)
    for one, entity in short:
        if count[one.casefold()] == 1 and one.casefold() not in (*taken, *kinds):
            yield one, entity.name, {"domain": entity.domain}


def _shorten_names(home: Home, entity: Entity) -> Iterator[str]:
    """Yield the names of a harmless entity without that of its room."""
    area = home.get_area(entity.area) if entity.area else None
    if area is None or entity.domain not in _SHORT_DOMAINS or is_dangerous(_POLICY, entity):
        return
    for room in area.names:
        if entity.name.casefold().startswith(f"{room} ".casefold()):
            yield remove_punctuation(entity.name[len(room) :])


def _create_product_items(home: Home, language: str) -> Iterator[_Item]:
    """Yield what the machines of a home make, such as coffee; two machines for it make it ambiguous."""
    for product, machines in load_custom_sentences(language).get("products", {}).items():
        found = [
            entity
            for entity in home.entities
            if entity.domain in _MACHINE_DOMAINS and any(name.casefold() in machines for name in entity.names)
        ]
        if len(found) == 1:
            yield product, found[0].name, {"domain": found[0].domain}


def _create_battery_items(home: Home, language: str) -> Iterator[_Item]:
    """Yield the devices whose batteries are measured: "Phone" for the sensor "Phone Battery"."""
    words = load_custom_sentences(language).get("batteries", ())
    for entity in home.entities:
        if entity.domain != "sensor" or entity.device_class != "battery":
            continue
        for spoken in _expand_all_names(entity, language):
            device = next((spoken[: -len(word)].strip() for word in words if spoken.casefold().endswith(word)), "")
            for form in (device, f"{device}'s") if device else ():
                yield form, entity.name, {"domain": entity.domain}


def _expand_all_names(item: Area | Entity | Floor | Zone, language: str) -> Iterable[str]:
    return dict.fromkeys(spoken for name in item.names for spoken in expand_name(name, language))


def _split_words(name: str) -> Iterable[str]:
    return re.findall(r"[\w']+", fold_case(name))
