"""Texts of a plugin: its sentences and answers, one file LANGUAGE.toml for each language.

[rules]      my = "my|our|the"                      replaces <my> in the sentences of this file
[sentences]  NextEvent = ["what is <my> next {kind}"]
[lists.kind] appointment = "event"                  words, and the value that the plugin gets for them
[answers]    none = "There is nothing {{ day }}."   templates of Jinja2
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file
from wyoming_rosie_intent.plugins.plugin import Values
from wyoming_rosie_intent.responses.catalog import ResponseCatalog

_RULE = re.compile(r"<(\w+)>")
_MAX_DEPTH = 8
_TABLES = frozenset({"rules", "sentences", "lists", "answers"})


class PluginTexts:
    """The texts of a folder. Blocks at its creation; raises ConfigError for a file that is wrong."""

    def __init__(self, folder: Path) -> None:
        self._catalog = ResponseCatalog(folder)
        self._tables = {file.stem: toml_file.read(file, "texts of a plugin") for file in sorted(folder.glob("*.toml"))}
        for language, table in self._tables.items():
            if unknown := table.keys() - _TABLES:
                there_are = ", ".join(sorted(_TABLES))
                raise ConfigError(
                    f"{folder / language}.toml has the unknown table {min(unknown)}; there are: {there_are}"
                )

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._tables)

    def get_intents(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """Return the sentences of each intent by language, as `IntegrationPlugin.get_intents` does."""
        intents: dict[str, dict[str, list[str]]] = {}
        for language, table in self._tables.items():
            rules = table.get("rules", {})
            for intent, sentences in table.get("sentences", {}).items():
                intents.setdefault(intent, {})[language] = [_expand(sentence, rules) for sentence in sentences]
        return intents

    def get_lists(self) -> Mapping[str, Mapping[str, Values]]:
        """Return the values of each list by language, as `IntegrationPlugin.get_lists` does."""
        lists: dict[str, dict[str, Values]] = {}
        for language, table in self._tables.items():
            for name, values in table.get("lists", {}).items():
                lists.setdefault(name, {})[language] = values
        return lists

    def render(self, key: str, language: str, **values: object) -> str:
        """Return an answer in a language, in English if that lacks it. Raises KeyError."""
        return self._catalog.render(f"answers.{key}", language, **values)

    def get_value(self, key: str, language: str) -> Any:
        """Return the raw value of an answer, such as a list of words; None if there is none."""
        return self._catalog.get_value(f"answers.{key}", language)


def _expand(sentence: str, rules: Mapping[str, str]) -> str:
    """Replace the rules of the file; others, such as <date>, are the daemon's."""
    for _ in range(_MAX_DEPTH):
        expanded = _RULE.sub(lambda found: f"({rules[found[1]]})" if found[1] in rules else found[0], sentence)
        if expanded == sentence:
            return sentence
        sentence = expanded
    raise ConfigError(f"the rules of the sentence '{sentence[:80]}' refer to each other")
