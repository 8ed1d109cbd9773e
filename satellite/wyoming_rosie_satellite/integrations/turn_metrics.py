"""Turn metrics of a satellite, from its phases."""

from collections.abc import Callable

from wyoming.event import Event

from wyoming_rosie.metrics import ABANDONED, FAILED, TurnMetrics
from wyoming_rosie_satellite.integrations.observers import PHASE, USER_EVENT
from wyoming_rosie_satellite.messages import SatellitePhase

STAGES = {SatellitePhase.STREAMING: "listen", SatellitePhase.THINKING: "answer", SatellitePhase.SPEAKING: "speak"}
ANSWERED = "answered"


class TurnMetricsObserver:
    """Measures how long each stage of a turn takes, and counts the outcomes. `now` is in seconds."""

    def __init__(self, work: TurnMetrics, now: Callable[[], float]) -> None:
        self._metrics = work
        self._now = now
        self._phase = SatellitePhase.OFFLINE
        self._since = 0.0
        self._is_turn = False

    def on_event(self, event: Event) -> None:
        if event.type == USER_EVENT and event.data.get("name") == PHASE:
            self._enter_phase(SatellitePhase(event.data["phase"]), self._now())

    def _enter_phase(self, phase: SatellitePhase, now: float) -> None:
        if self._is_turn:
            self._record_stage(phase, now)
        self._is_turn = phase is SatellitePhase.STREAMING or (self._is_turn and phase in STAGES)
        self._phase, self._since = phase, now

    def _record_stage(self, phase: SatellitePhase, now: float) -> None:
        """Record the stage that is over, and the turn unless it continues in this phase."""
        self._metrics.observe_stage(STAGES[self._phase], 1000 * (now - self._since))
        if phase is SatellitePhase.OFFLINE:
            self._metrics.count_outcome(ABANDONED)
        elif phase in (SatellitePhase.WAITING, SatellitePhase.PAUSED, SatellitePhase.STREAMING):
            self._metrics.count_outcome(ANSWERED if self._phase is SatellitePhase.SPEAKING else FAILED)
