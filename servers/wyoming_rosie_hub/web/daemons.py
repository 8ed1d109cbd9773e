"""Daemons as they answer `describe`: for monitors and the status page, asked once for all who want to know."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

from wyoming.info import Artifact, Info

from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_hub.web.house import DaemonStatus

FRESH_SECONDS = 3.0
DESCRIBE_SECONDS = 1.5
MAX_MODELS = 32


class DaemonMonitor:
    """Asks daemons, each at most once in FRESH_SECONDS; `find_uri` returns a role's address."""

    def __init__(self, find_uri: Callable[[str], str]) -> None:
        self._find_uri = find_uri
        self._locks: dict[str, asyncio.Lock] = {}
        self._known: dict[str, tuple[float, DaemonStatus]] = {}

    async def describe(self, role: str) -> DaemonStatus:
        """Return what the daemon of a role answers now, or answered a moment ago."""
        async with self._locks.setdefault(role, asyncio.Lock()):
            asked_at, status = self._known.get(role, (0.0, None))
            if status is None or loop_time() - asked_at > FRESH_SECONDS:
                status = await _ask(role, self._find_uri(role))
                self._known[role] = (loop_time(), status)
            return status


async def _ask(role: str, uri: str) -> DaemonStatus:
    began = loop_time()
    try:
        info = await describe(uri, DESCRIBE_SECONDS)
    except RosieError as err:
        return DaemonStatus(role, uri, problem=str(err))
    programs = _programs(role, info)
    engines = tuple(dict.fromkeys(program.name for program in programs if program.installed))
    problem = None if engines or not programs else "nothing is installed; see wyoming-rosie doctor"
    models = tuple(dict.fromkeys(_models(programs)))[:MAX_MODELS]
    version = next((program.version for program in programs if program.version), None)
    return DaemonStatus(role, uri, problem, engines, models, version, round(1000 * (loop_time() - began), 1))


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
