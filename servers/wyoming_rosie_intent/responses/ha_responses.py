"""Responses of home-assistant-intents, for languages without phrases of this package."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Match

MAX_LENGTH = 500
"""Characters of an answer."""
MAX_CACHED_LANGUAGES = 64


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


@lru_cache(MAX_CACHED_LANGUAGES)
def _load_responses(language: str) -> Mapping[str, Mapping[str, str]]:
    from home_assistant_intents import get_intents

    known = get_intents(language) or {}
    found: Mapping[str, Mapping[str, str]] = known.get("responses", {}).get("intents", {})
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
