"""Entity states by domain, as queries and the demo actor use them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar


@dataclass(frozen=True)
class LightState:
    on: bool = False
    brightness: int = 100  # percent
    color: str = "white"
    kelvin: int = 2700

    @property
    def state(self) -> str:
        return _format_on_off(self.on)


@dataclass(frozen=True)
class SwitchState:
    on: bool = False

    @property
    def state(self) -> str:
        return _format_on_off(self.on)


@dataclass(frozen=True)
class FanState:
    on: bool = False
    speed: int = 100  # percent
    step: float = 1.0  # smallest change of speed, percent
    preset: str = ""

    @property
    def state(self) -> str:
        return _format_on_off(self.on)


@dataclass(frozen=True)
class CoverState:
    """A curtain, a garage door or a valve."""

    position: int = 0  # percent open

    @property
    def state(self) -> str:
        return "open" if self.position else "closed"


@dataclass(frozen=True)
class HumidifierState:
    on: bool = False
    humidity: int = 50  # target, percent
    mode: str = "normal"

    @property
    def state(self) -> str:
        return _format_on_off(self.on)


@dataclass(frozen=True)
class LockState:
    locked: bool = True

    @property
    def state(self) -> str:
        return "locked" if self.locked else "unlocked"


@dataclass(frozen=True)
class ClimateState:
    on: bool = True
    temperature: float = 21.0  # of the room, degrees
    target: float = 20.0
    fan_mode: str = "auto"
    lowest: float = 5.0  # target, degrees
    highest: float = 35.0
    hvac_mode: str = "heat"  # while on
    preset: str = ""

    @property
    def state(self) -> str:
        return _format_on_off(self.on)


@dataclass(frozen=True)
class MediaPlayerState:
    on: bool = True
    playing: bool = False
    track: int = 1
    title: str = ""
    volume: int | None = 30  # percent; None when it is not known
    muted: bool = False

    @property
    def state(self) -> str:
        return "off" if not self.on else "playing" if self.playing else "paused"


@dataclass(frozen=True)
class ActivationCount:
    """Number of activations of a scene, script or button."""

    runs: int = 0

    @property
    def state(self) -> str:
        return str(self.runs)


@dataclass(frozen=True)
class TodoListState:
    items: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return str(len(self.items))


@dataclass(frozen=True)
class VacuumState:
    state: str = "docked"
    area: str = ""


@dataclass(frozen=True)
class DailyForecast:
    """Weather forecast of one day."""

    day: str  # as in 2026-11-22
    state: str
    low: float  # degrees
    high: float
    rain: int | None = None  # probability in percent


@dataclass(frozen=True)
class WeatherState:
    state: str = "sunny"
    temperature: float | None = 18.0  # degrees
    forecast: tuple[DailyForecast, ...] = ()  # from today on


@dataclass(frozen=True)
class SensorState:
    value: float = 45.0
    unit: str = ""  # of measurement, as Home Assistant writes it

    @property
    def state(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class AlarmPanelState:
    armed: bool = False
    mode: str = "away"  # while armed: away, home, night or vacation

    @property
    def state(self) -> str:
        return f"armed_{self.mode}" if self.armed else "disarmed"


@dataclass(frozen=True)
class LawnMowerState:
    mowing: bool = False

    @property
    def state(self) -> str:
        return "mowing" if self.mowing else "docked"


@dataclass(frozen=True)
class PlainState:
    """A state without attributes: a person, a camera, or a domain that has no commands."""

    state: str = "unknown"


EntityState: TypeAlias = (
    LightState
    | SwitchState
    | FanState
    | CoverState
    | HumidifierState
    | LockState
    | ClimateState
    | MediaPlayerState
    | ActivationCount
    | TodoListState
    | VacuumState
    | WeatherState
    | SensorState
    | AlarmPanelState
    | LawnMowerState
    | PlainState
)

BY_DOMAIN: Mapping[str, Callable[[], EntityState]] = {
    "alarm_control_panel": AlarmPanelState,
    "automation": lambda: SwitchState(on=True),
    "binary_sensor": lambda: PlainState("off"),
    "button": ActivationCount,
    "calendar": lambda: PlainState("off"),
    "camera": lambda: PlainState("idle"),
    "climate": ClimateState,
    "cover": CoverState,
    "device_tracker": lambda: PlainState("home"),
    "event": PlainState,
    "fan": FanState,
    "humidifier": HumidifierState,
    "input_boolean": SwitchState,
    "input_button": ActivationCount,
    "input_number": SensorState,
    "input_select": PlainState,
    "lawn_mower": LawnMowerState,
    "light": LightState,
    "lock": LockState,
    "media_player": MediaPlayerState,
    "number": SensorState,
    "person": lambda: PlainState("home"),
    "remote": SwitchState,
    "scene": ActivationCount,
    "script": ActivationCount,
    "select": PlainState,
    "sensor": SensorState,
    "siren": SwitchState,
    "switch": SwitchState,
    "todo": TodoListState,
    "vacuum": VacuumState,
    "valve": CoverState,
    "water_heater": ClimateState,
    "weather": WeatherState,
}


def initial_state(domain: str) -> EntityState:
    """Return the initial state of an entity of a domain."""
    return BY_DOMAIN.get(domain, PlainState)()


def _format_on_off(on: bool) -> str:
    return "on" if on else "off"


T = TypeVar("T")


class StateAttributesView(Mapping[str, Mapping[str, object]], Generic[T]):
    """State and attributes by entity id, ready for JSON, computed at each access."""

    def __init__(self, states: Mapping[str, T], get_attributes: Callable[[T], Mapping[str, object]]) -> None:
        self._states = states
        self._get_attributes = get_attributes

    def __getitem__(self, entity: str) -> Mapping[str, object]:
        return self._get_attributes(self._states[entity])

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)
