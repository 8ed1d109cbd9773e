"""Daemons as they answer `describe`: for monitors and the status page, asked once for all who want to know."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from wyoming.event import Event
from wyoming.info import Artifact, Info
from wyoming.user_event import UserEvent

from wyoming_rosie.commands.diagnostics.report import ServiceReport
from wyoming_rosie.commands.diagnostics.services import diagnose_service, simulated_home
from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol.client import PeerError, describe
from wyoming_rosie.protocol.connection import STATUS
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.wakeword.detection import normalize_name
from wyoming_rosie_hub.daemon_streams import DaemonStream
from wyoming_rosie_hub.satellites.registry import ConnectedSatellite
from wyoming_rosie_hub.satellites.wake_word_history import WakeWordHistory
from wyoming_rosie_hub.web.house import (
    DaemonLoad,
    DaemonStatus,
    HousePlugin,
    HouseWakeWord,
    MemoryAbsentError,
    MemoryRefusedError,
)

FRESH_SECONDS = 3.0
DESCRIBE_SECONDS = 1.5
MAX_MODELS = 32
QUESTION_SECONDS = 1.0
MEMORY = "memory"
MEMORY_SECONDS = 30.0
MAX_PROBLEMS = 32
PLUGINS = "plugins"
"""Name of the user-event that asks the intent daemon for its plugins, and of its answer."""
ROOM = "room"
"""Name of the user-event that asks the intent daemon for a room's policy, and of its answer."""
ROOM_SECONDS = 10.0
"""Time for which an answer about a room holds."""
MAX_ROOMS = 256
MAX_PLUGINS = 256
PLUGIN_STEP = "look at its settings in [intent.plugins], or at the log of wyoming-rosie-intent"


class DaemonMonitor:
    """Asks daemons, each at most once in FRESH_SECONDS; `find_uri` returns a role's address."""

    def __init__(self, find_uri: Callable[[str], str]) -> None:
        self._find_uri = find_uri
        self._locks: dict[str, asyncio.Lock] = {}
        self._known: dict[str, _Description] = {}

    async def describe(self, role: str) -> DaemonStatus:
        """Return what the daemon of a role answers now, or answered a moment ago."""
        return (await self._ask(role)).status

    async def fetch_info(self, role: str) -> Info:
        """Return the daemon's info, which may be some seconds old. Raises UnreachableError."""
        known = await self._ask(role)
        if known.info is None:
            raise UnreachableError(known.status.problem or f"the {role} daemon is away")
        return known.info

    async def _ask(self, role: str) -> "_Description":
        async with self._locks.setdefault(role, asyncio.Lock()):
            known = self._known.get(role)
            if known is None or loop_time() - known.at > FRESH_SECONDS:
                known = self._known[role] = await _ask(role, self._find_uri(role))
            return known


@dataclass(frozen=True)
class _Description:
    """What a daemon has answered, if anything, and when, in the event loop's time."""

    at: float
    status: DaemonStatus
    info: Info | None = None


async def _ask(role: str, uri: str) -> _Description:
    began = loop_time()
    try:
        info = await describe(uri, DESCRIBE_SECONDS, role=role)
    except RosieError as err:
        step = _find_next_step(ServiceReport(role, uri, "", None))
        return _Description(loop_time(), DaemonStatus(role, uri, problem=str(err), next_step=step))
    latency_ms = round(1000 * (loop_time() - began), 1)
    status = _create_status(role, uri, info, latency_ms)
    return _Description(loop_time(), _add_load(status, await _fetch_status(role, uri)), info)


async def _fetch_status(role: str, uri: str) -> Mapping[str, Any]:
    """Return what a daemon of ours tells of its load and its parts; nothing of another project's."""
    with suppress(RosieError):
        return await ask_daemon(uri, role, STATUS)
    return {}


def _add_load(status: DaemonStatus, told: Mapping[str, Any]) -> DaemonStatus:
    """Return a status with the load and the problems that a daemon tells; what is invalid is left out."""
    fields = Fields(told)
    try:
        load = DaemonLoad(
            fields.number("cpu_percent", 0),
            fields.number("memory_mb", 0),
            fields.integer("streams", 0),
            fields.integer("queued", 0),
            fields.integer("uptime_seconds", 0),
        )
        problems = {str(part): str(problem) for part, problem in fields.mapping("problems").items()}
    except ValueError:
        return status
    return replace(status, load=load, problems=dict(list(problems.items())[:MAX_PROBLEMS]))


def _find_next_step(report: ServiceReport) -> str | None:
    return next((diagnosis.next_step for diagnosis in diagnose_service(report)), None)


def _create_status(role: str, uri: str, info: Info, latency_ms: float) -> DaemonStatus:
    programs = _programs(role, info)
    engines = tuple(dict.fromkeys(program.name for program in programs if program.installed))
    is_installed = bool(engines or not programs)
    problem = None if is_installed else "no model is installed yet"
    report = ServiceReport(role, uri, "", latency_ms, simulated_home(info), is_installed=is_installed)
    models = tuple(dict.fromkeys(_models(programs)))[:MAX_MODELS]
    version = next((program.version for program in programs if program.version), None)
    return DaemonStatus(role, uri, problem, engines, models, version, latency_ms, _find_next_step(report))


def _models(programs: Sequence[Artifact]) -> Iterator[str]:
    """Yield the installed models and voices; not every kind of program has any."""
    for program in programs:
        for model in [*getattr(program, "models", ()), *getattr(program, "voices", ())]:
            if model.installed:
                yield model.name


def _programs(role: str, info: Info) -> Sequence[Artifact]:
    """Return what a daemon offers; those of a vad daemon are not in its info."""
    found: Mapping[str, Sequence[Artifact]] = {
        "wake": info.wake, "asr": info.asr, "intent": [*info.intent, *info.handle], "tts": info.tts,
    }  # fmt: skip
    return found.get(role, ())


def list_wake_words(
    info: Info | None, satellites: Sequence[ConnectedSatellite], history: WakeWordHistory
) -> Sequence[HouseWakeWord]:
    """Return the wake words of the daemon and the satellites, and those that were heard by other names."""
    words: dict[str, HouseWakeWord] = {}
    for program in info.wake if info else ():
        for model in program.models:
            if program.installed and model.installed:
                words[normalize_name(model.name)] = HouseWakeWord(
                    model.name, program.name, model.description or model.name
                )
    for satellite in satellites:
        for name in satellite.wake_words:
            known = words.setdefault(normalize_name(name), HouseWakeWord(name))
            detecting = (*known.satellites, satellite.satellite_id or "")
            words[normalize_name(name)] = replace(known, satellites=detecting)
    for key, name in history.names.items():
        words.setdefault(key, HouseWakeWord(name))
    return [
        replace(word, threshold=history.find_threshold(word.name), history=tuple(history.find(key)))
        for key, word in words.items()
    ]


class IntentMonitor:
    """Asks the intent daemon at `find_uri()` about plugins and rooms. Clock in seconds."""

    def __init__(self, find_uri: Callable[[], str], clock: Callable[[], float] = loop_time) -> None:
        self._find_uri = find_uri
        self._clock = clock
        self._rooms: dict[str, tuple[float, bool]] = {}  # when asked, and whether it is private

    async def list_plugins(self) -> Sequence[HousePlugin]:
        """Return the plugins; none for a daemon of another project. Raises UnreachableError, PeerError."""
        return parse_plugins(await ask_daemon(self._find_uri(), "intent", PLUGINS))

    async def is_private(self, room: str) -> bool:
        """Return whether a room is private, as it was some seconds ago; none is for a daemon of another project.

        Raises UnreachableError, PeerError.
        """
        asked_at, is_private = self._rooms.get(room, (-ROOM_SECONDS, False))
        if self._clock() - asked_at < ROOM_SECONDS:
            return is_private
        answer = await ask_daemon(self._find_uri(), "intent", ROOM, {"area": room})
        if len(self._rooms) >= MAX_ROOMS:
            self._rooms.clear()
        is_private = answer.get("is_private") is True
        self._rooms[room] = (self._clock(), is_private)
        return is_private

    async def ask_memory(self, action: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of the memory. Raises MemoryAbsentError, MemoryRefusedError, UnreachableError."""
        try:
            answer = await ask_daemon(self._find_uri(), "intent", MEMORY, {"action": action, **data}, MEMORY_SECONDS)
        except PeerError as err:
            refused = err.code in {MemoryRefusedError.code, "invalid-memory"}
            raise (MemoryRefusedError if refused else MemoryAbsentError)(str(err)) from err
        if not answer:
            raise MemoryAbsentError("the intent daemon has no memory")
        return answer


async def ask_daemon(
    uri: str, role: str, question: str, data: dict[str, Any] | None = None, seconds: float = QUESTION_SECONDS
) -> Mapping[str, Any]:
    """Return the answer of a role's daemon to a user-event; nothing of another project's daemon, which does not know it.

    Raises UnreachableError, PeerError.
    """
    found: Mapping[str, Any] = {}

    async def on_event(event: Event) -> bool:
        nonlocal found
        if event.type == "user-event" and event.data.get("name") == question:
            found = event.data.get("data") or {}
            return True
        return False

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await DaemonStream(uri, role, [UserEvent(question, data).event()], on_event).run()
    return found if isinstance(found, Mapping) else {}


def parse_plugins(answer: Mapping[str, Any]) -> Sequence[HousePlugin]:
    """Return the plugins that the intent daemon names. Raises UnreachableError for an invalid answer."""
    if not answer:
        return []
    fields = Fields(answer, lambda reason: UnreachableError(f"the intent daemon's plugins: {reason}"))
    return [
        HousePlugin(
            one.text("name"),
            one.text("kind"),
            one.optional_text("version") or "",
            problem := one.optional_text("problem"),
            PLUGIN_STEP if problem else None,
            one.texts("sentences"),
        )
        for one in fields.objects("plugins", MAX_PLUGINS)
    ]
