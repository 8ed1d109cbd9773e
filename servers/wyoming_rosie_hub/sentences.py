"""What the hub says by itself, in the languages of the folder `sentences`."""

import tomllib
from pathlib import Path
from typing import Any

from wyoming_rosie.text import durations

FOLDER = Path(__file__).with_name("sentences")
FALLBACK_LANGUAGE = "en"
"""What is said in a language that has no sentences."""
_TABLES: dict[str, dict[str, dict[str, Any]]] = {
    file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))
}


def languages() -> frozenset[str]:
    """Return the languages that there are sentences in."""
    return frozenset(_TABLES)


def supported_language(language: str) -> str:
    """Return the language of a tag such as de-AT if there are sentences in it, else English."""
    family = durations.base_language(language)
    return family if family in _TABLES else FALLBACK_LANGUAGE


def format_sentence(key: str, language: str, **values: object) -> str:
    """Return a sentence such as "timers.paused", filled in."""
    return str(get_entry(key, language)).format(**values)


def get_entry(key: str, language: str) -> Any:
    """Return what a language's file has under a key."""
    table, _, name = key.partition(".")
    return _TABLES[supported_language(language)][table][name]


def has_entry(key: str) -> bool:
    """Tell whether there is anything under a key; all languages have the same."""
    table, _, name = key.partition(".")
    return name in _TABLES[FALLBACK_LANGUAGE].get(table, {})


def language_name(language: str) -> str:
    """Return what a language calls itself; its tag if nobody knows."""
    family = durations.base_language(language)
    return str(_TABLES[family]["answers"]["name"]) if family in _TABLES else language
