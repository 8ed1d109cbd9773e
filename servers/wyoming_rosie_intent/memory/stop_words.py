"""Stop words: words of a language that say nothing about what is meant. Pure."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language

_TABLE = Path(__file__).with_name("stop_words.toml")


def get_stop_words(language: str | None) -> frozenset[str]:
    """Return the words that any sentence of a language may have; those of all languages for an unknown one."""
    tables = _load()
    known = tables.get(base_language(language or ""))
    if known is not None:
        return known
    return frozenset().union(*tables.values()) if language is None else frozenset()


@cache
def _load() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in tomllib.loads(_TABLE.read_text("utf-8")).items()}
