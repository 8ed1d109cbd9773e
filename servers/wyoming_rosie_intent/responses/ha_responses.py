"""Responses of home-assistant-intents, for languages without phrases of this package."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules import templates

MAX_LENGTH = 500
"""Characters of an answer."""
MAX_CACHED_LANGUAGES = 64
_errors: dict[str, Mapping[str, str]] = {}
"""Sentences for errors by language, of the languages that are prepared."""


def render_response(match: Match, targets: Sequence[Entity]) -> str | None:
    """Render the response to an executed command; None without a usable one."""
    text = get_template(match)
    return _render(text, match, targets) if text else None


def get_template(match: Match) -> str | None:
    """Return the response template that Home Assistant would render; None without one."""
    texts = _load_responses(match.language).get(match.intent, {})
    return texts.get(match.question) or texts.get("default") or None


def prepare(language: str) -> None:
    """Load the responses of a language. Blocks."""
    _load_responses(language)
    _errors[language] = _load_errors(language)


def find_error(key: str, language: str) -> str | None:
    """Return the sentence for an error in the language of a tag; None unless the language is prepared. Reads no file."""
    known = templates.match_language(language, _errors)
    return _errors[known].get(key) if known else None


def _load_responses(language: str) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = _load(language).get("intents", {})
    return found


def _load_errors(language: str) -> Mapping[str, str]:
    found: Mapping[str, str] = _load(language).get("errors", {})
    return found


@lru_cache(MAX_CACHED_LANGUAGES)
def _load(language: str) -> Mapping[str, Any]:
    from home_assistant_intents import get_intents

    found: Mapping[str, Any] = (get_intents(language) or {}).get("responses", {})
    return found


def _render(text: str, match: Match, targets: Sequence[Entity]) -> str | None:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    values: dict[str, Any] = {"slots": _template_slots(match, targets), "query": _create_query(targets)}
    if targets:
        values["state"] = SimpleNamespace(domain=targets[0].domain, name=targets[0].name, attributes={})
    try:
        rendered = ImmutableSandboxedEnvironment(autoescape=False).from_string(text).render(values)
    except (TemplateError, TypeError, ValueError, AttributeError):
        return None
    rendered = " ".join(rendered.split())[:MAX_LENGTH]
    return rendered if rendered and "None" not in rendered else None


def _template_slots(match: Match, targets: Sequence[Entity]) -> Mapping[str, str]:
    """Return the slots for the template, with the name of a single target."""
    slots = {slot: str(value) for slot, value in match.slots.items()}
    return {**slots, "name": targets[0].name} if len(targets) == 1 else slots


def _create_query(targets: Sequence[Entity]) -> SimpleNamespace:
    return SimpleNamespace(matched=list(targets), unmatched=[])
