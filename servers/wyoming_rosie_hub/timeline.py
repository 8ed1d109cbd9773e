"""Timeline of one turn: a log line for each step, with its milliseconds."""

import structlog

from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie_hub.messages import TraceMark, TraceStep

_LOG = structlog.get_logger()


class Timeline:
    """Logs `step`, `ms` since the wake word and `ms_after_speech`, and observes the latter as the stage's metric.

    A turn counts as done, or as failed if a failure came first, although that is spoken and played as well.
    """

    def __init__(self, turn_id: str, started_at: float, metrics: TurnMetrics = NULL_TURN_METRICS) -> None:
        self._turn_id = turn_id
        self._metrics = metrics
        self._has_ended = False
        self._started_at = started_at
        self._speech_ended_at: float | None = None

    def record(self, mark: TraceMark, satellite: str) -> None:
        if mark.step is TraceStep.SPEECH_END:
            self._speech_ended_at = mark.at
        fields = {"step": mark.step.value, "ms": round(1000 * (mark.at - self._started_at)), "satellite": satellite}
        if self._speech_ended_at is not None:
            fields["ms_after_speech"] = round(1000 * (mark.at - self._speech_ended_at))
            self._metrics.observe_stage(mark.step.value, 1000 * (mark.at - self._speech_ended_at))
        if mark.step in (TraceStep.DONE, TraceStep.FAILED) and not self._has_ended:
            self._has_ended = True
            self._metrics.count_outcome(mark.detail or mark.step.value)
        if mark.detail:
            fields["detail"] = mark.detail
        _LOG.info("turn", turn_id=self._turn_id, **fields)
