"""What home-assistant-intents would say about a command, for languages that we have no phrases of."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from wyoming_rosie.home.model import Entity
from wyoming_rosie_intent.engine import Match

LONGEST = 500
"""Characters of an answer."""
MOST_LANGUAGES = 64


def say(match: Match, targets: Sequence[Entity]) -> str | None:
    """Return the package's answer to a command that was carried out; None when it has none that can be said."""
    text = template(match)
    return _rendered(text, match, targets) if text else None


def template(match: Match) -> str | None:
    """Return what Home Assistant would render to say it; None when the package has nothing."""
    texts = _responses(match.language).get(match.intent, {})
    return texts.get(match.question) or texts.get("default") or None


def prepare(language: str) -> None:
    """Read the package's answers in a language. Blocks."""
    _responses(language)


@lru_cache(MOST_LANGUAGES)
def _responses(language: str) -> Mapping[str, Mapping[str, str]]:
    from home_assistant_intents import get_intents

    known = get_intents(language) or {}
    found: Mapping[str, Mapping[str, str]] = known.get("responses", {}).get("intents", {})
    return found


def _rendered(text: str, match: Match, targets: Sequence[Entity]) -> str | None:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    values: dict[str, Any] = {"slots": _slots(match, targets), "query": _query(targets)}
    if targets:
        values["state"] = SimpleNamespace(domain=targets[0].domain, name=targets[0].name, attributes={})
    try:
        said = ImmutableSandboxedEnvironment(autoescape=False).from_string(text).render(values)
    except (TemplateError, TypeError, ValueError, AttributeError):
        return None
    said = " ".join(said.split())[:LONGEST]
    return said if said and "None" not in said else None


def _slots(match: Match, targets: Sequence[Entity]) -> Mapping[str, str]:
    """Return the slots as the templates want them: as they were said, and a name only where there is one."""
    slots = {slot: str(value) for slot, value in match.slots.items()}
    return {**slots, "name": targets[0].name} if len(targets) == 1 else slots


def _query(targets: Sequence[Entity]) -> SimpleNamespace:
    return SimpleNamespace(matched=list(targets), unmatched=[])
