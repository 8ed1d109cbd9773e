"""All plugins of the daemon: found, loaded, asked, and set aside when they do not answer."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.health import HealthCheck
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import Source
from wyoming_rosie_intent.plugins.phrases import Phrases, phrases
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.plugins.settings import settings
from wyoming_rosie_intent.plugins.thread import Host, PluginError
from wyoming_rosie_intent.responses import responses

_LOG = structlog.get_logger()
ANSWER_SECONDS = 2.0
START_SECONDS = 10.0
STATUS_SECONDS = 30.0
LONGEST_MESSAGE = 1000
"""Characters that a plugin may have spoken."""


@dataclass(frozen=True)
class PluginMatch:
    """A sentence that a plugin understands."""

    plugin: str
    intent: str
    entities: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    language: str = "en"


class Member:
    """One plugin, in its own thread; `problem` is what keeps it from working, or None."""

    def __init__(self, source: Source, own: Mapping[str, Any]) -> None:
        self.name = source.name
        self.problem: str | None = f"the plugin {source.name} is starting"
        self.intents: tuple[str, ...] = ()
        self.phrases = Phrases({})
        self._source = source
        self._own = own
        self._host = Host(source.name)
        self._plugin: IntegrationPlugin | None = None
        self._is_ready = False

    @property
    def spoken(self) -> str:
        """Return what people call it."""
        named = self._plugin.name if self._plugin else ""
        return (named or self.name).replace("_", " ")

    def start(self) -> None:
        self._host.start()

    async def look_after(self) -> None:
        """Get it ready if it is not, else ask how it is; what is wrong is logged once."""
        try:
            if not self._is_ready:
                await self._get_ready()
            problem = await self._status()
        except RosieError as err:
            problem = str(err)
        if problem != self.problem:
            (_LOG.warning if problem else _LOG.info)("plugin", name=self.name, problem=problem, intents=self.intents)
        self.problem = problem

    async def handle(self, match: PluginMatch, seconds: float) -> Answer:
        """Let it carry out an intent. Raises PluginError."""
        plugin = self._plugin
        if plugin is None or not self._is_ready:
            raise PluginError(f"the plugin {self.name} is not ready")
        made = await self._host.run(lambda: plugin.handle_command(match.intent, dict(match.entities)), seconds)
        return _answer(made, match.language)

    async def close(self) -> None:
        """Let it close itself, if it does so soon, and end its thread."""
        plugin = self._plugin
        try:
            if plugin is not None:
                await self._host.run(plugin.close, ANSWER_SECONDS)
        except PluginError as err:
            _LOG.warning("plugin", name=self.name, problem=str(err))
        finally:
            self._host.stop()

    async def _get_ready(self) -> None:
        own = await asyncio.to_thread(settings, self.name, self._source.folder, self._own)
        if self._plugin is None:
            self._plugin = await self._host.run(lambda: self._source.load()(), START_SECONDS)
        plugin = self._plugin
        await self._host.run(lambda: plugin.initialize(own), START_SECONDS)
        intents = await self._host.run(plugin.get_intents, ANSWER_SECONDS)
        lists = await self._host.run(plugin.get_lists, ANSWER_SECONDS)
        if isinstance(intents, Mapping):
            self.phrases = await asyncio.to_thread(phrases, intents, lists)
        self.intents = tuple(map(str, intents))
        self._is_ready = True

    async def _status(self) -> str | None:
        assert self._plugin is not None
        status = await self._host.run(self._plugin.get_status, ANSWER_SECONDS)
        if isinstance(status, Mapping) and status.get("healthy"):
            return None
        told = status.get("message") if isinstance(status, Mapping) else None
        return str(told or f"the plugin {self.name} does not say that it is well")[:LONGEST_MESSAGE]


class Plugins:
    """Plugins by name; `own` are the settings that the daemon has for each."""

    def __init__(
        self,
        sources: Iterable[Source],
        own: Mapping[str, Mapping[str, Any]] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        status_seconds: float = STATUS_SECONDS,
    ) -> None:
        self._members = {source.name: Member(source, (own or {}).get(source.name, {})) for source in sources}
        self._answer_seconds = answer_seconds
        self._status_seconds = status_seconds

    async def start(self) -> None:
        """Load all of them side by side; one that fails is tried again by `run`."""
        for member in self._members.values():
            member.start()
        await self._look_after_all()

    async def run(self) -> None:
        """Ask them how they are, again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._status_seconds)
            await self._look_after_all()

    async def close(self) -> None:
        await asyncio.gather(*(member.close() for member in self._members.values()))

    def recognise(self, text: str, language: str | None = None) -> PluginMatch | None:
        """Return what a sentence means to the first plugin that knows it. Runs in a worker thread."""
        spoken = (language or "en").replace("_", "-").partition("-")[0].lower()
        for member in self._members.values():
            if found := member.phrases.understand(text, spoken):
                return PluginMatch(member.name, *found, text, spoken)
        return None

    async def handle(self, match: PluginMatch) -> Answer:
        """Let the plugin act; its failure is an answer, and comes in time."""
        member = self._members[match.plugin]
        try:
            return await member.handle(match, self._answer_seconds)
        except PluginError as err:
            _LOG.warning("plugin", name=member.name, intent=match.intent, problem=str(err))
            return Answer(responses.say("did_not_answer", match.language, named=member.spoken), done=False)

    def intents(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of each plugin's intents."""
        return {name: member.intents for name, member in self._members.items()}

    def looks(self) -> Mapping[str, HealthCheck]:
        """Return what tells a monitor how each plugin is."""
        return {f"plugin {name}": _look(member) for name, member in self._members.items()}

    async def _look_after_all(self) -> None:
        await asyncio.gather(*(member.look_after() for member in self._members.values()))


def _look(member: Member) -> HealthCheck:
    return lambda: member.problem


def _answer(result: object, language: str) -> Answer:
    """Read what a plugin has returned. Raises PluginError for what is no result."""
    if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
        raise PluginError("a result needs 'success', true or false")
    message = result.get("message")
    done = bool(result["success"])
    if isinstance(message, str) and message.strip():
        return Answer(message.strip()[:LONGEST_MESSAGE], done)
    return Answer(responses.say("plugin_done" if done else "plugin_failed", language), done)
