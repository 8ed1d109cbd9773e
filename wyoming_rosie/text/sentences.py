"""Sentences of conductors, also about timers, in the languages of the folder `sentences`."""

import tomllib
from pathlib import Path
from typing import Any

from wyoming_rosie.text.language_tags import base_language

FOLDER = Path(__file__).with_name("sentences")
FALLBACK_LANGUAGE = "en"
"""For languages without sentences of their own."""
_TABLES: dict[str, dict[str, dict[str, Any]]] = {
    file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.toml"))
}


def languages() -> frozenset[str]:
    """Return the languages with sentences."""
    return frozenset(_TABLES)


def supported_language(language: str) -> str:
    """Return the base language of a tag such as de-AT if it has sentences, else English."""
    family = base_language(language)
    return family if family in _TABLES else FALLBACK_LANGUAGE


def format_sentence(key: str, language: str, **values: object) -> str:
    """Return the sentence with a key such as "timers.paused", filled in."""
    return str(get_entry(key, language)).format(**values)


def get_entry(key: str, language: str) -> Any:
    """Return the entry of a language's file: a sentence, a list of phrases, or a list of such lists."""
    table, _, name = key.partition(".")
    return _TABLES[supported_language(language)][table][name]


def has_entry(key: str) -> bool:
    """Return whether the key exists; all languages have the same keys."""
    table, _, name = key.partition(".")
    return name in _TABLES[FALLBACK_LANGUAGE].get(table, {})


def language_name(language: str) -> str:
    """Return a language's name for itself; its tag if unknown."""
    family = base_language(language)
    return str(_TABLES[family]["answers"]["name"]) if family in _TABLES else language
