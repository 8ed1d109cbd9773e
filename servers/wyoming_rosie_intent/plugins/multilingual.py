"""Base class of plugins whose sentences and answers are in a file for each language."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from wyoming_rosie_intent.plugins.plugin import IntegrationPlugin, PluginTool, Sentences, Values
from wyoming_rosie_intent.plugins.texts import PluginTexts


class MultilingualPlugin(IntegrationPlugin):
    """Derived classes name the folder of their `languages`, and the `tools` that they offer to programs."""

    languages: Path
    tools: Sequence[PluginTool] = ()

    def __init__(self) -> None:
        self.texts = PluginTexts(self.languages)

    def get_intents(self) -> Mapping[str, Sentences]:
        return self.texts.get_intents()

    def get_lists(self) -> Mapping[str, Mapping[str, Values]]:
        return self.texts.get_lists()

    def get_tools(self) -> Sequence[PluginTool]:
        return self.tools
