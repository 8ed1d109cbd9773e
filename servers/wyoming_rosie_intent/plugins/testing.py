"""Test support for plugins: runs a plugin as the daemon does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.plugins.discovery import PluginSource, find_in_folder
from wyoming_rosie_intent.plugins.match import PluginMatch
from wyoming_rosie_intent.plugins.registry import PluginRegistry


class Trial:
    """One running plugin; `problem` is the reason when it is not ready."""

    def __init__(self, name: str, plugins: PluginRegistry) -> None:
        self._name = name
        self._plugins = plugins

    @property
    def problem(self) -> str | None:
        return self._plugins.health_checks()[f"plugin {self._name}"]()

    def understand(self, text: str, language: str = "en") -> PluginMatch | None:
        """Return the match of a text with the plugin's sentences; None without one."""
        return self._plugins.recognize(text, language)

    async def say(self, text: str, language: str = "en") -> Answer | None:
        """Return the plugin's answer to a text; None for one that it does not understand."""
        match = self.understand(text, language)
        return await self._plugins.execute(match) if match else None


@asynccontextmanager
async def trial(folder: Path, settings: Mapping[str, Any] | None = None, answer_seconds: float = 2.0) -> AsyncIterator[Trial]:  # fmt: skip
    """Run the plugin of a folder with a plugin.py during the block."""
    sources = [source for source in find_in_folder(folder.parent) if source.folder == folder]
    async with _run_plugins(sources, {folder.name: settings or {}}, answer_seconds) as plugins:
        yield Trial(folder.name, plugins)


@asynccontextmanager
async def _run_plugins(sources: list[PluginSource], settings: Mapping[str, Mapping[str, Any]], seconds: float) -> AsyncIterator[PluginRegistry]:  # fmt: skip
    plugins = PluginRegistry(sources, settings, seconds)
    await plugins.start()
    try:
        yield plugins
    finally:
        await plugins.close()
