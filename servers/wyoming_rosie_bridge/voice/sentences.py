"""What the bridge says to the people in a room."""

import tomllib
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language

_SENTENCES: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))
_FALLBACK = "en"


def get_sentence(name: str, language: str | None) -> str:
    """Return a sentence in a language, in English for one without sentences."""
    table = _SENTENCES.get(base_language(language or _FALLBACK), _SENTENCES[_FALLBACK])
    return table[name]
