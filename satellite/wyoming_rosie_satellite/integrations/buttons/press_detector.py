"""Press detector: key events to actions. Rules without buttons; times are seconds.

A short press of the talk button starts a command or stops what is going on; with push-to-talk the command lasts as long
as the button is held.
"""

from enum import StrEnum

from wyoming_rosie_satellite.integrations.buttons import ButtonKey, KeyEvent
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME, Controls

LONG_PRESS_SECONDS = 1.0
"""A talk button that is held this long mutes."""
DEBOUNCE_SECONDS = 0.15
"""A press this soon after a release is a bounce of the contact."""
STEP_PERCENT = 5
LISTENS = "streaming"
BUSY_PHASES = frozenset({LISTENS, "thinking", "speaking"})


class ButtonAction(StrEnum):
    TALK = "talk"
    HOLD = "hold"  # talk until RELEASE
    RELEASE = "let-go"
    MUTE = "mute"
    LOUDER = "louder"
    SOFTER = "softer"


class PressDetector:
    """Follows key events; call `on_deadline` when `deadline` has passed."""

    def __init__(self, *, push_to_talk: bool = False) -> None:
        self.deadline: float | None = None  # when the talk button that is down becomes a long press
        self._push_to_talk = push_to_talk
        self._is_held = False
        self._talk_after = 0.0

    def process(self, event: KeyEvent, now: float) -> ButtonAction | None:
        """Return the action of a key event, if any."""
        match event:
            case KeyEvent(ButtonKey.TALK, is_down) if self._push_to_talk:
                return self._on_push_to_talk(is_down=is_down)
            case KeyEvent(ButtonKey.TALK, True):
                if self.deadline is None and now >= self._talk_after:
                    self.deadline = now + LONG_PRESS_SECONDS
                return None
            case KeyEvent(ButtonKey.TALK, False):
                return self._on_talk_release(now)
            case KeyEvent(key, True):
                return ButtonAction(key.value)
        return None

    def on_deadline(self, now: float) -> ButtonAction | None:
        """Return the action of a long press, if the deadline has passed."""
        if self.deadline is None or now < self.deadline:
            return None
        self.deadline = None
        return ButtonAction.MUTE

    def _on_push_to_talk(self, *, is_down: bool) -> ButtonAction | None:
        was_held, self._is_held = self._is_held, is_down
        if was_held is is_down:
            return None
        return ButtonAction.HOLD if is_down else ButtonAction.RELEASE

    def _on_talk_release(self, now: float) -> ButtonAction | None:
        if self.deadline is None:
            return None
        is_long = now >= self.deadline
        self.deadline, self._talk_after = None, now + DEBOUNCE_SECONDS
        return ButtonAction.MUTE if is_long else ButtonAction.TALK


def perform_action(action: ButtonAction, controls: Controls) -> None:
    """Perform a button's action; the talk button also stops what is going on."""
    status = controls.status
    match action:
        case ButtonAction.TALK if status.ringing or status.phase in BUSY_PHASES:
            controls.stop()
        case ButtonAction.TALK:
            controls.trigger()
        case ButtonAction.HOLD if status.ringing:
            controls.stop()
        case ButtonAction.HOLD:
            controls.trigger(held=True)
        case ButtonAction.RELEASE:
            if status.phase == LISTENS:
                controls.stop()
        case ButtonAction.MUTE:
            controls.mute(not status.muted)
        case ButtonAction.LOUDER:
            controls.set_volume(min(MAX_VOLUME, status.volume + STEP_PERCENT))
        case ButtonAction.SOFTER:
            controls.set_volume(max(0, status.volume - STEP_PERCENT))
