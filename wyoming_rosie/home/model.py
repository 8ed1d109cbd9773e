"""Model of the home: floors, areas, entities, room policies and preferences."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar

DEMO_HOME = Path(__file__).with_name("demo_home.toml")
"""The home file that `wyoming-rosie demo` and daemons without `--home` use."""
GUEST = "guest"
"""Key of the policy for voices that nobody knows, and for sentences that are typed."""
SIMULATED = "a simulated home that controls no real devices"
SIMULATED_HOME_FILE = "a simulation of your home file that controls no real devices"
"""Notices of the demo actor, in the intent daemon's description and in the log line of each answer."""

# fmt: off
DOMAINS = frozenset({
    "alarm_control_panel", "automation", "binary_sensor", "button", "calendar", "camera", "climate", "cover", "device_tracker",
    "event", "fan", "humidifier", "input_boolean", "input_button", "input_number", "input_select", "lawn_mower", "light",
    "lock", "media_player", "number", "person", "remote", "scene", "script", "select", "sensor", "siren", "switch", "todo",
    "vacuum", "valve", "water_heater", "weather",
})
# fmt: on
"""Home Assistant domains that a home file may use; the entities of other domains are never acted on."""
FEATURES = frozenset({"brightness", "color"})
"""Features of a light beyond on and off."""
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
class Zone:
    """A place other than the home where persons may be: work, school."""

    name: str  # the state of the persons who are there
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
    device_class: str | None = None  # as Home Assistant names it: garage, window, motion
    unit_of_measurement: str | None = None  # of a sensor, as Home Assistant writes it: °C, %, kWh
    place: str | None = None  # of a person in a simulated home: home, not_home or a zone

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Location:
    """Place name and coordinates of the home, in degrees."""

    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Preferences:
    """Preferences of the household."""

    language: str | None = None
    units: Units = "metric"
    temperature: float | None = None  # of a comfortable room, in degrees of `units`
    always_local: bool = False  # never use language models on other machines
    never_cloud: bool = False  # never use language models outside the home


@dataclass(frozen=True)
class RoomPolicy:
    """Entities that may be controlled from an area, as id patterns, and whether its speech must stay in the home."""

    may: tuple[str, ...] | None = None  # None: all entities
    private: bool = False


@dataclass(frozen=True)
class PersonPolicy:
    """Entities that a person may control, as id patterns."""

    may: tuple[str, ...] | None = None  # None: all entities


@dataclass(frozen=True)
class Home:
    areas: tuple[Area, ...] = ()
    entities: tuple[Entity, ...] = ()
    floors: tuple[Floor, ...] = ()
    location: Location = Location()
    preferences: Preferences = Preferences()
    rooms: Mapping[str, RoomPolicy] = field(default_factory=dict)  # by an area's id
    zones: tuple[Zone, ...] = ()
    people: Mapping[str, PersonPolicy] = field(default_factory=dict)  # by a person's name, or GUEST

    def get_area(self, name: str) -> Area | None:
        """Return the area with this id, name or alias, ignoring case."""
        return next(iter(self._areas.get(name.casefold(), ())), None)

    def is_private(self, area: str) -> bool:
        """Return whether an area, found by its id, name or alias, is a private room; an unknown one is not."""
        found = self.get_area(area)
        return found is not None and self.rooms.get(found.id, RoomPolicy()).private

    def must_stay_home(self, area: str | None) -> bool:
        """Return whether what is said in an area must stay in the home; an unknown area is as private as any room."""
        if area is None or self.get_area(area) is None:
            return any(policy.private for policy in self.rooms.values())
        return self.is_private(area)

    def get_person_policy(self, name: str | None) -> PersonPolicy | None:
        """Return the policy for a person, ignoring case, or for guests; None if the home file has none."""
        return self._people.get((name or GUEST).casefold())

    def get_entity(self, name: str) -> Entity | None:
        """Return the entity with this id, name or alias, ignoring case."""
        return next(iter(self._entities.get(name.casefold(), ())), None)

    def get_floor(self, name: str) -> Floor | None:
        """Return the floor with this id, name or alias, ignoring case."""
        return next(iter(self._floors.get(name.casefold(), ())), None)

    def find_by_name(self, name: str) -> tuple[Entity, ...]:
        """Return the entities with this name or alias, ignoring case."""
        folded = name.casefold()
        found = self._entities.get(folded, ())
        return tuple(entity for entity in found if folded in map(str.casefold, entity.names))

    def get_areas_on_floor(self, floor: str) -> tuple[Area, ...]:
        """Return the areas of a floor, found by its id, name or alias."""
        found = self.get_floor(floor)
        return tuple(area for area in self.areas if found is not None and area.floor == found.id)

    @cached_property
    def _people(self) -> Mapping[str, PersonPolicy]:
        return {name.casefold(): person for name, person in self.people.items()}

    @cached_property
    def _areas(self) -> Mapping[str, Sequence[Area]]:
        return _index_by_name(self.areas)

    @cached_property
    def _entities(self) -> Mapping[str, Sequence[Entity]]:
        return _index_by_name(self.entities)

    @cached_property
    def _floors(self) -> Mapping[str, Sequence[Floor]]:
        return _index_by_name(self.floors)


class _NamedItem(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...


_Named = TypeVar("_Named", bound=_NamedItem)


def _index_by_name(items: Iterable[_Named]) -> Mapping[str, Sequence[_Named]]:
    found: dict[str, dict[str, _Named]] = defaultdict(dict)
    for item in items:
        for name in (item.id, *item.names):
            found[name.casefold()].setdefault(item.id, item)
    return {name: tuple(named.values()) for name, named in found.items()}
