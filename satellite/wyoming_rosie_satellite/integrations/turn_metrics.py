"""A satellite's turns for monitors, from the phases that it shows."""

from collections.abc import Callable

from wyoming.event import Event

from wyoming_rosie.metrics import ABANDONED, FAILED, TurnMetrics
from wyoming_rosie_satellite.integrations.observers import PHASE, USER_EVENT
from wyoming_rosie_satellite.messages import Phase

STAGES = {Phase.STREAMING: "listen", Phase.THINKING: "answer", Phase.SPEAKING: "speak"}
ANSWERED = "answered"


class TurnWatcher:
    """Notes how long a person speaks, waits and hears the answer, and how that ends. `now` is in seconds."""

    def __init__(self, work: TurnMetrics, now: Callable[[], float]) -> None:
        self._work = work
        self._now = now
        self._phase = Phase.OFFLINE
        self._since = 0.0
        self._is_turn = False

    def saw(self, event: Event) -> None:
        if event.type == USER_EVENT and event.data.get("name") == PHASE:
            self._enter(Phase(event.data["phase"]), self._now())

    def _enter(self, phase: Phase, now: float) -> None:
        if self._is_turn:
            self._note(phase, now)
        self._is_turn = phase is Phase.STREAMING or (self._is_turn and phase in STAGES)
        self._phase, self._since = phase, now

    def _note(self, phase: Phase, now: float) -> None:
        """Note the stage that is over, and the turn unless it goes on in this phase."""
        self._work.observe_stage(STAGES[self._phase], 1000 * (now - self._since))
        if phase is Phase.OFFLINE:
            self._work.count_outcome(ABANDONED)
        elif phase in (Phase.WAITING, Phase.PAUSED, Phase.STREAMING):
            self._work.count_outcome(ANSWERED if self._phase is Phase.SPEAKING else FAILED)
