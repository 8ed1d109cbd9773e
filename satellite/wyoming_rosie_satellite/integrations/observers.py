"""Observers of the satellite's Wyoming events, and the events for its state."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from wyoming.event import Event

_LOG = structlog.get_logger()
USER_EVENT = "user-event"
PHASE, MUTED, VOLUME, RINGING = "phase", "muted", "volume", "ringing"
STATES = (PHASE, MUTED, VOLUME, RINGING)
"""Names of the user-events for states that Wyoming has no event for."""


class Observer(Protocol):
    """An observer of events."""

    def on_event(self, event: Event) -> None:
        """Process an event, which has no audio; never waits."""


class Observers:
    """Passes events to all observers; one that fails disturbs neither the others nor the satellite."""

    def __init__(self, watchers: Sequence[Observer] = ()) -> None:
        self._observers = list(watchers)

    def add(self, watcher: Observer) -> None:
        self._observers.append(watcher)

    def on_event(self, event: Event) -> None:
        for watcher in self._observers:
            try:
                watcher.on_event(event)
            except Exception:  # noqa: BLE001 - a bug in LEDs or displays must not stop the satellite
                _LOG.exception("observer failed", type=event.type)


def phase_event(phase: str) -> Event:
    """Return the event for a new phase: offline, paused, waiting, streaming, thinking or speaking."""
    return Event(USER_EVENT, {"name": PHASE, "phase": phase})


def muted_event(is_muted: bool) -> Event:
    """Return the event for a microphone that was muted or unmuted."""
    return Event(USER_EVENT, {"name": MUTED, "muted": is_muted})


def volume_event(percent: int) -> Event:
    """Return the event for a new volume, 0 to 100."""
    return Event(USER_EVENT, {"name": VOLUME, "percent": percent})


def ringing_event(is_ringing: bool) -> Event:
    """Return the event for a timer that starts or stops ringing."""
    return Event(USER_EVENT, {"name": RINGING, "ringing": is_ringing})
