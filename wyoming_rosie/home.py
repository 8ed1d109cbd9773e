"""The home that people speak about: areas and entities, read from a TOML file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from wyoming_rosie import toml_file
from wyoming_rosie.errors import ConfigError

DEMO_HOME = Path(__file__).with_name("demo_home.toml")
"""The small house that `wyoming-rosie demo` and daemons without `--home` use."""

DOMAINS = frozenset(
    [
        "climate",
        "cover",
        "fan",
        "light",
        "lock",
        "media_player",
        "scene",
        "script",
        "sensor",
        "switch",
        "todo",
        "vacuum",
        "valve",
        "weather",
    ]
)
FEATURES = frozenset({"brightness", "color"})
"""What a light may be able to do beside on and off."""


@dataclass(frozen=True)
class Area:
    id: str
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Entity:
    id: str
    name: str
    domain: str
    area: str | None = None  # an area's id
    aliases: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Home:
    areas: tuple[Area, ...] = ()
    entities: tuple[Entity, ...] = ()

    def area(self, spoken: str) -> Area | None:
        """Return the area with this id, name or alias, whatever its case."""
        return next((area for area in self.areas if _is_called(area, spoken)), None)

    def entity(self, spoken: str) -> Entity | None:
        """Return the entity with this id, name or alias, whatever its case."""
        return next((entity for entity in self.entities if _is_called(entity, spoken)), None)


def load(path: Path) -> Home:
    """Read `[[areas]] id, name, aliases` and `[[entities]] id, name, aliases, area, domain, features`.

    Raises ConfigError, which names the file and the entry, for anything else.
    """
    return _home(toml_file.read(path, "home file"), path)


def _home(document: Mapping[str, Any], path: Path) -> Home:
    for key in sorted(document.keys() - {"areas", "entities"}):
        raise ConfigError(f"{path}: unknown table '{key}'; there are: areas, entities")
    areas = [Area(**entry) for entry in _entries(document, "areas", Area, path)]
    entities = [Entity(**entry) for entry in _entries(document, "entities", Entity, path)]
    _refuse_duplicates("id", [area.id for area in areas] + [entity.id for entity in entities], path)
    # an alias may repeat its own area's name; two areas of one name could never be told apart
    _refuse_duplicates("area name", [name for area in areas for name in {name.casefold() for name in area.names}], path)
    for entity in entities:
        _refuse_unknown(entity, {area.id for area in areas}, path)
    return Home(tuple(areas), tuple(entities))


def _entries(document: Mapping[str, Any], table: str, kind: type[Area | Entity], path: Path) -> list[dict[str, Any]]:
    entries = document.get(table, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f"{path}: '{table}' must be written as [[{table}]] entries")
    return [_entry(entry, f"{path}: [[{table}]] entry {number}", kind) for number, entry in enumerate(entries, 1)]


def _entry(entry: dict[str, Any], where: str, kind: type[Area | Entity]) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    required = known & {"id", "name", "domain"}
    for key in sorted(entry.keys() - known):
        raise ConfigError(f"{where} has an unknown key '{key}'; there are: {', '.join(sorted(known))}")
    for key in sorted(required - entry.keys()):
        raise ConfigError(f"{where} has no '{key}'")
    return {key: _value(key, value, where) for key, value in entry.items()}


def _value(key: str, value: object, where: str) -> str | tuple[str, ...] | frozenset[str]:
    if key not in {"aliases", "features"}:
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where}: '{key}' must be a text that is not empty")
        return value
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ConfigError(f"{where}: '{key}' must be a list of texts")
    return frozenset(value) if key == "features" else tuple(value)


def _refuse_duplicates(what: str, given: Iterable[str], path: Path) -> None:
    seen: set[str] = set()
    for one in given:
        if one in seen:
            raise ConfigError(f"{path}: the {what} '{one}' is given twice")
        seen.add(one)


def _refuse_unknown(entity: Entity, areas: set[str], path: Path) -> None:
    if entity.domain not in DOMAINS:
        raise ConfigError(
            f"{path}: entity '{entity.id}' has an unknown domain '{entity.domain}'; there are: {', '.join(sorted(DOMAINS))}"
        )
    if entity.area is not None and entity.area not in areas:
        raise ConfigError(f"{path}: entity '{entity.id}' is in an unknown area '{entity.area}'")
    if unknown := entity.features - FEATURES:
        raise ConfigError(
            f"{path}: entity '{entity.id}' has an unknown feature '{min(unknown)}'; there are: brightness, color"
        )


def _is_called(thing: Area | Entity, spoken: str) -> bool:
    return spoken.casefold() in {thing.id.casefold(), *(name.casefold() for name in thing.names)}
