"""Test support for plugins: runs a plugin as the daemon does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import PluginSource, find_in_folder
from wyoming_rosie_intent.plugins.match import PluginMatch, PluginQuestion
from wyoming_rosie_intent.plugins.plugin import CommandContext, PluginTool
from wyoming_rosie_intent.plugins.registry import PluginRegistry


class Trial:
    """One running plugin; `problem` is the reason when it is not ready."""

    def __init__(self, name: str, plugins: PluginRegistry) -> None:
        self._name = name
        self._plugins = plugins

    @property
    def problem(self) -> str | None:
        return self._plugins.health_checks()[f"plugin {self._name}"]()

    @property
    def intents(self) -> tuple[str, ...]:
        return self._plugins.intents()[self._name]

    @property
    def tools(self) -> tuple[PluginTool, ...]:
        return self._plugins.tools().get(self._name, ())

    async def check(self) -> None:
        """Initialize the plugin if that failed, and ask for its status, as the daemon does every 30 s."""
        await self._plugins.check()

    def understand(self, text: str, language: str = "en") -> PluginMatch | None:
        """Return the match of a text with the plugin's sentences; None without one."""
        return self._plugins.recognize(text, language)

    async def say(
        self,
        text: str,
        language: str = "en",
        *,
        moment: datetime | None = None,
        person: str | None = None,
        area: str | None = None,
    ) -> Answer | None:
        """Return the plugin's answer to a text, a PluginQuestion if it asks; None for one that it does not understand."""
        match = self.understand(text, language)
        if match is None:
            return None
        context = CommandContext(moment or datetime.now().astimezone(), person=person, area=area)
        return await self._plugins.execute(match, context)

    async def reply(
        self,
        question: PluginQuestion,
        option: str | None = None,
        *,
        moment: datetime | None = None,
        person: str | None = None,
    ) -> Answer:
        """Return the plugin's answer to a yes, or to the name of one of the options."""
        match = question.options[option] if option else question.confirmed
        assert match is not None, "the question has options; name one"
        return await self._plugins.execute(match, CommandContext(moment or datetime.now().astimezone(), person=person))


@asynccontextmanager
async def trial(folder: Path, settings: Mapping[str, Any] | None = None, answer_seconds: float = 2.0) -> AsyncIterator[Trial]:  # fmt: skip
    """Run the plugin of a folder with a plugin.py during the block."""
    async with trial_of(find_source(folder), settings, answer_seconds) as running:
        yield running


@asynccontextmanager
async def trial_of(source: PluginSource, settings: Mapping[str, Any] | None = None, answer_seconds: float = 2.0) -> AsyncIterator[Trial]:  # fmt: skip
    """Run a plugin during the block."""
    plugins = PluginRegistry([source], {source.name: settings or {}}, answer_seconds)
    await plugins.start()
    try:
        yield Trial(source.name, plugins)
    finally:
        await plugins.close()


def find_source(folder: Path) -> PluginSource:
    """Return the plugin of a folder, not yet loaded. Raises ConfigError, ValueError without one."""
    [source] = [source for source in find_in_folder(folder.parent) if source.folder == folder]
    return source
