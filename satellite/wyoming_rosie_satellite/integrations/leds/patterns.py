"""What lights show: rules without lights. Times are seconds."""

import math
from collections.abc import Callable
from enum import StrEnum

from wyoming.event import Event

from wyoming_rosie_satellite.integrations import observers
from wyoming_rosie_satellite.integrations.leds import Colour

FAILED_SECONDS = 2.0
TURN_SECONDS = 1.0
BLINK_SECONDS = 0.5


class Mood(StrEnum):
    CALM = "calm"
    OFFLINE = "offline"
    MUTED = "muted"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    RINGING = "ringing"
    FAILED = "failed"


_OF_PHASE = {
    "offline": Mood.OFFLINE,
    "paused": Mood.MUTED,
    "waiting": Mood.CALM,
    "streaming": Mood.LISTENING,
    "thinking": Mood.THINKING,
    "speaking": Mood.SPEAKING,
}
MOVING = frozenset({Mood.THINKING, Mood.RINGING, Mood.FAILED})
"""Moods whose picture changes by itself."""


class LightShow:
    """Follows the satellite's events to the mood of the moment."""

    def __init__(self) -> None:
        self._phase = Mood.OFFLINE
        self._muted = False
        self._ringing = False
        self._failed_until = -math.inf

    def saw(self, event: Event, now: float) -> None:
        """Take note of an event; most show nothing."""
        if event.type == "error":
            self._failed_until = now + FAILED_SECONDS
        if event.type != observers.USER_EVENT:
            return
        match event.data:
            case {"name": observers.PHASE, "phase": str(phase)}:
                self._phase = _OF_PHASE.get(phase, self._phase)
            case {"name": observers.MUTED, "muted": bool(muted)}:
                self._muted = muted
            case {"name": observers.RINGING, "ringing": bool(ringing)}:
                self._ringing = ringing

    def mood(self, now: float) -> Mood:
        """Return what matters most; a microphone that is muted is shown whenever nothing else is said."""
        if now < self._failed_until:
            return Mood.FAILED
        if self._ringing:
            return Mood.RINGING
        if self._phase in (Mood.LISTENING, Mood.THINKING, Mood.SPEAKING):
            return self._phase
        return Mood.MUTED if self._muted else self._phase


def picture(mood: Mood, now: float, count: int) -> tuple[Colour, ...]:
    """Return the colours of `count` lights."""
    return _PICTURES[mood](now, count)


_BLACK, _RED, _DIM_RED = (0, 0, 0), (255, 0, 0), (24, 0, 0)
_BLUE, _CYAN, _AMBER, _VIOLET = (0, 0, 255), (0, 160, 160), (255, 120, 0), (128, 0, 128)


def _all(colour: Colour) -> Callable[[float, int], tuple[Colour, ...]]:
    return lambda _, count: (colour,) * count


def _blinking(colour: Colour) -> Callable[[float, int], tuple[Colour, ...]]:
    return lambda now, count: (colour if now % BLINK_SECONDS < BLINK_SECONDS / 2 else _BLACK,) * count


def _turning(colour: Colour) -> Callable[[float, int], tuple[Colour, ...]]:
    def turned(now: float, count: int) -> tuple[Colour, ...]:
        bright = int(now % TURN_SECONDS / TURN_SECONDS * count) % count
        return tuple(colour if place == bright else _BLACK for place in range(count))

    return turned


_PICTURES: dict[Mood, Callable[[float, int], tuple[Colour, ...]]] = {
    Mood.CALM: _all(_BLACK),
    Mood.OFFLINE: _all(_DIM_RED),
    Mood.MUTED: _all(_RED),
    Mood.LISTENING: _all(_BLUE),
    Mood.THINKING: _turning(_AMBER),
    Mood.SPEAKING: _all(_CYAN),
    Mood.RINGING: _blinking(_AMBER),
    Mood.FAILED: _blinking(_VIOLET),
}
