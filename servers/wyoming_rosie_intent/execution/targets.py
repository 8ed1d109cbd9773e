"""Target selection: the entities of a home that a match refers to."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from wyoming_rosie.home.model import Area, Entity, Home
from wyoming_rosie_intent.engine import Answer, AreaScope, Command, Match, TargetChoice
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import durations, todo_lists
from wyoming_rosie_intent.rules.templates import load_custom_sentences

Targets: TypeAlias = tuple[Entity, ...]
_DOMAIN_BY_INTENT = {
    "HassLightSet": "light",
    "HassFanSetSpeed": "fan",
    "HassSetPosition": "cover",
    "HassGetWeather": "weather",
    "HassShoppingListAddItem": "todo",
    "HassShoppingListCompleteItem": "todo",
    "HassVacuumStart": "vacuum",
    "HassVacuumCleanArea": "vacuum",
    "HassVacuumReturnToBase": "vacuum",
    "HassLawnMowerDock": "lawn_mower",
    "HassLawnMowerStartMowing": "lawn_mower",
}
_DOMAIN_BY_PREFIX = {"HassClimate": "climate", "HassMedia": "media_player", "HassSetVolume": "media_player"}
_SINGLE_DOMAINS = frozenset(
    {"climate", "humidifier", "lawn_mower", "media_player", "siren", "todo", "vacuum", "weather"}
)
"""Domains of which a home usually has one, which people do not name in any room."""
_OPENING_DOMAINS = frozenset({"cover", "binary_sensor"})
"""Domains that know whether a window or a door is open."""
_SINGLE_CLASSES = frozenset({"garage", "gate"})
"""The same for device classes of covers."""
_EXAMPLES = "commands"
"""Response key of the question what one can say."""
_EXAMPLE_DOMAINS = ("light", "lock", "climate", "cover", "todo", "media_player", "scene")
MAX_EXAMPLES = 3
_ROOM_TEMPERATURE = "HassClimateGetTemperature"
_APPLIANCE = re.compile(
    r"freez|fridge|refrig|oven|\bwater|boiler|\bcpu|processor|batter|outdoor|outside|device|chip|pool|aquari|gefrier|kühl|wasser|kessel|prozessor"
    r"|außen|aussen|gerät|vorlauf|rücklauf|congél|frigo|\bfour\b|\beau\b|extérieur|congelad|nevera|horno|\bagua\b|exterior|congelat|forno|acqua|estern|vriez|koelkast|buiten",
    re.IGNORECASE,
)
"""Names of thermometers that do not measure room temperature."""
_FEATURE_BY_SLOT = {
    "brightness": "brightness",
    "brightness_step": "brightness",
    "color": "color",
    "temperature": "color",
    "temperature_step": "color",
}
"""Feature that a light needs, by slot of HassLightSet."""


def find_targets(home: Home, match: Match, speaker_area: str | None = None) -> Targets | Answer:
    """Return the targets of a match, none for intents without targets, or an answer when they cannot be determined."""
    speaker_area = match.mentioned_area or speaker_area
    domain = match.domain or infer_domain(match.intent)
    if match.is_remark:
        return _find_here(home, match, domain)
    if durations.is_timer_intent(match):
        return ()  # it may have a name, which is no entity's
    if "name" in match.slots:
        found = _find_by_name(home, match, speaker_area)
    elif match.intent == "HassRespond":
        return _find_examples(home, speaker_area) if match.question == _EXAMPLES else ()
    elif match.intent == _ROOM_TEMPERATURE:
        found = _find_temperature_source(home, match)
    elif domain is not None:
        found = _find_group(home, match, domain)
    else:
        return ()
    if isinstance(found, tuple):
        found = _leave_out_exceptions(home, match, found)
    return _filter_by_feature(found, match) if isinstance(found, tuple) else found


def _find_here(home: Home, match: Match, domain: str | None) -> Targets | Answer:
    """Return the targets of a remark in the speaker's room, or the only thermostat of the home."""
    area = home.get_area(match.slot_text("area") or "")
    if area is None:
        return Answer(responses.render("which_room", match.language), done=False)
    candidates = tuple(entity for entity in home.entities if entity.domain == domain)
    found = _select_in_area(candidates, area)
    if not found and domain == "climate" and len(candidates) == 1:
        found = candidates  # the only thermostat of a home heats this room as well
    if not found:
        return Answer(responses.render_no_targets(domain or "other", (), area.name, match.language), done=False)
    return _filter_by_feature(found, match)


def _leave_out_exceptions(home: Home, match: Match, found: Targets) -> Targets | Answer:
    """Return the targets without the exceptions of "all lights except the kitchen"; "both" are no more than two."""
    floors = [area.id for floor in match.slot_texts("except_floor") for area in home.get_areas_on_floor(floor)]
    areas = [area.id for name in match.slot_texts("except_area") if (area := home.get_area(name)) is not None]
    names = {entity.id for name in match.slot_texts("except_name") for entity in home.find_by_name(name)}
    left = tuple(entity for entity in found if entity.area not in (*floors, *areas) and entity.id not in names)
    if len(left) > float(match.slot_text("amount") or len(left)):
        return _ask_which(home, responses.name_class(left[0].domain, (), match.language), left, match)
    return left or Answer(responses.render_impossible(Command(match, found)), done=False)


def use_mentioned_area(home: Home, match: Match) -> Match:
    """Return the match for the area that the sentence mentioned before, if it has targets there."""
    if match.mentioned_area is None or match.area_scope not in {AreaScope.HERE, AreaScope.UNKNOWN}:
        return match
    with_area = replace(match, slots={**match.slots, "area": match.mentioned_area}, area_scope=AreaScope.HERE)
    found, area = find_targets(home, with_area), home.get_area(match.mentioned_area)
    has_targets = isinstance(found, tuple) and area is not None and any(entity.area == area.id for entity in found)
    return with_area if has_targets else match


def needs_area(match: Match) -> bool:
    """Return whether the match refers to the speaker's area, which is not known."""
    domain = match.domain or infer_domain(match.intent)
    return (
        match.area_scope is AreaScope.UNKNOWN
        and domain is not None
        and domain not in _SINGLE_DOMAINS
        and match.intent != "HassGetState"
    )


def infer_domain(intent: str) -> str | None:
    """Return the domain of the targets of an intent; None if it has any."""
    by_prefix = (domain for prefix, domain in _DOMAIN_BY_PREFIX.items() if intent.startswith(prefix))
    return _DOMAIN_BY_INTENT.get(intent) or next(by_prefix, None)


def _find_by_name(home: Home, match: Match, speaker_area: str | None) -> Targets | Answer:
    name = str(match.slots["name"])
    named = tuple(e for e in home.find_by_name(name) if match.domain in {None, e.domain})
    if match.area_scope is AreaScope.NAMED and match.intent != "HassVacuumCleanArea":
        area = str(match.slots["area"])
        return (
            _select_in_area(named, home.get_area(area))
            or _select_without_area(named)
            or Answer(responses.render_not_in_area(name, area, match.language), done=False)
        )
    if len(named) > 1:
        named = _select_in_area(named, home.get_area(speaker_area) if speaker_area else None) or named
    return named if len(named) == 1 else _ask_which(home, name, named, match)


def _find_examples(home: Home, speaker_area: str | None) -> Targets:
    """Find an entity of each of some domains, in the speaker's area where there is one."""
    area = home.get_area(speaker_area) if speaker_area else None
    found = (tuple(e for e in home.entities if e.domain == domain) for domain in _EXAMPLE_DOMAINS)
    nearest = (_select_in_area(entities, area) or entities for entities in found)
    return tuple(entities[0] for entities in nearest if entities)[:MAX_EXAMPLES]


def _find_temperature_source(home: Home, match: Match) -> Targets | Answer:
    """Find the temperature source: a thermostat of the area, else its thermometers, else the only one of the home."""
    found = _find_group(home, match, "climate")
    thermometers = tuple(filter(_is_thermometer, home.entities))
    candidates = _filter_by_area(home, match, thermometers)
    if isinstance(found, tuple) and (not candidates or _filter_by_area(home, match, found)):
        return found
    if (
        not candidates
        and match.area_scope in {AreaScope.HERE, AreaScope.UNKNOWN, AreaScope.ANYWHERE}
        and "floor" not in match.slots
    ):
        candidates = _select_without_area(thermometers) or (thermometers if len(thermometers) == 1 else ())
    return candidates or found


def _filter_by_area(home: Home, match: Match, entities: Targets) -> Targets:
    """Return the entities in the area or on the floor of a match."""
    if (floor := match.slot_text("floor")) is not None:
        areas = {area.id for area in home.get_areas_on_floor(floor)}
        return tuple(entity for entity in entities if entity.area in areas)
    return _select_in_area(entities, home.get_area(match.slot_text("area") or ""))


def _is_thermometer(entity: Entity) -> bool:
    names = " ".join((entity.id, *entity.names))
    return entity.domain == "sensor" and entity.device_class == "temperature" and not _APPLIANCE.search(names)


def _find_group(home: Home, match: Match, domain: str) -> Targets | Answer:
    classes = match.slot_texts("device_class")
    domains = _OPENING_DOMAINS if match.intent == "HassGetState" and domain == "cover" else {domain}
    candidates = tuple(e for e in home.entities if e.domain in domains and _has_device_class(e, classes))
    if (floor := match.slot_text("floor")) is not None:
        areas = {area.id for area in home.get_areas_on_floor(floor)}
        found = tuple(entity for entity in candidates if entity.area in areas)
        return found or Answer(responses.render_no_targets(domain, classes, floor, match.language), done=False)
    area = match.slot_text("area")
    is_only_kind = domain == "cover" and not _SINGLE_CLASSES.isdisjoint(classes)
    if is_only_kind and match.area_scope in {AreaScope.HERE, AreaScope.UNKNOWN}:
        return _select_in_area(candidates, home.get_area(area or "")) or _select_only(home, match, candidates)
    if needs_area(match):
        return _ask_for_area(home, match, candidates)
    found = (
        candidates
        if area is None or match.intent.startswith("HassVacuum")
        else _select_in_area(candidates, home.get_area(area))
    )
    if not found and domain == "cover" and "door" in classes and area is not None:
        found = _find_garage_door(home, area)
    if not found and domain in _SINGLE_DOMAINS:
        found = candidates if match.area_scope is AreaScope.HERE else _select_without_area(candidates)
    if not found:
        return Answer(responses.render_no_targets(domain, classes, area, match.language), done=False)
    return _select_one(home, found, domain, match) if domain in _SINGLE_DOMAINS else found


def _find_garage_door(home: Home, target_name: str) -> Targets:
    """Find the door of an area called garage, since "the garage door" may match as a door in that area."""
    doors = tuple(
        entity for entity in home.entities if entity.domain == "cover" and _has_device_class(entity, ("garage",))
    )
    area = home.get_area(target_name)
    is_garage = area is not None and any(
        word in name.casefold() for name in area.names for word in ("garage", "garaje")
    )
    return _select_in_area(doors, area) or (doors if is_garage and len(doors) == 1 else ())


def _select_only(home: Home, match: Match, candidates: Targets) -> Targets | Answer:
    """Return the only candidate, in any area."""
    domain, classes = match.domain or "", match.slot_texts("device_class")
    if not candidates:
        return Answer(responses.render_no_targets(domain, classes, None, match.language), done=False)
    name = responses.name_class(domain, classes, match.language)
    return candidates if len(candidates) == 1 else _ask_which(home, name, candidates, match)


def _select_one(home: Home, found: Targets, domain: str, match: Match) -> Targets | Answer:
    """Return the only entity found, or the first weather; ask which of several others."""
    if domain == "todo":
        return _select_list(found, match)
    if domain == "weather" or len(found) == 1:
        return found[:1]
    return _ask_which(home, responses.name_class(domain, (), match.language), found, match)


def _select_list(found: Targets, match: Match) -> Targets | Answer:
    """Return the shopping list, or the only list unless a shopping list was asked for; ask which of several."""
    for_shopping = tuple(filter(todo_lists.is_shopping_list, found))
    wants_shopping = todo_lists.mentions_shopping(match)
    candidates = for_shopping or found
    if len(candidates) == 1 and (for_shopping or not wants_shopping):
        return candidates
    text = responses.ask_which_list(candidates, match.language, shopping=wants_shopping and not for_shopping)
    return TargetChoice(text, done=False, options=_create_options(Home(), match, candidates))


def _filter_by_feature(found: Targets, match: Match) -> Targets | Answer:
    """Keep the lights with the features that the match needs."""
    if match.intent != "HassLightSet":
        return found
    needed = {feature for slot, feature in _FEATURE_BY_SLOT.items() if slot in match.slots}
    able = tuple(entity for entity in found if needed <= entity.features)
    return able or Answer(responses.render_unsupported_light(match, found), done=False)


def _ask_which(home: Home, name: str, found: Targets, match: Match) -> Answer:
    areas = [area for area in home.areas if area.id in {entity.area for entity in found}]
    places = {area.id: at for at, area in enumerate(areas)}
    ordered = sorted(found, key=lambda entity: places.get(entity.area or "", len(places)))
    text = responses.ask_which_area(name, areas, match.language)
    if not found:
        return Answer(text, done=False)
    return TargetChoice(text, done=False, options=_create_options(home, match, ordered))


def _ask_for_area(home: Home, match: Match, candidates: Targets) -> TargetChoice:
    """Ask for the room of a command; its reply is the name of a room that has targets."""
    by_area = {area: _filter_by_feature(_select_in_area(candidates, area), match) for area in home.areas}
    options = {
        name: (Command(replace(match, slots={**match.slots, "area": area.name}, area_scope=AreaScope.NAMED), found),)
        for area, found in by_area.items()
        if isinstance(found, tuple) and found
        for name in area.names
    }
    return TargetChoice(responses.render("which_room", match.language), done=False, options=options)


def _create_options(home: Home, match: Match, entities: Sequence[Entity]) -> Mapping[str, tuple[Command, ...]]:
    """Return the commands for each reply: an entity's name, its area, its place in the list, or all of them."""
    words = load_custom_sentences(match.language).get("choices", {})
    commands = [Command(match, (entity,)) for entity in entities]
    named = Counter(name.casefold() for entity in entities for name in entity.names)
    options = {word: tuple(commands) for word in words.get("all", ())}
    options |= {
        word: (command,) for names, command in zip(words.get("ordinals", ()), commands, strict=False) for word in names
    }
    options |= dict.fromkeys(words.get("last", ()), (commands[-1],))
    for command in commands:
        (entity,) = command.targets
        in_area = [other for other in commands if other.targets[0].area == entity.area]
        area = home.get_area(entity.area or "")
        options |= {name: tuple(in_area) for name in (area.names if area else ())}
        options |= {name: (command,) for name in entity.names if named[name.casefold()] == 1}
    return options


def _has_device_class(entity: Entity, classes: Sequence[str]) -> bool:
    """Return whether an entity has one of the device classes, by its names when its class is not known."""
    if not classes or entity.device_class in classes:
        return True
    return entity.device_class is None and any(word in name.casefold() for name in entity.names for word in classes)


def _select_in_area(entities: Sequence[Entity], area: Area | None) -> Targets:
    return tuple(entity for entity in entities if area is not None and entity.area == area.id)


def _select_without_area(entities: Sequence[Entity]) -> Targets:
    return tuple(entity for entity in entities if entity.area is None)
