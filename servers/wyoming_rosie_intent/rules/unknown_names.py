"""Commands about a thing that the home does not have: its name as it was said, and names like it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from wyoming_rosie.home.model import Home
from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie.text.suggestions import find_close_names
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import filler_words
from wyoming_rosie_intent.rules.templates import load_custom_sentences

MAX_NAME_WORDS = 4
"""Longer texts after a verb are conversation."""
MAX_SIMILAR_NAMES = 2
_BEGINNING_LENGTH = 5
"""Letters."""


def find_unknown_name(text: str, language: str) -> str | None:
    """Return the name in a command that no rule recognized; None for any other sentence."""
    family = base_language(language)
    patterns, hints = _load(family)
    words = filler_words.normalize_words(text)
    spoken = " ".join(hints.remove_fillers(words)) if patterns else ""
    if not patterns or not hints.non_command_words.isdisjoint(spoken.split()):
        return None
    found = next((found for pattern in patterns if (found := pattern.fullmatch(spoken))), None)
    name = found["name"].split() if found else []
    vague = hints.pronouns | frozenset(_load_table(family).get("vague", ()))
    return " ".join(name) if 0 < len(name) <= MAX_NAME_WORDS and vague.isdisjoint(name) else None


def find_similar(home: Home, name: str) -> Sequence[str]:
    """Return names of things and areas that are like an unknown one, the closest first, else those that begin like it."""
    known = [known for items in (home.entities, home.areas) for item in items for known in item.names]
    beginnings = _get_beginnings(name)
    return find_close_names(name, known) or [one for one in known if not beginnings.isdisjoint(_get_beginnings(one))]


def render_unknown(text: str, language: str, home: Home) -> str:
    """Say that nothing was understood, or which thing is not known here and which ones are like it."""
    name = find_unknown_name(text, language)
    if name is None:
        return responses.render("not_understood", language)
    return responses.render("unknown_name", language, name=name, known=find_similar(home, name)[:MAX_SIMILAR_NAMES])


def _get_beginnings(name: str) -> frozenset[str]:
    """Return the beginnings of the longer words of a name, which compounds share: Nachtlicht, Nachtlampe."""
    words = filler_words.normalize_words(name)
    return frozenset(word[:_BEGINNING_LENGTH] for word in words if len(word) >= _BEGINNING_LENGTH)


@cache
def _load(language: str) -> tuple[tuple[re.Pattern[str], ...], filler_words.LanguageHints]:
    custom = load_custom_sentences(language)
    hints = filler_words.load_hints(custom.get("nearly", {}))
    polite = frozenset(filler_words.normalize_words(phrase) for phrase in custom.get("courtesies", ()))
    hints = replace(hints, fillers=hints.fillers | polite)
    patterns = _load_table(language).get("patterns", ())
    return tuple(re.compile(pattern.replace("NAME", "(?P<name>.+?)")) for pattern in patterns), hints


def _load_table(language: str) -> Mapping[str, Sequence[str]]:
    table: Mapping[str, Sequence[str]] = load_custom_sentences(language).get("unknown_name", {})
    return table
