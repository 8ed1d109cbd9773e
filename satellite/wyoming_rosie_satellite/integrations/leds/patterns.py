"""LED patterns: frames for each state of the satellite. Rules without LEDs; times are seconds."""

import math
from collections.abc import Callable
from enum import StrEnum

from wyoming.event import Event

from wyoming_rosie_satellite.integrations import observers
from wyoming_rosie_satellite.integrations.leds import Color

FAILED_SECONDS = 2.0
TURN_SECONDS = 1.0
BLINK_SECONDS = 0.5


class LedState(StrEnum):
    IDLE = "calm"
    OFFLINE = "offline"
    MUTED = "muted"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    RINGING = "ringing"
    FAILED = "failed"


_PHASE_STATES = {
    "offline": LedState.OFFLINE,
    "paused": LedState.MUTED,
    "waiting": LedState.IDLE,
    "streaming": LedState.LISTENING,
    "thinking": LedState.THINKING,
    "speaking": LedState.SPEAKING,
}
ANIMATED = frozenset({LedState.THINKING, LedState.RINGING, LedState.FAILED})
"""States whose frame changes by itself."""


class LedStatus:
    """Follows the satellite's events to the state that the LEDs show."""

    def __init__(self) -> None:
        self._phase = LedState.OFFLINE
        self._is_muted = False
        self._is_ringing = False
        self._failed_until = -math.inf

    def on_event(self, event: Event, now: float) -> None:
        """Process an event; most change nothing."""
        if event.type == "error":
            self._failed_until = now + FAILED_SECONDS
        if event.type != observers.USER_EVENT:
            return
        match event.data:
            case {"name": observers.PHASE, "phase": str(phase)}:
                self._phase = _PHASE_STATES.get(phase, self._phase)
            case {"name": observers.MUTED, "muted": bool(muted)}:
                self._is_muted = muted
            case {"name": observers.RINGING, "ringing": bool(ringing)}:
                self._is_ringing = ringing

    def current_state(self, now: float) -> LedState:
        """Return the state with the highest priority; mute shows only while the satellite is idle."""
        if now < self._failed_until:
            return LedState.FAILED
        if self._is_ringing:
            return LedState.RINGING
        if self._phase in (LedState.LISTENING, LedState.THINKING, LedState.SPEAKING):
            return self._phase
        return LedState.MUTED if self._is_muted else self._phase


def render_frame(state: LedState, now: float, count: int) -> tuple[Color, ...]:
    """Return the colours of `count` LEDs."""
    return _PATTERNS[state](now, count)


def dim(pixels: tuple[Color, ...], brightness: float) -> tuple[Color, ...]:
    """Return colours at a brightness of 0 to 1."""
    return tuple(
        (round(red * brightness), round(green * brightness), round(blue * brightness)) for red, green, blue in pixels
    )


_BLACK, _RED, _DIM_RED = (0, 0, 0), (255, 0, 0), (24, 0, 0)
_BLUE, _CYAN, _AMBER, _VIOLET = (0, 0, 255), (0, 160, 160), (255, 120, 0), (128, 0, 128)


def _fill(color: Color) -> Callable[[float, int], tuple[Color, ...]]:
    return lambda _, count: (color,) * count


def _alternate(color: Color) -> Callable[[float, int], tuple[Color, ...]]:
    return lambda now, count: (color if now % BLINK_SECONDS < BLINK_SECONDS / 2 else _BLACK,) * count


def _rotate(color: Color) -> Callable[[float, int], tuple[Color, ...]]:
    def frame(now: float, count: int) -> tuple[Color, ...]:
        bright = int(now % TURN_SECONDS / TURN_SECONDS * count) % count
        return tuple(color if index == bright else _BLACK for index in range(count))

    return frame


_PATTERNS: dict[LedState, Callable[[float, int], tuple[Color, ...]]] = {
    LedState.IDLE: _fill(_BLACK),
    LedState.OFFLINE: _fill(_DIM_RED),
    LedState.MUTED: _fill(_RED),
    LedState.LISTENING: _fill(_BLUE),
    LedState.THINKING: _rotate(_AMBER),
    LedState.SPEAKING: _fill(_CYAN),
    LedState.RINGING: _alternate(_AMBER),
    LedState.FAILED: _alternate(_VIOLET),
}
