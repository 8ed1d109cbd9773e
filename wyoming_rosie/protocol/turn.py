"""The `turn_id` that identifies a turn in all programs and their log lines."""

from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from wyoming.event import Event

_turn_id: ContextVar[str | None] = ContextVar("turn_id", default=None)
_MAX_CHARACTERS = 128


def new_id() -> str:
    """Return a new turn ID."""
    return uuid4().hex[:12]


def bind(turn_id: str) -> None:
    """Use `turn_id` in this task's log lines and answers from now on."""
    _turn_id.set(turn_id)
    structlog.contextvars.bind_contextvars(turn_id=turn_id)


def adopt(event: Event) -> None:
    """Bind the turn ID of a peer's event; without one, keep the current ID or bind a new one."""
    turn_id = event_context(event).get("turn_id")
    if isinstance(turn_id, str) and 0 < len(turn_id) <= _MAX_CHARACTERS:
        if turn_id != _turn_id.get():
            bind(turn_id)
    elif _turn_id.get() is None:
        bind(new_id())


def event_context(event: Event) -> dict[str, Any]:
    """Return a copy of the event's `context`; empty if it is missing or not an object."""
    context_data = event.data.get("context")
    return dict(context_data) if isinstance(context_data, dict) else {}


def context(event: Event) -> dict[str, Any]:
    """Return the event's context with the turn ID, for the answers to the event."""
    return {**event_context(event), "turn_id": _turn_id.get() or new_id()}
