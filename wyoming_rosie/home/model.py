"""The home that people speak about: floors, areas, entities and what people there like, read from a TOML file."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, get_args, get_type_hints

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file

DEMO_HOME = Path(__file__).with_name("demo_home.toml")
SIMULATED = "a pretend house: nothing real moves"
SIMULATED_HOME_FILE = "a pretend house made from your home file: nothing real moves"
"""How an intent daemon says that its house is in memory only: in its description, and in the log line of each answer."""
"""The small house that `wyoming-rosie demo` and daemons without `--home` use."""

# fmt: off
DOMAINS = frozenset({
    "alarm_control_panel", "automation", "binary_sensor", "button", "calendar", "camera", "climate", "cover", "device_tracker",
    "event", "fan", "humidifier", "input_boolean", "input_button", "input_number", "input_select", "lawn_mower", "light",
    "lock", "media_player", "number", "person", "remote", "scene", "script", "select", "sensor", "siren", "switch", "todo",
    "vacuum", "valve", "water_heater", "weather",
})
# fmt: on
"""Kinds of things that a home file may name. A home from elsewhere may have others; nobody acts on those."""
FEATURES = frozenset({"brightness", "color"})
"""What a light may be able to do beside on and off."""
Units: TypeAlias = Literal["metric", "imperial"]


@dataclass(frozen=True)
class Floor:
    id: str
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Area:
    id: str
    name: str
    aliases: tuple[str, ...] = ()
    floor: str | None = None  # a floor's id

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
    device_class: str | None = None  # in Home Assistant's words: garage, window, motion
    unit_of_measurement: str | None = None  # of what a sensor measures, in Home Assistant's words: °C, %, kWh

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Location:
    """Where the home stands, as people call it and in degrees."""

    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Preferences:
    """What the people of the home like."""

    language: str | None = None
    units: Units = "metric"
    temperature: float | None = None  # of a comfortable room, degrees of their units
    always_local: bool = False  # language models of other machines are never asked
    never_cloud: bool = False  # those outside the home are never asked


@dataclass(frozen=True)
class RoomPolicy:
    """What may be done from an area, as patterns of entities' ids, and whether what is said there stays in the home."""

    may: tuple[str, ...] | None = None  # None: whatever may be done at all
    private: bool = False


@dataclass(frozen=True)
class Home:
    areas: tuple[Area, ...] = ()
    entities: tuple[Entity, ...] = ()
    floors: tuple[Floor, ...] = ()
    location: Location = Location()
    preferences: Preferences = Preferences()
    rooms: Mapping[str, RoomPolicy] = field(default_factory=dict)  # by an area's id

    def get_area(self, spoken: str) -> Area | None:
        """Return the area with this id, name or alias, whatever its case."""
        return next(iter(self._areas.get(spoken.casefold(), ())), None)

    def get_entity(self, spoken: str) -> Entity | None:
        """Return the entity with this id, name or alias, whatever its case."""
        return next(iter(self._entities.get(spoken.casefold(), ())), None)

    def get_floor(self, spoken: str) -> Floor | None:
        """Return the floor with this id, name or alias, whatever its case."""
        return next(iter(self._floors.get(spoken.casefold(), ())), None)

    def find_by_name(self, name: str) -> tuple[Entity, ...]:
        """Return the entities with this name or alias, whatever its case."""
        folded = name.casefold()
        found = self._entities.get(folded, ())
        return tuple(entity for entity in found if folded in map(str.casefold, entity.names))

    def get_areas_on_floor(self, floor: str) -> tuple[Area, ...]:
        """Return the areas of a floor, given by its id, name or alias."""
        found = self.get_floor(floor)
        return tuple(area for area in self.areas if found is not None and area.floor == found.id)

    @cached_property
    def _areas(self) -> Mapping[str, Sequence[Area]]:
        return _index_by_name(self.areas)

    @cached_property
    def _entities(self) -> Mapping[str, Sequence[Entity]]:
        return _index_by_name(self.entities)

    @cached_property
    def _floors(self) -> Mapping[str, Sequence[Floor]]:
        return _index_by_name(self.floors)


def load_home(path: Path) -> Home:
    """Read `[[floors]]`, `[[areas]]`, `[[entities]]`, `[location]`, `[preferences]` and `[rooms.AREA]`.

    Raises ConfigError, which names the file, the line and the entry, for anything else.
    """
    document = toml_file.read(path, "home file")
    try:
        return _parse_home(document)
    except _InvalidEntryError as wrong:
        line = wrong.find_line(path.read_text("utf-8", "replace"))
        raise ConfigError(f"{path}{f', line {line}' if line else ''}: {wrong}") from None


class _InvalidEntryError(ValueError):
    """An entry that makes no sense: its table, which of several it is, and the key that is wrong."""

    def __init__(self, reason: str, table: str, number: int = 1, key: str | None = None) -> None:
        super().__init__(reason)
        self._table = re.escape(table)
        self._number = number
        self._key = re.escape(key) if key else None

    def find_line(self, text: str) -> int | None:
        """Return the number of the entry's line in the file's text, counted from one."""
        lines = text.splitlines()
        header = rf"\s*\[+\s*{self._table}\s*\]|\s*{self._table}\s*[.=]"
        heads = [number for number, line in enumerate(lines, 1) if re.match(header, line)]
        if len(heads) < self._number:
            return None
        start = heads[self._number - 1]
        return next(self._find_key_lines(lines, start), start)

    def _find_key_lines(self, lines: Sequence[str], start: int) -> Iterator[int]:
        for number, line in enumerate(lines[start:], start + 1):
            if line.lstrip().startswith("["):
                return
            if self._key and re.match(rf"\s*[\"']?{self._key}[\"']?\s*=", line):
                yield number


class _NamedItem(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


_Named = TypeVar("_Named", bound=_NamedItem)
_Kind = TypeVar("_Kind")


def _index_by_name(things: Iterable[_Named]) -> Mapping[str, Sequence[_Named]]:
    found: dict[str, dict[str, _Named]] = defaultdict(dict)
    for thing in things:
        for name in (thing.id, *thing.names):
            found[name.casefold()].setdefault(thing.id, thing)
    return {name: tuple(named.values()) for name, named in found.items()}


def _parse_home(document: Mapping[str, Any]) -> Home:
    tables = [one.name for one in fields(Home)]
    for key in sorted(document.keys() - set(tables)):
        raise _InvalidEntryError(f"unknown table '{key}'; there are: {', '.join(sorted(tables))}", key)
    home = Home(
        tuple(_parse_entries(document, "areas", Area)),
        tuple(_parse_entries(document, "entities", Entity)),
        tuple(_parse_entries(document, "floors", Floor)),
        _parse_table(document, "location", Location),
        _parse_table(document, "preferences", Preferences),
        _parse_rooms(document),
    )
    _check_values(home)
    return home


def _check_values(home: Home) -> None:
    _check_duplicates(home)
    areas, floors = {area.id for area in home.areas}, {floor.id for floor in home.floors}
    for number, area in enumerate(home.areas, 1):
        if area.floor is not None and area.floor not in floors:
            reason = f"area '{area.id}' is on an unknown floor '{area.floor}'"
            raise _InvalidEntryError(reason, "areas", number, "floor")
    for number, entity in enumerate(home.entities, 1):
        _check_references(entity, number, areas)
    for room in home.rooms.keys() - areas:
        raise _InvalidEntryError(f"[rooms.{room}] is about an unknown area '{room}'", f"rooms.{room}")
    _check_location(home.location)


def _check_location(location: Location) -> None:
    for key, given, most in (("latitude", location.latitude, 90), ("longitude", location.longitude, 180)):
        if given is not None and not -most <= given <= most:
            raise _InvalidEntryError(f"[location]: '{key}' must be between -{most} and {most}", "location", key=key)
    if (location.latitude is None) != (location.longitude is None):
        raise _InvalidEntryError("[location] needs both 'latitude' and 'longitude', or neither", "location")


def _parse_entries(document: Mapping[str, Any], table: str, kind: type[_Named]) -> list[_Named]:
    entries = document.get(table, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _InvalidEntryError(f"'{table}' must be written as [[{table}]] entries", table)
    return [
        _parse_entry(entry, f"[[{table}]] entry {number}", kind, table, number)
        for number, entry in enumerate(entries, 1)
    ]


def _parse_rooms(document: Mapping[str, Any]) -> Mapping[str, RoomPolicy]:
    rooms = document.get("rooms", {})
    if not isinstance(rooms, dict):
        raise _InvalidEntryError("'rooms' must be written as [rooms.AREA] tables", "rooms")
    return {area: _parse_table(rooms, area, RoomPolicy, f"rooms.{area}") for area in rooms}


def _parse_table(document: Mapping[str, Any], key: str, kind: type[_Kind], table: str = "") -> _Kind:
    table = table or key
    entry = document.get(key, {})
    if not isinstance(entry, dict):
        raise _InvalidEntryError(f"'{table}' must be written as a table [{table}]", table)
    return _parse_entry(entry, f"[{table}]", kind, table)


def _parse_entry(entry: Mapping[str, Any], where: str, kind: type[_Kind], table: str, number: int = 1) -> _Kind:
    types = get_type_hints(kind)
    known = types.keys()
    for key in sorted(entry.keys() - known):
        reason = f"{where} has an unknown key '{key}'; there are: {', '.join(sorted(known))}"
        raise _InvalidEntryError(reason, table, number, key)
    for key in sorted((known & {"id", "name", "domain"}) - entry.keys() if "id" in known else ()):
        raise _InvalidEntryError(f"{where} has no '{key}'", table, number)
    given: dict[str, Any] = {}
    for key, value in entry.items():
        try:
            given[key] = _parse_value(value, str(types[key]))
        except ValueError as wrong:
            raise _InvalidEntryError(f"{where}: '{key}' must be {wrong}", table, number, key) from None
    return kind(**given)


def _parse_value(value: object, kind: str) -> object:
    """Return the value as its field wants it. Raises ValueError, which says what that is."""
    if "tuple" in kind or "frozenset" in kind:
        return frozenset(_parse_strings(value)) if "frozenset" in kind else tuple(_parse_strings(value))
    if "float" in kind:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError("a number")
        return float(value)
    if "bool" in kind:
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    if "Literal" in kind and value not in get_args(Units):
        raise ValueError(" or ".join(get_args(Units)))
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _parse_strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("a list of texts")
    return value


def _check_duplicates(home: Home) -> None:
    ids: set[str] = set()
    tables: Mapping[str, Sequence[Area | Entity | Floor]] = {
        "areas": home.areas,
        "entities": home.entities,
        "floors": home.floors,
    }
    for table, things in tables.items():
        names: set[str] = set()
        for number, thing in enumerate(things, 1):
            if thing.id in ids:
                raise _InvalidEntryError(f"the id '{thing.id}' is given twice", table, number, "id")
            ids.add(thing.id)
            # an alias may repeat its own area's name; two areas of one name could never be told apart
            own = {name.casefold() for name in thing.names} if table != "entities" else set()
            if taken := names & own:
                kind = table.removesuffix("s")
                raise _InvalidEntryError(f"the {kind} name '{min(taken)}' is given twice", table, number)
            names |= own


def _check_references(entity: Entity, number: int, areas: set[str]) -> None:
    if entity.domain not in DOMAINS:
        known = ", ".join(sorted(DOMAINS))
        reason = f"entity '{entity.id}' has an unknown domain '{entity.domain}'; there are: {known}"
        raise _InvalidEntryError(reason, "entities", number, "domain")
    if entity.area is not None and entity.area not in areas:
        reason = f"entity '{entity.id}' is in an unknown area '{entity.area}'"
        raise _InvalidEntryError(reason, "entities", number, "area")
    if unknown := entity.features - FEATURES:
        reason = f"entity '{entity.id}' has an unknown feature '{min(unknown)}'; there are: brightness, color"
        raise _InvalidEntryError(reason, "entities", number, "features")
