"""What presses of buttons mean: rules without buttons. Times are seconds.

A short press of the talk button begins a command or ends what is going on; with push-to-talk the command lasts as long
as the button is held.
"""

from enum import StrEnum

from wyoming_rosie_satellite.integrations.buttons import Key, Move
from wyoming_rosie_satellite.integrations.controls import Controls

LONG_SECONDS = 1.0
"""Who holds the talk button so long means mute."""
AGAIN_SECONDS = 0.15
"""A contact that bounces goes down again sooner than a finger can."""
STEP_PERCENT = 5
LOUDEST = 100
LISTENS = "streaming"
BUSY_PHASES = frozenset({LISTENS, "thinking", "speaking"})


class Action(StrEnum):
    TALK = "talk"
    HOLD = "hold"  # talk until LET_GO
    LET_GO = "let-go"
    MUTE = "mute"
    LOUDER = "louder"
    SOFTER = "softer"


class Presses:
    """Follows the moves of the keys; send `held` when `deadline` has passed."""

    def __init__(self, *, push_to_talk: bool = False) -> None:
        self.deadline: float | None = None  # when the talk button that is down becomes a long press
        self._push_to_talk = push_to_talk
        self._is_held = False
        self._talk_after = 0.0

    def take(self, move: Move, now: float) -> Action | None:
        """Return what the move asks for."""
        match move:
            case Move(Key.TALK, is_down) if self._push_to_talk:
                return self._hold(is_down=is_down)
            case Move(Key.TALK, True):
                if self.deadline is None and now >= self._talk_after:
                    self.deadline = now + LONG_SECONDS
                return None
            case Move(Key.TALK, False):
                return self._let_go(now)
            case Move(key, True):
                return Action(key.value)
        return None

    def held(self, now: float) -> Action | None:
        """Return what it means that the deadline has passed."""
        if self.deadline is None or now < self.deadline:
            return None
        self.deadline = None
        return Action.MUTE

    def _hold(self, *, is_down: bool) -> Action | None:
        was_held, self._is_held = self._is_held, is_down
        if was_held is is_down:
            return None
        return Action.HOLD if is_down else Action.LET_GO

    def _let_go(self, now: float) -> Action | None:
        if self.deadline is None:
            return None
        is_long = now >= self.deadline
        self.deadline, self._talk_after = None, now + AGAIN_SECONDS
        return Action.MUTE if is_long else Action.TALK


def act(action: Action, controls: Controls) -> None:
    """Have the satellite do what a button asks for; the talk button also ends whatever is going on."""
    shown = controls.shown
    match action:
        case Action.TALK if shown.ringing or shown.phase in BUSY_PHASES:
            controls.stop()
        case Action.TALK:
            controls.trigger()
        case Action.HOLD if shown.ringing:
            controls.stop()
        case Action.HOLD:
            controls.trigger(held=True)
        case Action.LET_GO:
            if shown.phase == LISTENS:
                controls.stop()
        case Action.MUTE:
            controls.mute(not shown.muted)
        case Action.LOUDER:
            controls.set_volume(min(LOUDEST, shown.volume + STEP_PERCENT))
        case Action.SOFTER:
            controls.set_volume(max(0, shown.volume - STEP_PERCENT))
