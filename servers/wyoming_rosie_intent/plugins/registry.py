"""Registry of the daemon's plugins: finds the one that understands a sentence, and calls it with a timeout."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from wyoming_rosie.http.health import HealthCheck
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins import context as contexts
from wyoming_rosie_intent.plugins.discovery import PluginSource
from wyoming_rosie_intent.plugins.match import LateAnswer, PluginMatch
from wyoming_rosie_intent.plugins.plugin import CommandContext, HouseReminder, PluginTool
from wyoming_rosie_intent.plugins.runner import PluginRunner
from wyoming_rosie_intent.plugins.thread import PluginError, PluginTimeoutError
from wyoming_rosie_intent.plugins.values import resolve_times
from wyoming_rosie_intent.responses import responses

_LOG = structlog.get_logger()
ANSWER_SECONDS = 2.0
LATE_SECONDS = 60.0
"""For a call whose answer may come after the turn."""
CHECK_SECONDS = 30.0


class PluginRegistry:
    """Plugins by name; `settings` are the daemon's settings for each."""

    def __init__(
        self,
        sources: Iterable[PluginSource],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        status_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._runners = {source.name: PluginRunner(source, (settings or {}).get(source.name, {})) for source in sources}
        self._answer_seconds = answer_seconds
        self._status_seconds = status_seconds
        self._zone = contexts.find_time_zone()

    async def start(self) -> None:
        """Load all plugins concurrently; `run` retries those that fail."""
        for runner in self._runners.values():
            runner.start()
        await self.check()

    async def run(self) -> None:
        """Check all plugins periodically until cancelled."""
        while True:
            await asyncio.sleep(self._status_seconds)
            await self.check()

    async def close(self) -> None:
        await asyncio.gather(*(runner.close() for runner in self._runners.values()))

    def recognize(self, text: str, language: str | None = None) -> PluginMatch | None:
        """Return the match of the first plugin that recognizes a sentence. Runs in a worker thread."""
        language_code = base_language(language or "en")
        for runner in self._runners.values():
            if found := runner.sentences.recognize(text, language_code):
                return PluginMatch(runner.name, *found, text, language_code)
        return None

    async def execute(
        self,
        match: PluginMatch,
        context: CommandContext | None = None,
        seconds: float | None = None,
        *,
        can_be_late: bool = False,
    ) -> Answer:
        """Execute a command; a failure or timeout becomes the answer, and a question is a PluginQuestion.

        With `can_be_late`, what takes longer than usual goes on: the answer is a LateAnswer.
        """
        runner = self._runners[match.plugin]
        full = contexts.complete(context, match, self._zone)
        entities = resolve_times(match.entities, full.moment)
        if entities is None:
            return Answer(responses.render("no_such_time", match.language), done=False)
        match = replace(match, entities=entities, key=full.key)
        seconds = seconds or self._answer_seconds
        if not can_be_late:
            return await _call(runner, match, full, seconds)
        call = asyncio.ensure_future(_call(runner, match, full, LATE_SECONDS))
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(call)
        except TimeoutError:
            return LateAnswer(responses.render("plugin_later", match.language), pending=call)
        except asyncio.CancelledError:
            call.cancel()
            raise

    async def follow_reminder(self, reminder: HouseReminder, context: CommandContext, language: str) -> Sequence[str]:
        """Let the plugins write down a reminder that the house sets; return what they say of it."""
        remarks = await asyncio.gather(
            *(self._follow_reminder(runner, reminder, context, language) for runner in self._runners.values())
        )
        return [remark for remark in remarks if remark]

    async def _follow_reminder(
        self, runner: PluginRunner, reminder: HouseReminder, context: CommandContext, language: str
    ) -> str:
        match = PluginMatch(
            runner.name, "follow_reminder", {"text": reminder.text, "day": reminder.day}, language=language
        )
        full = contexts.complete(context, match, self._zone)
        try:
            return await runner.follow_reminder(reminder, full, self._answer_seconds)
        except PluginError as err:
            _LOG.warning("plugin does not follow a reminder", name=runner.name, problem=str(err))
            return responses.render("did_not_answer", language, named=runner.display_name)

    def is_private(self, plugin: str) -> bool:
        """Return whether what a plugin says must not reach a cloud."""
        return self._runners[plugin].is_private

    def tools(self) -> Mapping[str, tuple[PluginTool, ...]]:
        """Return the intents that programs may call by plugin."""
        return {name: runner.tools for name, runner in self._runners.items() if runner.tools}

    def intents(self) -> Mapping[str, tuple[str, ...]]:
        """Return the names of the intents by plugin."""
        return {name: runner.intents for name, runner in self._runners.items()}

    def describe(self) -> list[Mapping[str, object]]:
        """Return name, kind, version, problem and sentences of each plugin, as the hub shows them."""
        return [runner.describe() for runner in self._runners.values()]

    def health_checks(self) -> Mapping[str, HealthCheck]:
        """Return a health check per plugin."""
        return {f"plugin {name}": _create_health_check(runner) for name, runner in self._runners.items()}

    async def check(self) -> None:
        """Initialize the plugins that are not ready, and ask all for their status."""
        await asyncio.gather(*(runner.check() for runner in self._runners.values()))


async def _call(runner: PluginRunner, match: PluginMatch, context: CommandContext, seconds: float) -> Answer:
    try:
        return await runner.execute(match, context, seconds)
    except PluginError as err:
        _LOG.warning("plugin call failed", name=runner.name, intent=match.intent, problem=str(err))
        late = runner.describe_lateness(match.language) if isinstance(err, PluginTimeoutError) else ""
        text = late or responses.render("did_not_answer", match.language, named=runner.display_name)
        return Answer(text, done=False)


def _create_health_check(runner: PluginRunner) -> HealthCheck:
    return lambda: runner.problem
