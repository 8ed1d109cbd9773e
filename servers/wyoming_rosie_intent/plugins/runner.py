"""Runner of one plugin: initializes it, asks for its status and executes its commands, in the plugin's thread."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.runtime.circuit_breaker import CircuitBreaker
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import PluginSource
from wyoming_rosie_intent.plugins.match import DeclinedAnswer, PluginMatch, PluginQuestion, ReminderAnswer
from wyoming_rosie_intent.plugins.multilingual import MultilingualPlugin
from wyoming_rosie_intent.plugins.plugin import (
    CommandContext,
    HouseReminder,
    IntegrationPlugin,
    PluginResult,
    PluginTool,
    ToolParameter,
)
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.settings import PluginSettings, load_settings
from wyoming_rosie_intent.plugins.thread import PluginBusyError, PluginError, PluginThread
from wyoming_rosie_intent.responses import responses

_LOG = structlog.get_logger()
START_SECONDS = 10.0
STATUS_SECONDS = 2.0
MAX_MESSAGE_LENGTH = 1000
"""Characters of a plugin's message that are spoken."""
MAX_OPTIONS = 10
MAX_FAILURES = 5
"""Failed calls in a row after which a plugin is left alone for half a minute."""
MAX_EXAMPLES = 12
"""Sentences of a plugin that are shown."""
CLOUD_SETTING = "cloud_allowed"


class PluginRunner:
    """One plugin in its own thread; `problem` is the reason why it does not work, or None."""

    def __init__(self, source: PluginSource, settings: Mapping[str, Any]) -> None:
        self.name = source.name
        self.problem: str | None = f"the plugin {source.name} is starting"
        self.intents: tuple[str, ...] = ()
        self.tools: tuple[PluginTool, ...] = ()
        self.sentences = PluginSentences({})
        self.is_private = False
        """Whether what it says must not reach a cloud."""
        self._source = source
        self._overrides = settings
        self._settings: PluginSettings | None = None
        self._values: Mapping[str, Any] = {}
        self._thread = PluginThread(source.name)
        self._plugin: IntegrationPlugin | None = None
        self._is_ready = False
        self._breaker = CircuitBreaker(MAX_FAILURES)

    @property
    def display_name(self) -> str:
        """The name for use in answers."""
        named = self._plugin.name if self._plugin else ""
        return str(named or self.name).replace("_", " ")

    def describe(self) -> Mapping[str, object]:
        """Return what a person wants to know about the plugin."""
        version = str(self._plugin.version) if self._plugin else ""
        examples = list(self.sentences.templates[:MAX_EXAMPLES])
        return {
            "name": self.display_name, "kind": "intent" if examples else "integration", "version": version,
            "problem": self.problem, "sentences": examples,
        }  # fmt: skip

    def describe_lateness(self, language: str) -> str:
        """Return what is said when the plugin takes too long, in its own words; empty for one without such."""
        plugin = self._plugin
        return str(plugin.texts.get_value("too_slow", language) or "") if isinstance(plugin, MultilingualPlugin) else ""

    def start(self) -> None:
        self._thread.start()

    async def check(self) -> None:
        """Initialize the plugin if necessary, also with a changed secret, else request its status; log new problems once."""
        try:
            if self._is_ready and await self._has_changed_secret():
                _LOG.info("plugin starts again with a changed secret", name=self.name)
                await self._close_plugin()
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

    async def execute(self, match: PluginMatch, context: CommandContext, seconds: float) -> Answer:
        """Execute a command. Raises PluginError."""
        plugin, now = self._plugin, asyncio.get_running_loop().time()
        if plugin is None or not self._is_ready:
            raise PluginError(f"the plugin {self.name} is not ready")
        if not self._breaker.allows_attempt(now):
            raise PluginError(f"the plugin {self.name} has failed {MAX_FAILURES} times and is called again later")
        is_trial = self._breaker.start_attempt()
        try:
            answer = await self._call(plugin, match, context, seconds)
        except PluginBusyError:
            raise
        except PluginError:
            self._breaker.record_failure(asyncio.get_running_loop().time())
            raise
        else:
            self._breaker.record_success()
            return answer
        finally:
            self._breaker.end_attempt(is_trial)

    async def follow_reminder(self, reminder: HouseReminder, context: CommandContext, seconds: float) -> str:
        """Let the plugin write down a reminder of the house; return what to say of it. Raises PluginError."""
        plugin = self._plugin
        if plugin is None or not self._is_ready or type(plugin).follow_reminder is IntegrationPlugin.follow_reminder:
            return ""
        remark = await self._thread.call(lambda: plugin.follow_reminder(reminder, context), seconds)
        return str(remark or "").strip()[:MAX_MESSAGE_LENGTH]

    async def _call(
        self, plugin: IntegrationPlugin, match: PluginMatch, context: CommandContext, seconds: float
    ) -> Answer:
        async def execute() -> Answer:
            return _create_answer(await plugin.execute(match.intent, dict(match.entities), context), match)

        answer: Answer = await self._thread.call(execute, seconds)
        return answer

    async def close(self) -> None:
        """Close the plugin, with a timeout, and end its thread."""
        try:
            await self._close_plugin()
        finally:
            self._thread.stop()

    async def _initialize(self) -> None:
        self._settings = await asyncio.to_thread(load_settings, self.name, self._source.folder, self._overrides)
        settings = self._values = await asyncio.to_thread(self._settings.read)
        if self._plugin is None:
            self._plugin = await self._thread.call(lambda: _create(self._source), START_SECONDS)
        plugin = self._plugin
        self.is_private = bool(plugin.is_private) and settings.get(CLOUD_SETTING) is not True
        await self._thread.call(lambda: plugin.initialize(settings), START_SECONDS)
        intents = await self._thread.call(plugin.get_intents, STATUS_SECONDS)
        lists = await self._thread.call(plugin.get_lists, STATUS_SECONDS)
        tools = await self._thread.call(plugin.get_tools, STATUS_SECONDS)
        found = await self._thread.call(lambda: _parse_offer(intents, lists, tools), START_SECONDS)
        self.intents, self.sentences, self.tools = found
        self._is_ready = True

    async def _has_changed_secret(self) -> bool:
        """Return whether a secret differs from what the plugin was given; not before its file can be read."""
        assert self._settings is not None
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                return await asyncio.to_thread(self._settings.read) != self._values
        except TimeoutError:
            return False

    async def _close_plugin(self) -> None:
        plugin, self._plugin, self._is_ready = self._plugin, None, False
        if plugin is None:
            return
        try:
            await self._thread.call(plugin.close, STATUS_SECONDS)
        except PluginError as err:
            _LOG.warning("plugin not closed", name=self.name, problem=str(err))

    async def _get_status(self) -> str | None:
        assert self._plugin is not None
        status = await self._thread.call(self._plugin.get_status, STATUS_SECONDS)
        if isinstance(status, Mapping) and status.get("healthy"):
            return None
        message = status.get("message") if isinstance(status, Mapping) else None
        return str(message or f"the plugin {self.name} does not report that it is healthy")[:MAX_MESSAGE_LENGTH]


def _create(source: PluginSource) -> IntegrationPlugin:
    """Load the plugin's code; runs in its thread. Raises ConfigError."""
    plugin = source.load()()
    kind = type(plugin)
    if kind.execute is IntegrationPlugin.execute and kind.handle_command is IntegrationPlugin.handle_command:
        raise ConfigError(f"the plugin {source.name} needs the method handle_command or execute")
    return plugin


def _parse_offer(
    intents: Any, lists: Any, tools: Any
) -> tuple[tuple[str, ...], PluginSentences, tuple[PluginTool, ...]]:
    """Parse what a plugin offers; runs in its thread, as anything may be wrong with it. Raises ConfigError."""
    sentences = load_sentences(intents, lists) if isinstance(intents, Mapping) else PluginSentences({})
    names = tuple(map(str, intents))
    for tool in tools:
        if not isinstance(tool, PluginTool) or tool.intent not in names:
            raise ConfigError(f"the tool {getattr(tool, 'intent', tool)!r} is no PluginTool, or none of its intents")
        if not all(isinstance(parameter, ToolParameter) for parameter in tool.parameters.values()):
            raise ConfigError(f"a parameter of the tool {tool.intent} is no ToolParameter")
    return names, sentences, tuple(tools)


def _parse_result(result: object) -> PluginResult:
    """Parse the result of a plugin. Raises PluginError for an invalid one."""
    if isinstance(result, PluginResult):
        return result
    if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
        raise PluginError("a result needs 'success', true or false")
    texts = {key: result[key] for key in ("message", "question") if isinstance(result.get(key), str)}
    tables = {key: result[key] for key in ("entities", "options") if isinstance(result.get(key), Mapping)}
    return PluginResult(success=result["success"], **texts, **tables)


def _create_answer(returned: object, match: PluginMatch) -> Answer:
    """Create the answer from what a plugin returned; runs in its thread, as anything may be wrong with it."""
    result = _parse_result(returned)
    if result.reminder is not None:
        return ReminderAnswer("", reminder=result.reminder)
    message = result.message.strip()[:MAX_MESSAGE_LENGTH]
    question = result.question.strip()[:MAX_MESSAGE_LENGTH]
    if question:
        return _create_question(" ".join(filter(None, (message, question))), question, result, match)
    if message and result.declines:
        return DeclinedAnswer(message, done=False)
    if message:
        return Answer(message, result.success)
    return Answer(
        responses.render("plugin_done" if result.success else "plugin_failed", match.language), result.success
    )


def _create_question(text: str, question: str, result: PluginResult, match: PluginMatch) -> PluginQuestion:
    """Create the question with the command for each reply."""
    options = {
        str(name): replace(match, entities={**match.entities, **entities})
        for name, entities in list(result.options.items())[:MAX_OPTIONS]
    }
    confirmed = replace(match, entities={**match.entities, **result.entities}, is_confirmed=True)
    return PluginQuestion(text, True, question, None if options else confirmed, options)
