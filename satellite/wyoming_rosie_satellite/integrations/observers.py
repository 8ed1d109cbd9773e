"""Who is told what happens to the satellite, as Wyoming events."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from wyoming.event import Event

_LOG = structlog.get_logger()
USER_EVENT = "user-event"
PHASE, MUTED, VOLUME, RINGING = "phase", "muted", "volume", "ringing"
STATES = (PHASE, MUTED, VOLUME, RINGING)
"""Names of the user-events that tell what no event of Wyoming's does."""


class Observer(Protocol):
    """Somebody who wants to know."""

    def on_event(self, event: Event) -> None:
        """Take note of an event, without its audio; never waits."""


class Observers:
    """All who want to know; one that fails keeps nothing from the others, nor from the satellite."""

    def __init__(self, watchers: Sequence[Observer] = ()) -> None:
        self._observers = list(watchers)

    def add(self, watcher: Observer) -> None:
        self._observers.append(watcher)

    def on_event(self, event: Event) -> None:
        for watcher in self._observers:
            try:
                watcher.on_event(event)
            except Exception:  # noqa: BLE001 - the border to lights and displays: a bug there must not silence the room
                _LOG.exception("a watcher failed", type=event.type)


def phase_event(phase: str) -> Event:
    """Return the event for a new phase: offline, paused, waiting, streaming, thinking or speaking."""
    return Event(USER_EVENT, {"name": PHASE, "phase": phase})


def muted_event(is_muted: bool) -> Event:
    """Return the event for a microphone that was muted or not any more."""
    return Event(USER_EVENT, {"name": MUTED, "muted": is_muted})


def volume_event(percent: int) -> Event:
    """Return the event for a new volume, 0 to 100."""
    return Event(USER_EVENT, {"name": VOLUME, "percent": percent})


def ringing_event(is_ringing: bool) -> Event:
    """Return the event for timers that begin to ring or are quiet again."""
    return Event(USER_EVENT, {"name": RINGING, "ringing": is_ringing})
