"""What the hub says by itself, in the languages of the folder `sentences`."""

import tomllib
from pathlib import Path
from typing import Any

from wyoming_rosie.text import durations

FOLDER = Path(__file__).with_name("sentences")
LAST = "en"
"""What is said in a language that has no sentences."""
_TABLES: dict[str, dict[str, dict[str, Any]]] = {
    file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))
}


def languages() -> frozenset[str]:
    """Return the languages that there are sentences in."""
    return frozenset(_TABLES)


def known(language: str) -> str:
    """Return the language of a tag such as de-AT if there are sentences in it, else English."""
    family = durations.base_language(language)
    return family if family in _TABLES else LAST


def say(key: str, language: str, **values: object) -> str:
    """Return a sentence such as "timers.paused", filled in."""
    return str(words(key, language)).format(**values)


def words(key: str, language: str) -> Any:
    """Return what a language's file has under a key."""
    table, _, name = key.partition(".")
    return _TABLES[known(language)][table][name]


def has(key: str) -> bool:
    """Tell whether there is anything under a key; all languages have the same."""
    table, _, name = key.partition(".")
    return name in _TABLES[LAST].get(table, {})


def called(language: str) -> str:
    """Return what a language calls itself; its tag if nobody knows."""
    family = durations.base_language(language)
    return str(_TABLES[family]["answers"]["name"]) if family in _TABLES else language
