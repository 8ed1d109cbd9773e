"""Entities of the home in a prompt: which are listed, and how their states are told. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.llm.prompts.quoting import MAX_NAME_CHARACTERS, quote

States: TypeAlias = Mapping[str, Mapping[str, object]]
MAX_ALIASES = 2
_STATELESS = frozenset({"button", "event", "input_button", "scene", "script"})
# fmt: off
_BY_RELEVANCE = (
    "light", "switch", "climate", "cover", "media_player", "lock", "fan", "vacuum", "scene", "script", "todo", "weather",
    "alarm_control_panel", "valve", "humidifier", "lawn_mower", "water_heater", "input_boolean", "person", "sensor",
    "binary_sensor",
)
_PROMPT_ATTRIBUTES = (
    "brightness", "color", "current_temperature", "temperature", "target", "position", "current_position", "speed", "percentage", "volume", "volume_level",
    "title", "media_title", "items", "unit_of_measurement",
)
# fmt: on
"""Attributes that are listed besides the state of an entity that is not off."""
_OFF = frozenset({"off", "unavailable", "unknown"})


@dataclass(frozen=True)
class PromptEntity:
    """An entity as a prompt lists it."""

    name: str
    domain: str
    area: str | None
    aliases: tuple[str, ...]


def create_entities(entities: Iterable[Entity], home: Home) -> list[PromptEntity]:
    """Return entities as the prompt of a home lists them."""
    areas = {area.id: area.name for area in home.areas}
    return [
        PromptEntity(one.name, one.domain, areas.get(one.area or ""), one.aliases[:MAX_ALIASES]) for one in entities
    ]


def count_domains(entities: Iterable[Entity]) -> Counter[str]:
    """Return the number of entities of each domain, in the order of their names."""
    return Counter(sorted(entity.domain for entity in entities))


def select_entities(
    home: Home, area: str | None, max_tokens: int, tokens: Callable[[str], int], used: Sequence[str] = ()
) -> tuple[Entity, ...]:
    """Return the entities to list, the most relevant first: all, or as many as there is room for.

    First one of each domain, then those in the area and those used recently, then the others; the domains alternate.
    """
    rank = {domain: number for number, domain in enumerate(_BY_RELEVANCE)}
    nearby = frozenset(used) | {entity.id for entity in home.entities if area is not None and entity.area == area}
    turns: Counter[tuple[str, bool]] = Counter()
    order = []
    for entity in sorted(home.entities, key=lambda entity: (entity.id not in nearby, entity.id)):
        is_near = entity.id in nearby
        turn = turns[entity.domain, is_near]
        turns[entity.domain, is_near] += 1
        is_first = turn == 0 and (is_near or not turns[entity.domain, True])
        order.append((not is_first, not is_near, turn, rank.get(entity.domain, len(rank)), entity.id, entity))
    return tuple(
        _fit_entities([entity for *_, entity in sorted(order, key=lambda entry: entry[:5])], home, max_tokens, tokens)
    )


def _fit_entities(
    entities: Iterable[Entity], home: Home, max_tokens: int, tokens: Callable[[str], int]
) -> Iterable[Entity]:
    areas = {area.id: area.name for area in home.areas}
    for entity in entities:
        names = " ".join(map(quote, (entity.name, *entity.aliases[:MAX_ALIASES])))
        max_tokens -= tokens(f"- {names}, also, also: {entity.domain}, {quote(areas.get(entity.area or '', ''))}\n")
        if max_tokens < 0:
            return
        yield entity


def group_by_state(
    entities: Iterable[Entity], states: States, max_tokens: int, tokens: Callable[[str], int]
) -> tuple[list[tuple[str, list[str]]], bool]:
    """Return the names of entities by state, and whether there are more than there is room for."""
    found: dict[str, list[str]] = {}
    for entity in entities:
        if entity.id not in states or entity.domain in _STATELESS:
            continue
        state = describe_state(states[entity.id])
        max_tokens -= tokens(f"{quote(entity.name)}, " + ("" if state in found else f"- {state}:\n"))
        if max_tokens < 0:
            return _sort_groups(found), True
        found.setdefault(state, []).append(entity.name)
    return _sort_groups(found), False


def _sort_groups(found: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted((state, sorted(names)) for state, names in found.items())


def describe_state(state: Mapping[str, object]) -> str:
    """Return an entity's state and attributes in a few words."""
    value = str(state.get("state", "unknown"))
    if value in _OFF:
        return value
    attributes = [
        f"{key.replace('_', ' ')} {_format_value(state[key])}"
        for key in _PROMPT_ATTRIBUTES
        if state.get(key) not in (None, "", ())
    ]
    return ", ".join(
        (value if value.replace("_", "").isalnum() and len(value) < MAX_NAME_CHARACTERS else quote(value), *attributes)
    )


def _format_value(value: object) -> str:
    match value:
        case bool() | int():
            return str(value)
        case float():
            return f"{value:g}"
        case list() | tuple():
            return " and ".join(quote(item) for item in value[:10])
        case _:
            return quote(value)
