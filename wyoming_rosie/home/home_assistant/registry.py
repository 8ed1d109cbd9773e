"""Converts Home Assistant's registries to a home of the entities exposed to voice assistants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from wyoming_rosie.home.home_assistant.states import ReportedState
from wyoming_rosie.home.model import Area, Entity, Floor, Home, Location, Preferences, Zone

RegistryEntry: TypeAlias = Mapping[str, Any]
ASSISTANT = "conversation"
MAX_NAME_LENGTH = 100
"""Characters; longer names are cut."""
_HOME_ZONE = "zone.home"
_COLORS = frozenset({"hs", "rgb", "rgbw", "rgbww", "xy"})

# Home Assistant's defaults, which it stores for an entity only after the first request for it.
# fmt: off
_DEFAULT_EXPOSED = frozenset({
    "climate", "cover", "fan", "humidifier", "light", "media_player", "scene", "switch", "todo", "vacuum", "water_heater",
})
_DEFAULT_EXPOSED_CLASSES = {
    "binary_sensor": frozenset({"door", "garage_door", "lock", "motion", "opening", "presence", "window"}),
    "sensor": frozenset({
        "aqi", "carbon_dioxide", "carbon_monoxide", "humidity", "pm10", "pm25", "temperature", "volatile_organic_compounds",
    }),
}
# fmt: on


@dataclass(frozen=True)
class Registries:
    """Registry entries as Home Assistant sends them."""

    floors: tuple[RegistryEntry, ...] = ()
    areas: tuple[RegistryEntry, ...] = ()
    devices: tuple[RegistryEntry, ...] = ()
    entities: tuple[RegistryEntry, ...] = ()
    exposed: frozenset[str] = frozenset()  # ids of entities
    exposes_new: bool = False
    settings: RegistryEntry = field(default_factory=dict)


def find_exposed(registries: Registries, states: Mapping[str, ReportedState]) -> tuple[str, ...]:
    """Return the ids of the entities exposed to voice assistants."""
    entries = {str(entry["entity_id"]): entry for entry in registries.entities}
    return tuple(entity for entity in states if _is_exposed(entity, entries.get(entity), states[entity], registries))


def create_home(registries: Registries, states: Mapping[str, ReportedState], aliases: Mapping[str, tuple[str, ...]], file_home: Home) -> Home:  # fmt: skip
    """Create the home of Home Assistant with the room policies, preferences and location of the home file."""
    entries = {str(entry["entity_id"]): entry for entry in registries.entities}
    devices = {str(entry["id"]): entry for entry in registries.devices}
    areas = tuple(_create_area(entry) for entry in registries.areas)
    known = {area.id for area in areas}
    found = (
        _create_entity(
            entity, states[entity], _get_area(entries.get(entity, {}), devices, known), aliases.get(entity, ())
        )
        for entity in find_exposed(registries, states)
    )
    return replace(
        file_home,
        floors=tuple(_create_floor(entry) for entry in registries.floors),
        areas=areas,
        entities=tuple(sorted((item for item in found if item is not None), key=lambda item: item.id)),
        zones=_create_zones(states),
        location=file_home.location if file_home.location != Location() else _get_location(registries.settings),
        preferences=file_home.preferences
        if file_home.preferences != Preferences()
        else _get_preferences(registries.settings),
    )


def get_device_areas(registries: Registries) -> Mapping[str, str]:
    """Return area ids by device id."""
    return {str(entry["id"]): str(entry["area_id"]) for entry in registries.devices if entry.get("area_id")}


def _is_exposed(entity: str, entry: RegistryEntry | None, state: ReportedState, registries: Registries) -> bool:
    if entry is None:
        return entity in registries.exposed or (registries.exposes_new and _is_exposed_by_default(entity, state))
    option = (entry.get("options") or {}).get(ASSISTANT, {}).get("should_expose")
    if isinstance(option, bool):
        return option
    is_plain = entry.get("entity_category") is None and entry.get("hidden_by") is None
    return registries.exposes_new and is_plain and _is_exposed_by_default(entity, state)


def _is_exposed_by_default(entity: str, state: ReportedState) -> bool:
    domain = entity.partition(".")[0]
    return domain in _DEFAULT_EXPOSED or state.attributes.get("device_class") in _DEFAULT_EXPOSED_CLASSES.get(
        domain, ()
    )


def _create_floor(entry: RegistryEntry) -> Floor:
    return Floor(str(entry["floor_id"]), _clean_name(entry["name"]), _clean_names(entry.get("aliases", ())))


def _create_area(entry: RegistryEntry) -> Area:
    floor = entry.get("floor_id")
    return Area(str(entry["area_id"]), _clean_name(entry["name"]), _clean_names(entry.get("aliases", ())), str(floor) if floor else None)  # fmt: skip


def _create_zones(states: Mapping[str, ReportedState]) -> tuple[Zone, ...]:
    """Return the zones, which need not be exposed: they are only asked about, as the places of persons."""
    others = (state for entity, state in states.items() if entity.startswith("zone.") and entity != _HOME_ZONE)
    names = (_clean_name(state.attributes.get("friendly_name")) for state in others)
    return tuple(map(Zone, sorted(filter(None, names))))


def _get_area(entry: RegistryEntry, devices: Mapping[str, RegistryEntry], known: set[str]) -> str | None:
    area = entry.get("area_id") or devices.get(str(entry.get("device_id")), {}).get("area_id")
    return str(area) if area in known else None


def _create_entity(entity: str, state: ReportedState, area: str | None, aliases: tuple[str, ...]) -> Entity | None:
    name = _clean_name(state.attributes.get("friendly_name"))
    if not name:
        return None
    domain = entity.partition(".")[0]
    device_class = state.attributes.get("device_class")
    features = _get_features(state) if domain == "light" else frozenset()
    return Entity(
        entity, name, domain, area, _clean_names(aliases), features, str(device_class) if device_class else None
    )


def _get_features(state: ReportedState) -> frozenset[str]:
    modes = frozenset(state.attributes.get("supported_color_modes") or ())
    dims = modes - {"onoff", "unknown"}
    return frozenset(({"brightness"} if dims else set()) | ({"color"} if modes & _COLORS else set()))


def _get_location(settings: RegistryEntry) -> Location:
    latitude, longitude = settings.get("latitude"), settings.get("longitude")
    if not isinstance(latitude, (int, float)) or not isinstance(longitude, (int, float)):
        return Location()
    return Location(_clean_name(settings.get("location_name")) or None, float(latitude), float(longitude))


def _get_preferences(settings: RegistryEntry) -> Preferences:
    is_fahrenheit = "F" in str((settings.get("unit_system") or {}).get("temperature", ""))
    return Preferences(units="imperial" if is_fahrenheit else "metric")


def _clean_names(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({name for name_value in values if (name := _clean_name(name_value))}))


def _clean_name(value: object) -> str:
    """Return a name on one line, without control characters."""
    text = "".join(character if character.isprintable() else " " for character in str(value or ""))
    return " ".join(text.split())[:MAX_NAME_LENGTH]
