"""The `turn_id` that identifies a turn in all programs and their log lines, and the caller who asked for it."""

from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from wyoming.event import Event

_turn_id: ContextVar[str | None] = ContextVar("turn_id", default=None)
_MAX_CHARACTERS = 128
CALLER = "caller"
"""Key of a context: the client of the house on whose behalf its sender asks."""


def new_id() -> str:
    """Return a new turn ID."""
    return uuid4().hex[:12]


def bind(turn_id: str) -> None:
    """Use `turn_id` in this task's log lines and answers from now on."""
    _turn_id.set(turn_id)
    structlog.contextvars.bind_contextvars(turn_id=turn_id)


def adopt(event: Event) -> None:
    """Bind the turn ID and the caller of a peer's event; without an ID, keep the current one or bind a new one."""
    context = event_context(event)
    turn_id, caller = context.get("turn_id"), context.get(CALLER)
    if isinstance(turn_id, str) and 0 < len(turn_id) <= _MAX_CHARACTERS:
        if turn_id != _turn_id.get():
            structlog.contextvars.unbind_contextvars(CALLER)
            bind(turn_id)
    elif _turn_id.get() is None:
        bind(new_id())
    if isinstance(caller, str) and 0 < len(caller) <= _MAX_CHARACTERS:
        structlog.contextvars.bind_contextvars(caller=caller)


def event_context(event: Event) -> dict[str, Any]:
    """Return a copy of the event's `context`; empty if it is missing or not an object."""
    context_data = event.data.get("context")
    return dict(context_data) if isinstance(context_data, dict) else {}


def context(event: Event) -> dict[str, Any]:
    """Return the event's context with the turn ID, for the answers to the event."""
    return {**event_context(event), "turn_id": _turn_id.get() or new_id()}
