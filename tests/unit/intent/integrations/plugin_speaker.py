"""Speaks to one plugin, whose sentences are loaded once for all tests, since that takes long."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any

from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins import (
    CommandContext,
    HouseReminder,
    MultilingualPlugin,
    PluginMatch,
    PluginRegistry,
    PluginSource,
)
from wyoming_rosie_intent.plugins.match import PluginQuestion
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.texts import PluginTexts


@cache
def quiet(plugin: type[MultilingualPlugin]) -> type[MultilingualPlugin]:
    """Return the plugin without sentences."""
    intents: Mapping[str, list[str]] = {intent: [] for intent in PluginTexts(plugin.languages).get_intents()}
    return type(f"Quiet{plugin.__name__}", (plugin,), {"get_intents": lambda _self: intents})


@cache
def _load_sentences(plugin: type[MultilingualPlugin]) -> PluginSentences:
    texts = PluginTexts(plugin.languages)
    return load_sentences(texts.get_intents(), texts.get_lists())


def find_match(plugin: type[MultilingualPlugin], name: str, text: str, language: str = "en") -> PluginMatch | None:
    """Return the command that a sentence is for the plugin."""
    found = _load_sentences(plugin).recognize(text, language)
    return PluginMatch(name, *found, text, language) if found else None


class PluginSpeaker:
    """Each sentence is a turn of its own; what is replied belongs to the turn of the question."""

    def __init__(self, plugin: type[MultilingualPlugin], name: str, plugins: PluginRegistry, moment: datetime) -> None:
        self._plugin = plugin
        self._name = name
        self._plugins = plugins
        self._moment = moment
        self._turns = 0

    @property
    def problem(self) -> str | None:
        return self._plugins.health_checks()[f"plugin {self._name}"]()

    async def say(self, text: str, language: str = "en", person: str | None = None) -> Answer:
        self._turns += 1
        match = find_match(self._plugin, self._name, text, language)
        assert match is not None, text
        return await self.execute(match, person)

    async def execute(self, match: PluginMatch, person: str | None = None) -> Answer:
        context = CommandContext(self._moment, person=person, key=f"turn {self._turns}")
        return await self._plugins.execute(match, context)

    async def follow(self, reminder: HouseReminder, language: str = "en") -> list[str]:
        """Set a reminder of the house; return what the plugin says of it."""
        return list(await self._plugins.follow_reminder(reminder, CommandContext(self._moment, key="turn"), language))

    async def reply(self, question: Answer, option: str | None = None, person: str | None = None) -> Answer:
        """Say yes, or the name of an option."""
        assert isinstance(question, PluginQuestion), question
        match = question.options[option] if option else question.confirmed
        assert match is not None
        return await self.execute(match, person)


@asynccontextmanager
async def speaking_to(
    plugin: type[MultilingualPlugin], name: str, settings: Mapping[str, Any], moment: datetime
) -> AsyncIterator[PluginSpeaker]:
    """Run the plugin during the block."""
    plugins = PluginRegistry([PluginSource(name, lambda: quiet(plugin))], {name: settings}, 60.0)
    await plugins.start()
    try:
        yield PluginSpeaker(plugin, name, plugins, moment)
    finally:
        await plugins.close()
