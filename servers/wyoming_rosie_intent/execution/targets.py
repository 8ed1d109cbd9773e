"""Which things of a home a sentence is about."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import Answer, Match, Where, Which
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import todo_lists

Targets: TypeAlias = tuple[Entity, ...]
_DOMAIN = {
    "HassLightSet": "light",
    "HassFanSetSpeed": "fan",
    "HassSetPosition": "cover",
    "HassGetWeather": "weather",
    "HassShoppingListAddItem": "todo",
    "HassShoppingListCompleteItem": "todo",
    "HassVacuumStart": "vacuum",
    "HassVacuumCleanArea": "vacuum",
    "HassVacuumReturnToBase": "vacuum",
}
_DOMAIN_BY_PREFIX = {"HassClimate": "climate", "HassMedia": "media_player", "HassSetVolume": "media_player"}
_ONE_PER_HOME = frozenset({"climate", "media_player", "todo", "vacuum", "weather"})
"""Where a home has one of these, people do not say which, whatever room they are in."""
_ONE_CLASS_PER_HOME = frozenset({"garage", "gate"})
"""The same of covers, by their class."""
_ROOM_TEMPERATURE = "HassClimateGetTemperature"
_OF_APPLIANCES = re.compile(
    r"freez|fridge|refrig|oven|\bwater|boiler|\bcpu|processor|batter|outdoor|outside|device|chip|pool|aquari|gefrier|kühl|wasser|kessel|prozessor"
    r"|außen|aussen|gerät|vorlauf|rücklauf|congél|frigo|\bfour\b|\beau\b|extérieur|congelad|nevera|horno|\bagua\b|exterior|congelat|forno|acqua|estern|vriez|koelkast|buiten",
    re.IGNORECASE,
)
"""What a thermometer is called that does not tell how warm a room is."""
_FEATURE = {"brightness": "brightness", "color": "color", "temperature": "color"}
"""What a light must be able to do, by the slot of HassLightSet."""


def find(home: Home, match: Match, speaker_area: str | None = None) -> Targets | Answer:
    """Return what the sentence is about; nothing for sentences about no thing; an answer when it cannot be told."""
    speaker_area = match.room or speaker_area
    domain = match.domain or _domain(match.intent)
    if "name" in match.slots:
        found = _named(home, match, speaker_area)
    elif match.intent == _ROOM_TEMPERATURE:
        found = _temperature(home, match)
    elif domain is not None:
        found = _group(home, match, domain)
    else:
        return ()
    return _able(found, match) if isinstance(found, tuple) else found


def placed(home: Home, match: Match) -> Match:
    """Let "the blinds" be those of the room that the sentence named before, if there are any."""
    if match.room is None or match.where not in {Where.HERE, Where.UNKNOWN}:
        return match
    there = replace(match, slots={**match.slots, "area": match.room}, where=Where.HERE)
    found, area = find(home, there), home.area(match.room)
    is_there = isinstance(found, tuple) and area is not None and any(entity.area == area.id for entity in found)
    return there if is_there else match


def needs_room(match: Match) -> bool:
    """Tell whether a sentence means things in the speaker's room, and nobody knows which that is."""
    domain = match.domain or _domain(match.intent)
    return (
        match.where is Where.UNKNOWN
        and domain is not None
        and domain not in _ONE_PER_HOME
        and match.intent != "HassGetState"
    )


def _domain(intent: str) -> str | None:
    by_prefix = (domain for prefix, domain in _DOMAIN_BY_PREFIX.items() if intent.startswith(prefix))
    return _DOMAIN.get(intent) or next(by_prefix, None)


def _named(home: Home, match: Match, speaker_area: str | None) -> Targets | Answer:
    name = str(match.slots["name"])
    named = tuple(e for e in home.find_by_name(name) if match.domain in {None, e.domain})
    if match.where is Where.SAID and match.intent != "HassVacuumCleanArea":
        area = str(match.slots["area"])
        return (
            _in_area(named, home.area(area))
            or _nowhere(named)
            or Answer(responses.not_in(name, area, match.language), done=False)
        )
    if len(named) > 1:
        named = _in_area(named, home.area(speaker_area) if speaker_area else None) or named
    return named if len(named) == 1 else _ambiguous(home, name, named, match.language)


def _temperature(home: Home, match: Match) -> Targets | Answer:
    """Find what tells how warm it is: a thermostat of the place, else its thermometers, else the only one of the home."""
    found = _group(home, match, "climate")
    thermometers = tuple(filter(_is_thermometer, home.entities))
    there = _there(home, match, thermometers)
    if isinstance(found, tuple) and (not there or _there(home, match, found)):
        return found
    if not there and match.where in {Where.HERE, Where.UNKNOWN, Where.ANYWHERE} and "floor" not in match.slots:
        there = _nowhere(thermometers) or (thermometers if len(thermometers) == 1 else ())
    return there or found


def _there(home: Home, match: Match, entities: Targets) -> Targets:
    """Return those in the area, or on the floor, that a sentence is about."""
    if (floor := match.said("floor")) is not None:
        areas = {area.id for area in home.areas_on_floor(floor)}
        return tuple(entity for entity in entities if entity.area in areas)
    return _in_area(entities, home.area(match.said("area") or ""))


def _is_thermometer(entity: Entity) -> bool:
    names = " ".join((entity.id, *entity.names))
    return entity.domain == "sensor" and entity.device_class == "temperature" and not _OF_APPLIANCES.search(names)


def _group(home: Home, match: Match, domain: str) -> Targets | Answer:
    classes = match.any_of("device_class")
    candidates = tuple(e for e in home.entities if e.domain == domain and _is_of_class(e, classes))
    if (floor := match.said("floor")) is not None:
        areas = {area.id for area in home.areas_on_floor(floor)}
        found = tuple(entity for entity in candidates if entity.area in areas)
        return found or Answer(responses.nothing_there(domain, classes, floor, match.language), done=False)
    area = match.said("area")
    is_only_kind = domain == "cover" and not _ONE_CLASS_PER_HOME.isdisjoint(classes)
    if is_only_kind and match.where in {Where.HERE, Where.UNKNOWN}:
        return _in_area(candidates, home.area(area or "")) or _any_of(home, match, candidates)
    if needs_room(match):
        return Answer(responses.say("which_room", match.language), done=False)
    found = (
        candidates if area is None or match.intent.startswith("HassVacuum") else _in_area(candidates, home.area(area))
    )
    if not found and domain == "cover" and "door" in classes and area is not None:
        found = _garage_door(home, area)
    if not found and domain in _ONE_PER_HOME:
        found = candidates if match.where is Where.HERE else _nowhere(candidates)
    if not found:
        return Answer(responses.nothing_there(domain, classes, area, match.language), done=False)
    return _only_one(home, found, domain, match) if domain in _ONE_PER_HOME else found


def _garage_door(home: Home, spoken: str) -> Targets:
    """Find the door of an area called garage: "the garage door" may be understood as a door that is there."""
    doors = tuple(entity for entity in home.entities if entity.domain == "cover" and _is_of_class(entity, ("garage",)))
    area = home.area(spoken)
    is_garage = area is not None and any(
        word in name.casefold() for name in area.names for word in ("garage", "garaje")
    )
    return _in_area(doors, area) or (doors if is_garage and len(doors) == 1 else ())


def _any_of(home: Home, match: Match, candidates: Targets) -> Targets | Answer:
    """Take the only one that there is, whatever room it is in."""
    domain, classes = match.domain or "", match.any_of("device_class")
    if not candidates:
        return Answer(responses.nothing_there(domain, classes, None, match.language), done=False)
    name = responses.kind_of_things(domain, classes, match.language)
    return candidates if len(candidates) == 1 else _ambiguous(home, name, candidates, match.language)


def _only_one(home: Home, found: Targets, domain: str, match: Match) -> Targets | Answer:
    """Take the only one, or the weather at home; ask which of several others."""
    if domain == "todo":
        return _list(found, match)
    if domain == "weather" or len(found) == 1:
        return found[:1]
    return _ambiguous(home, responses.kind_of_things(domain, (), match.language), found, match.language)


def _list(found: Targets, match: Match) -> Targets | Answer:
    """Take the list for shopping, or the only list when no such is wanted; ask which of others."""
    for_shopping = tuple(filter(todo_lists.is_for_shopping, found))
    wants_shopping = todo_lists.means_shopping(match)
    candidates = for_shopping or found
    if len(candidates) == 1 and (for_shopping or not wants_shopping):
        return candidates
    text = responses.which_list(candidates, match.language, shopping=wants_shopping and not for_shopping)
    return Which(text, done=False, options=candidates)


def _able(found: Targets, match: Match) -> Targets | Answer:
    """Keep the lights that can be coloured or dimmed as told."""
    if match.intent != "HassLightSet":
        return found
    needed = {feature for slot, feature in _FEATURE.items() if slot in match.slots}
    able = tuple(entity for entity in found if needed <= entity.features)
    return able or Answer(responses.cannot_be(match, found), done=False)


def _ambiguous(home: Home, name: str, found: Targets, language: str) -> Answer:
    areas = [area for area in home.areas if area.id in {entity.area for entity in found}]
    return Answer(responses.which_one(name, areas, language), done=False)


def _is_of_class(entity: Entity, classes: Sequence[str]) -> bool:
    """Tell by what it is known to be, else by the words of its names: a curtain is what has "curtain" in one."""
    if not classes or entity.device_class in classes:
        return True
    return entity.device_class is None and any(one in name.casefold() for name in entity.names for one in classes)


def _in_area(entities: Sequence[Entity], area: Area | None) -> Targets:
    return tuple(entity for entity in entities if area is not None and entity.area == area.id)


def _nowhere(entities: Sequence[Entity]) -> Targets:
    return tuple(entity for entity in entities if entity.area is None)
