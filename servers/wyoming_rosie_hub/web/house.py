"""The house as the web server sees it: what the routes may ask of the hub."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from wyoming.event import Event

from wyoming_rosie.backup.parts import BackupPlaces
from wyoming_rosie.errors import RosieError
from wyoming_rosie.logging import LogLine
from wyoming_rosie.runtime.load import MachineLoad
from wyoming_rosie.timers.model import HubTimer
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.wake_word_history import WakeWordScore
from wyoming_rosie_hub.timeline import TurnHistory
from wyoming_rosie_hub.web.events import EventFeed
from wyoming_rosie_hub.web.model_answers import ModelAnswers


class UnknownSatelliteError(RosieError):
    """No satellite of that id is connected."""

    code = "satellite"


class MemoryAbsentError(RosieError):
    """The intent daemon has no memory, or does not let this hub use it."""

    code = "memory"


class MemoryRefusedError(RosieError):
    """A request to the memory is wrong."""

    code = "memory-request"


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
    last_turn: str | None = None
    software: str | None = None


@dataclass(frozen=True)
class DaemonLoad:
    """A daemon's share of one processor since it was asked before, its memory, connections and waiting requests."""

    cpu_percent: float
    memory_mb: float
    streams: int
    queued: int
    uptime_seconds: int


@dataclass(frozen=True)
class DaemonStatus:
    """A daemon as it answered last; no load of another project's daemon. `next_step` solves the problem."""

    role: str
    uri: str
    problem: str | None = None
    engines: tuple[str, ...] = ()
    models: tuple[str, ...] = ()  # those that are installed, voices among them
    version: str | None = None
    latency_ms: float | None = None
    next_step: str | None = None
    load: DaemonLoad | None = None
    problems: Mapping[str, str] = field(default_factory=dict)  # of its parts, such as `language-models`


@dataclass(frozen=True)
class Sentence:
    """A sentence that a client sends as text, and the room and conversation that it belongs to."""

    text: str
    client: str
    room: str | None = None
    language: str | None = None
    conversation_id: str | None = None
    may_act: bool = True  # otherwise it is only answered, and changes nothing


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

    events: EventFeed
    """What changes in the house."""

    backup_places: BackupPlaces
    """Where the files of a backup are."""

    def restoring(self) -> AbstractAsyncContextManager[None]:
        """Restore a backup in the block: the house writes no state meanwhile, and goes on with what is there then."""

    model_answers: ModelAnswers
    """The answers of the bridge's language models."""

    async def watch(self) -> None:
        """Publish what changes, until cancelled."""

    def watch_satellites(self, seconds: float) -> None:
        """Have all satellites report their levels for some seconds."""

    def run_checks(self) -> Mapping[str, str | None]:
        """Return the problem of each part of the hub; None for one that is well."""

    async def describe_daemon(self, role: str) -> DaemonStatus:
        """Ask a daemon what it is; the answer may be some seconds old."""

    def satellites(self) -> Sequence[HouseSatellite]:
        """Return the satellites, browsers among them."""

    def find_satellite(self, satellite_id: str) -> HouseSatellite | None:
        """Return a satellite that is connected."""

    async def measure_machine(self) -> MachineLoad:
        """Return the load of this machine."""

    def queues(self) -> Mapping[str, int]:
        """Return how much waits in each of the hub's queues."""

    def answer(self, sentence: Sentence) -> AsyncGenerator[SentenceReply, None]:
        """Yield the chunks of the answer, if it comes in chunks, and then the whole answer. Raises RosieError."""

    async def is_private(self, room: str) -> bool:
        """Return whether `private` of [rooms] is set for a room. Raises UnreachableError."""

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

    async def read_config(self, program: str) -> "ConfigDocument":
        """Return the settings of a program and what each may be. Raises ConfigError for a file that is wrong."""

    async def change_config(self, program: str, changes: Mapping[str, Any]) -> "ConfigChange":
        """Write settings to the file and apply what can change while the hub runs. Raises ConfigError, naming the key."""

    def programs(self) -> Sequence[str]:
        """Return the programs that are installed here."""

    async def list_voices(self) -> Sequence["HouseVoice"]:
        """Return the voices of the tts daemon. Raises UnreachableError."""

    async def try_voice(self, request: "VoiceTrial") -> bytes:
        """Return a text spoken by a voice, as WAV. Raises RosieError."""

    async def list_wake_words(self) -> Sequence["HouseWakeWord"]:
        """Return the wake words of the wake daemon and the satellites, with their last scores."""

    def set_thresholds(self, thresholds: Mapping[str, float]) -> None:
        """Keep the thresholds of wake words that a satellite reports."""

    async def list_plugins(self) -> Sequence["HousePlugin"]:
        """Return what the intent daemon is extended by. Raises UnreachableError."""

    async def ask_memory(self, action: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of the memory. Raises MemoryAbsentError, MemoryRefusedError, UnreachableError."""

    async def read_log(self, limit: int, program: str | None) -> "LogExcerpt":
        """Return the last lines of the log, oldest first."""

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        """Connect a browser as a satellite during the block: its turns run, and timers and announcements reach it.

        `send` queues an event for the browser without waiting. Raises SatelliteTakenError.
        """


@dataclass(frozen=True)
class HouseVoice:
    """A voice; `language` is the first of its languages, the default that with which the hub's language is spoken."""

    name: str
    language: str | None
    languages: tuple[str, ...]
    description: str
    speakers: tuple[str, ...]
    installed: bool
    is_default: bool


@dataclass(frozen=True)
class VoiceTrial:
    """A text to hear a voice with."""

    voice: str
    text: str
    speaker: str | None = None


@dataclass(frozen=True)
class HouseWakeWord:
    """A wake word, the satellites that detect it themselves, and its last scores, the newest last.

    `threshold` is as a satellite has reported it while somebody read the events, None before that.
    """

    name: str
    engine: str | None = None
    model: str | None = None
    satellites: tuple[str, ...] = ()
    threshold: float | None = None
    history: tuple[WakeWordScore, ...] = ()


@dataclass(frozen=True)
class HousePlugin:
    """A plugin or integration; `sentences` are templates that it understands."""

    name: str
    kind: str
    version: str
    problem: str | None
    next_step: str | None
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class LogExcerpt:
    """The last lines of the log; `source` is `hub` for the hub's own lines, `journal` for those of all programs here."""

    lines: tuple[LogLine, ...]
    source: str


@dataclass(frozen=True)
class ConfigSetting:
    """One setting: its key with dots between tables, its value now, its default, and what it means.

    A secret's values are not told.
    """

    key: str
    value: Any
    default: Any
    kind: str
    help: str
    needs_restart: bool
    group: str = ""
    choices: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False


@dataclass(frozen=True)
class ConfigDocument:
    """The settings of a program, and the file that changes go to."""

    file: str
    settings: tuple[ConfigSetting, ...]


@dataclass(frozen=True)
class ConfigChange:
    """What a change of the settings did: the keys that hold now, those after a restart, and those that a flag overrides."""

    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]
    overridden: tuple[str, ...]


def describe_timer(timer: HubTimer, now: float) -> dict[str, Any]:
    """Return a timer for clients; `now` is in seconds since the epoch."""
    kind = "timer" if timer.alarm is None else "reminder" if timer.alarm.text else "alarm"
    return {
        "id": timer.id,
        "kind": "command" if timer.command else kind,
        "name": timer.name,
        "satellite": timer.satellite_id,
        "area": timer.area,
        "total_seconds": timer.total_seconds,
        "seconds_left": round(timer.seconds_left(now), 1),
        "ends_at": timer.ends_at,
        "is_active": timer.is_active,
    }
