"""The `turn_id` that follows one turn through all programs and their log lines."""

from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from wyoming.event import Event

_turn_id: ContextVar[str | None] = ContextVar("turn_id", default=None)
_LONGEST = 128


def new_id() -> str:
    """Return an identifier for a turn that nobody has named yet."""
    return uuid4().hex[:12]


def bind(turn_id: str) -> None:
    """Let this task's log lines and answers carry `turn_id` from now on."""
    _turn_id.set(turn_id)
    structlog.contextvars.bind_contextvars(turn_id=turn_id)


def adopt(event: Event) -> None:
    """Take over the turn that a peer's event names; make one when nobody has."""
    given = event_context(event).get("turn_id")
    if isinstance(given, str) and 0 < len(given) <= _LONGEST:
        if given != _turn_id.get():
            bind(given)
    elif _turn_id.get() is None:
        bind(new_id())


def event_context(event: Event) -> dict[str, Any]:
    """Return what the event's `context` holds; nothing when it is missing or no object."""
    given = event.data.get("context")
    return dict(given) if isinstance(given, dict) else {}


def context(event: Event) -> dict[str, Any]:
    """Return the event's context with the turn filled in, for the answers to it."""
    return {**event_context(event), "turn_id": _turn_id.get() or new_id()}
