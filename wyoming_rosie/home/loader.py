"""Loader of home files: TOML to the model of the home, with errors that name the line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.model import (
    DOMAINS,
    FEATURES,
    Area,
    Entity,
    Floor,
    Home,
    Location,
    PersonPolicy,
    Preferences,
    RoomPolicy,
    Units,
    Zone,
)
from wyoming_rosie.runtime import toml_file

_Kind = TypeVar("_Kind")


def load_home(path: Path) -> Home:
    """Load a home file.

    It has `[[floors]]`, `[[areas]]`, `[[entities]]`, `[[zones]]`, `[location]`, `[preferences]`, `[rooms.AREA]` and `[people.NAME]`.
    Raises ConfigError with the file, the line and the entry for anything else.
    """
    document = toml_file.read(path, "home file")
    try:
        return _parse_home(document)
    except _InvalidEntryError as wrong:
        line = wrong.find_line(path.read_text("utf-8", "replace"))
        raise ConfigError(f"{path}{f', line {line}' if line else ''}: {wrong}") from None


class _InvalidEntryError(ValueError):
    """An invalid entry: its table, its number among the entries of an array of tables, and the invalid key."""

    def __init__(self, reason: str, table: str, number: int = 1, key: str | None = None) -> None:
        super().__init__(reason)
        self._table = re.escape(table)
        self._number = number
        self._key = re.escape(key) if key else None

    def find_line(self, text: str) -> int | None:
        """Return the entry's line number in the text of the file, counted from one; None when it is not found."""
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


def _parse_home(document: Mapping[str, Any]) -> Home:
    tables = [table.name for table in fields(Home)]
    for key in sorted(document.keys() - set(tables)):
        raise _InvalidEntryError(f"unknown table '{key}'; there are: {', '.join(sorted(tables))}", key)
    home = Home(
        tuple(_parse_entries(document, "areas", Area)),
        tuple(_parse_entries(document, "entities", Entity)),
        tuple(_parse_entries(document, "floors", Floor)),
        _parse_table(document, "location", Location),
        _parse_table(document, "preferences", Preferences),
        _parse_named_tables(document, "rooms", "AREA", RoomPolicy),
        tuple(_parse_entries(document, "zones", Zone)),
        _parse_named_tables(document, "people", "NAME", PersonPolicy),
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
    for key, degrees, most in (("latitude", location.latitude, 90), ("longitude", location.longitude, 180)):
        if degrees is not None and not -most <= degrees <= most:
            raise _InvalidEntryError(f"[location]: '{key}' must be between -{most} and {most}", "location", key=key)
    if (location.latitude is None) != (location.longitude is None):
        raise _InvalidEntryError("[location] needs both 'latitude' and 'longitude', or neither", "location")


def _parse_entries(document: Mapping[str, Any], table: str, kind: type[_Kind]) -> list[_Kind]:
    entries = document.get(table, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _InvalidEntryError(f"'{table}' must be written as [[{table}]] entries", table)
    return [
        _parse_entry(entry, f"[[{table}]] entry {number}", kind, table, number)
        for number, entry in enumerate(entries, 1)
    ]


def _parse_named_tables(document: Mapping[str, Any], table: str, key: str, kind: type[_Kind]) -> Mapping[str, _Kind]:
    named = document.get(table, {})
    if not isinstance(named, dict):
        raise _InvalidEntryError(f"'{table}' must be written as [{table}.{key}] tables", table)
    return {name: _parse_table(named, name, kind, f"{table}.{name}") for name in named}


def _parse_table(document: Mapping[str, Any], key: str, kind: type[_Kind], table: str = "") -> _Kind:
    table = table or key
    entry = document.get(key, {})
    if not isinstance(entry, dict):
        raise _InvalidEntryError(f"'{table}' must be written as a table [{table}]", table)
    return _parse_entry(entry, f"[{table}]", kind, table)


def _parse_entry(entry: Mapping[str, Any], location: str, kind: type[_Kind], table: str, number: int = 1) -> _Kind:
    types = get_type_hints(kind)
    known = types.keys()
    for key in sorted(entry.keys() - known):
        reason = f"{location} has an unknown key '{key}'; there are: {', '.join(sorted(known))}"
        raise _InvalidEntryError(reason, table, number, key)
    for key in sorted((known & {"id", "name", "domain"}) - entry.keys() if "aliases" in known else ()):
        raise _InvalidEntryError(f"{location} has no '{key}'", table, number)
    values: dict[str, Any] = {}
    for key, value in entry.items():
        try:
            values[key] = _parse_value(value, str(types[key]))
        except ValueError as wrong:
            raise _InvalidEntryError(f"{location}: '{key}' must be {wrong}", table, number, key) from None
    return kind(**values)


def _parse_value(value: object, kind: str) -> object:
    """Convert a TOML value to the type of its field. Raises ValueError that names the expected type."""
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
    for table, items in tables.items():
        names: set[str] = set()
        for number, item in enumerate(items, 1):
            if item.id in ids:
                raise _InvalidEntryError(f"the id '{item.id}' is given twice", table, number, "id")
            ids.add(item.id)
            # an alias may repeat the name of its own area, but no command can tell two areas of one name apart
            item_names = {name.casefold() for name in item.names} if table != "entities" else set()
            if duplicates := names & item_names:
                kind = table.removesuffix("s")
                raise _InvalidEntryError(f"the {kind} name '{min(duplicates)}' is given twice", table, number)
            names |= item_names


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
