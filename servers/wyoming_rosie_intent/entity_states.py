"""What a house in memory knows about each kind of thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Light:
    on: bool = False
    brightness: int = 100  # percent
    color: str = "white"
    kelvin: int = 2700

    @property
    def state(self) -> str:
        return _on_off(self.on)


@dataclass(frozen=True)
class Switch:
    on: bool = False

    @property
    def state(self) -> str:
        return _on_off(self.on)


@dataclass(frozen=True)
class Fan:
    on: bool = False
    speed: int = 100  # percent

    @property
    def state(self) -> str:
        return _on_off(self.on)


@dataclass(frozen=True)
class Cover:
    """Something that opens: a curtain, a garage door, a valve."""

    position: int = 0  # percent open

    @property
    def state(self) -> str:
        return "open" if self.position else "closed"


@dataclass(frozen=True)
class Lock:
    locked: bool = True

    @property
    def state(self) -> str:
        return "locked" if self.locked else "unlocked"


@dataclass(frozen=True)
class Climate:
    on: bool = True
    temperature: float = 21.0  # of the room, degrees
    target: float = 20.0
    fan_mode: str = "auto"

    @property
    def state(self) -> str:
        return _on_off(self.on)


@dataclass(frozen=True)
class Media:
    on: bool = True
    playing: bool = False
    track: int = 1
    title: str = ""
    volume: int = 30  # percent
    muted: bool = False

    @property
    def state(self) -> str:
        return "off" if not self.on else "playing" if self.playing else "paused"


@dataclass(frozen=True)
class Routine:
    """A scene or script: all that is known is how often it was run."""

    runs: int = 0

    @property
    def state(self) -> str:
        return str(self.runs)


@dataclass(frozen=True)
class Todo:
    items: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return str(len(self.items))


@dataclass(frozen=True)
class Vacuum:
    state: str = "docked"
    area: str = ""


@dataclass(frozen=True)
class Outlook:
    """The weather of a day to come."""

    day: str  # as in 2026-11-22
    state: str
    low: float  # degrees
    high: float
    rain: int | None = None  # percent likely


@dataclass(frozen=True)
class Weather:
    state: str = "sunny"
    temperature: float | None = 18.0  # degrees
    forecast: tuple[Outlook, ...] = ()  # from today on


@dataclass(frozen=True)
class Sensor:
    value: float = 45.0
    unit: str = ""  # of measurement, in Home Assistant's words

    @property
    def state(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class Alarm:
    armed: bool = False

    @property
    def state(self) -> str:
        return "armed_away" if self.armed else "disarmed"


@dataclass(frozen=True)
class Mower:
    mowing: bool = False

    @property
    def state(self) -> str:
        return "mowing" if self.mowing else "docked"


@dataclass(frozen=True)
class Report:
    """Something that only tells how it is: a person, a camera, or what nobody here knows how to act on."""

    state: str = "unknown"


Thing: TypeAlias = (
    Light
    | Switch
    | Fan
    | Cover
    | Lock
    | Climate
    | Media
    | Routine
    | Todo
    | Vacuum
    | Weather
    | Sensor
    | Alarm
    | Mower
    | Report
)

BY_DOMAIN: Mapping[str, Callable[[], Thing]] = {
    "alarm_control_panel": Alarm,
    "automation": lambda: Switch(on=True),
    "binary_sensor": lambda: Report("off"),
    "button": Routine,
    "calendar": lambda: Report("off"),
    "camera": lambda: Report("idle"),
    "climate": Climate,
    "cover": Cover,
    "device_tracker": lambda: Report("home"),
    "event": Report,
    "fan": Fan,
    "humidifier": Switch,
    "input_boolean": Switch,
    "input_button": Routine,
    "input_number": Sensor,
    "input_select": Report,
    "lawn_mower": Mower,
    "light": Light,
    "lock": Lock,
    "media_player": Media,
    "number": Sensor,
    "person": lambda: Report("home"),
    "remote": Switch,
    "scene": Routine,
    "script": Routine,
    "select": Report,
    "sensor": Sensor,
    "siren": Switch,
    "switch": Switch,
    "todo": Todo,
    "vacuum": Vacuum,
    "valve": Cover,
    "water_heater": Climate,
    "weather": Weather,
}


def of(domain: str) -> Thing:
    """Return a thing of a domain as it is at first."""
    return BY_DOMAIN.get(domain, Report)()


def _on_off(on: bool) -> str:
    return "on" if on else "off"
