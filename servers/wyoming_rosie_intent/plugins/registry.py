"""Registry of the daemon's plugins: loads them, supervises them and calls them with timeouts."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.http.health import HealthCheck
from wyoming_rosie.runtime import toml_file
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import PluginSource
from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.thread import PluginError, PluginThread
from wyoming_rosie_intent.responses import responses

SETTINGS_FILE = "config.toml"
_FROM_ENVIRONMENT = "_env"
_LOG = structlog.get_logger()
ANSWER_SECONDS = 2.0
START_SECONDS = 10.0
STATUS_SECONDS = 30.0
MAX_EXAMPLES = 12
"""Sentences of a plugin that are shown."""
MAX_MESSAGE_LENGTH = 1000
"""Characters of a plugin's message that are spoken."""


@dataclass(frozen=True)
class PluginMatch:
    """A sentence recognized by a plugin."""

    plugin: str
    intent: str
    entities: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    language: str = "en"


class PluginRunner:
    """One plugin in its own thread; `problem` is the reason why it does not work, or None."""

    def __init__(self, source: PluginSource, settings: Mapping[str, Any]) -> None:
        self.name = source.name
        self.problem: str | None = f"the plugin {source.name} is starting"
        self.intents: tuple[str, ...] = ()
        self.sentences = PluginSentences({})
        self._source = source
        self._settings = settings
        self._thread = PluginThread(source.name)
        self._plugin: IntegrationPlugin | None = None
        self._is_ready = False

    @property
    def display_name(self) -> str:
        """The name for use in answers."""
        named = self._plugin.name if self._plugin else ""
        return (named or self.name).replace("_", " ")

    def describe(self) -> Mapping[str, object]:
        """Return what a person wants to know about the plugin."""
        version = str(self._plugin.version) if self._plugin else ""
        examples = list(self.sentences.templates[:MAX_EXAMPLES])
        return {
            "name": self.display_name, "kind": "intent" if examples else "integration", "version": version,
            "problem": self.problem, "sentences": examples,
        }  # fmt: skip

    def start(self) -> None:
        self._thread.start()

    async def check(self) -> None:
        """Initialize the plugin if necessary, else request its status; log each new problem once."""
        try:
            if not self._is_ready:
                await self._initialize()
            problem = await self._get_status()
        except RosieError as err:
            problem = str(err)
        if problem != self.problem:
            (_LOG.warning if problem else _LOG.info)(
                "plugin status", name=self.name, problem=problem, intents=self.intents
            )
        self.problem = problem

    async def execute(self, match: PluginMatch, seconds: float) -> Answer:
        """Execute an intent. Raises PluginError."""
        plugin = self._plugin
        if plugin is None or not self._is_ready:
            raise PluginError(f"the plugin {self.name} is not ready")
        made = await self._thread.call(lambda: plugin.handle_command(match.intent, dict(match.entities)), seconds)
        return _parse_result(made, match.language)

    async def close(self) -> None:
        """Close the plugin, with a timeout, and end its thread."""
        plugin = self._plugin
        try:
            if plugin is not None:
                await self._thread.call(plugin.close, ANSWER_SECONDS)
        except PluginError as err:
            _LOG.warning("plugin not closed", name=self.name, problem=str(err))
        finally:
            self._thread.stop()

    async def _initialize(self) -> None:
        settings = await asyncio.to_thread(load_settings, self.name, self._source.folder, self._settings)
        if self._plugin is None:
            self._plugin = await self._thread.call(lambda: self._source.load()(), START_SECONDS)
        plugin = self._plugin
        await self._thread.call(lambda: plugin.initialize(settings), START_SECONDS)
        intents = await self._thread.call(plugin.get_intents, ANSWER_SECONDS)
        lists = await self._thread.call(plugin.get_lists, ANSWER_SECONDS)
        if isinstance(intents, Mapping):
            self.sentences = await asyncio.to_thread(load_sentences, intents, lists)
        self.intents = tuple(map(str, intents))
        self._is_ready = True

    async def _get_status(self) -> str | None:
        assert self._plugin is not None
        status = await self._thread.call(self._plugin.get_status, ANSWER_SECONDS)
        if isinstance(status, Mapping) and status.get("healthy"):
            return None
        message = status.get("message") if isinstance(status, Mapping) else None
        return str(message or f"the plugin {self.name} does not report that it is healthy")[:MAX_MESSAGE_LENGTH]


class PluginRegistry:
    """Plugins by name; `settings` are the daemon's settings for each."""

    def __init__(
        self,
        sources: Iterable[PluginSource],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        status_seconds: float = STATUS_SECONDS,
    ) -> None:
        self._runners = {source.name: PluginRunner(source, (settings or {}).get(source.name, {})) for source in sources}
        self._answer_seconds = answer_seconds
        self._status_seconds = status_seconds

    async def start(self) -> None:
        """Load all plugins concurrently; `run` retries those that fail."""
        for runner in self._runners.values():
            runner.start()
        await self._check_all()

    async def run(self) -> None:
        """Check all plugins periodically until cancelled."""
        while True:
            await asyncio.sleep(self._status_seconds)
            await self._check_all()

    async def close(self) -> None:
        await asyncio.gather(*(runner.close() for runner in self._runners.values()))

    def recognize(self, text: str, language: str | None = None) -> PluginMatch | None:
        """Return the match of the first plugin that recognizes a sentence. Runs in a worker thread."""
        language_code = base_language(language or "en")
        for runner in self._runners.values():
            if found := runner.sentences.recognize(text, language_code):
                return PluginMatch(runner.name, *found, text, language_code)
        return None

    async def execute(self, match: PluginMatch) -> Answer:
        """Execute a match; a failure or timeout becomes the answer."""
        runner = self._runners[match.plugin]
        try:
            return await runner.execute(match, self._answer_seconds)
        except PluginError as err:
            _LOG.warning("plugin call failed", name=runner.name, intent=match.intent, problem=str(err))
            return Answer(responses.render("did_not_answer", match.language, named=runner.display_name), done=False)

    def intents(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of the intents by plugin."""
        return {name: runner.intents for name, runner in self._runners.items()}

    def describe(self) -> list[Mapping[str, object]]:
        """Return name, kind, version, problem and sentences of each plugin, as the hub shows them."""
        return [runner.describe() for runner in self._runners.values()]

    def health_checks(self) -> Mapping[str, HealthCheck]:
        """Return a health check per plugin."""
        return {f"plugin {name}": _create_health_check(runner) for name, runner in self._runners.items()}

    async def _check_all(self) -> None:
        await asyncio.gather(*(runner.check() for runner in self._runners.values()))


def _create_health_check(runner: PluginRunner) -> HealthCheck:
    return lambda: runner.problem


def _parse_result(result: object, language: str) -> Answer:
    """Parse the result of a plugin. Raises PluginError for an invalid one."""
    if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
        raise PluginError("a result needs 'success', true or false")
    message = result.get("message")
    done = bool(result["success"])
    if isinstance(message, str) and message.strip():
        return Answer(message.strip()[:MAX_MESSAGE_LENGTH], done)
    return Answer(responses.render("plugin_done" if done else "plugin_failed", language), done)


def load_settings(name: str, folder: Path | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Load a plugin's settings; those of the daemon win. `key_env = "NAME"` sets `key` to the value of the variable NAME.

    Raises ConfigError for a file that cannot be read and for a variable that is not set.
    """
    path = folder / SETTINGS_FILE if folder else None
    written = toml_file.read(path, "settings of a plugin") if path and path.is_file() else {}
    return dict(_resolve_value(name, key, value) for key, value in {**written, **overrides}.items())


def _resolve_value(name: str, key: str, value: Any) -> tuple[str, Any]:
    if not key.endswith(_FROM_ENVIRONMENT):
        return key, value
    if not isinstance(value, str) or value not in os.environ:
        raise ConfigError(f"the plugin {name} needs the environment variable {value!r}, which is not set")
    return key.removesuffix(_FROM_ENVIRONMENT), os.environ[value]
