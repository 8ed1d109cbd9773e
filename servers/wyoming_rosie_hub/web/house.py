"""The house as the web server sees it: what the routes may ask of the hub."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from wyoming.event import Event

from wyoming_rosie.errors import RosieError
from wyoming_rosie.timers.model import HubTimer
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.timeline import TurnHistory


class UnknownSatelliteError(RosieError):
    """No satellite of that id is connected."""

    code = "satellite"


class TooManySentencesError(RosieError):
    """The house answers as many requests of this kind as it can."""

    code = "busy"


@dataclass(frozen=True)
class HouseSatellite:
    """A satellite that is connected, or one of the settings that is not; None for what it has not reported."""

    id: str
    area: str | None
    uri: str
    is_connected: bool
    phase: str
    volume_percent: int | None = None
    is_muted: bool | None = None


@dataclass(frozen=True)
class DaemonStatus:
    """A daemon as it answered last."""

    role: str
    uri: str
    problem: str | None = None
    engines: tuple[str, ...] = ()
    models: tuple[str, ...] = ()  # those that are installed, voices among them
    version: str | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class Sentence:
    """A sentence that a client sends as text, and the room and conversation that it belongs to."""

    text: str
    client: str
    room: str | None = None
    language: str | None = None
    conversation_id: str | None = None


@dataclass(frozen=True)
class SentenceChunk:
    """The next words of an answer."""

    text: str


@dataclass(frozen=True)
class SentenceAnswer:
    """The whole answer to a sentence."""

    text: str
    turn_id: str
    conversation_id: str
    expects_reply: bool
    succeeded: bool


SentenceReply: TypeAlias = SentenceChunk | SentenceAnswer


class House(Protocol):
    """The hub's side of the web server. Nothing here blocks."""

    @property
    def history(self) -> TurnHistory:
        """The last turns."""

    def run_checks(self) -> Mapping[str, str | None]:
        """Return the problem of each part of the hub; None for one that is well."""

    async def describe_daemon(self, role: str) -> DaemonStatus:
        """Ask a daemon what it is; the answer may be some seconds old."""

    def satellites(self) -> Sequence[HouseSatellite]:
        """Return the satellites, browsers among them."""

    def queues(self) -> Mapping[str, int]:
        """Return how much waits in each of the hub's queues."""

    def answer(self, sentence: Sentence) -> AsyncGenerator[SentenceReply, None]:
        """Yield the chunks of the answer, if it comes in chunks, and then the whole answer. Raises RosieError."""

    def announce(self, satellite_id: str, text: str, language: str) -> None:
        """Speak a text once the satellite is idle. Raises UnknownSatelliteError."""

    async def set_volume(self, satellite_id: str, percent: int) -> int | None:
        """Return the volume that the satellite then reports, None if it reports none. Raises UnknownSatelliteError."""

    def set_muted(self, satellite_id: str, *, is_muted: bool) -> None:
        """Mute or unmute the microphone; the satellite reports it later. Raises UnknownSatelliteError."""

    def timers(self) -> Sequence[HubTimer]:
        """Return the timers, alarms and reminders."""

    async def start_timer(self, satellite_id: str, seconds: int, name: str | None, language: str) -> SpokenAnswer:
        """Start a timer that rings at a satellite. Raises UnknownSatelliteError."""

    async def cancel_timer(self, timer_id: str) -> bool:
        """Return whether there was such a timer."""

    def read_config(self) -> "ConfigDocument":
        """Return the settings and what each may be."""

    async def change_config(self, changes: Mapping[str, Any]) -> "ConfigChange":
        """Write settings to the file and apply what can change while the hub runs. Raises ConfigError, naming the key."""

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        """Connect a browser as a satellite during the block: its turns run, and timers and announcements reach it.

        `send` queues an event for the browser without waiting. Raises SatelliteTakenError.
        """


@dataclass(frozen=True)
class ConfigSetting:
    """One setting: its key with dots between tables, its value now, its default, and what it means."""

    key: str
    value: Any
    default: Any
    kind: str
    help: str
    needs_restart: bool


@dataclass(frozen=True)
class ConfigDocument:
    """The settings of the hub, and the file that changes go to."""

    file: str
    settings: tuple[ConfigSetting, ...]


@dataclass(frozen=True)
class ConfigChange:
    """What a change of the settings did: the keys that hold now, those after a restart, and those that a flag overrides."""

    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]
    overridden: tuple[str, ...]
