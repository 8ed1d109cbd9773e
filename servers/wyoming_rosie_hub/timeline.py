"""Timeline of one turn: a log line for each step with its milliseconds, and the history of the last turns."""

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import structlog

from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie_hub.messages import TraceMark, TraceStep

_LOG = structlog.get_logger()
MAX_TURNS = 200
MAX_STEPS = 64
"""Steps of one turn that are kept."""
MAX_TEXT_CHARACTERS = 2_000


@dataclass(frozen=True)
class TurnStep:
    """A step of a turn, in milliseconds since the turn began and since the end of speech."""

    step: str
    ms: int
    ms_after_speech: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class TurnRecord:
    """One turn as far as it has come; the words only if the history keeps them."""

    turn_id: str
    satellite: str
    started_at: float  # seconds since the epoch
    area: str | None = None
    steps: tuple[TurnStep, ...] = ()
    outcome: str | None = None  # None while it runs
    intents: tuple[str, ...] = ()
    heard: str | None = None
    answer: str | None = None


@dataclass
class TurnHistory:
    """The last turns in memory, newest last; `keeps_text` says whether what was said is kept, too."""

    keeps_text: bool = False
    on_end: Callable[[TurnRecord], None] = lambda _: None
    clock: Callable[[], float] = time.time
    outcomes: Counter[str] = field(default_factory=Counter)
    intents: Counter[str] = field(default_factory=Counter)
    _turns: dict[str, TurnRecord] = field(default_factory=dict)
    _order: deque[str] = field(default_factory=deque)
    _last: dict[str, str] = field(default_factory=dict)  # turn by satellite

    @property
    def turns(self) -> Sequence[TurnRecord]:
        return [self._turns[turn_id] for turn_id in self._order]

    def find(self, turn_id: str) -> TurnRecord | None:
        return self._turns.get(turn_id)

    def last_of(self, satellite: str) -> str | None:
        """Return the id of a satellite's last turn."""
        return self._last.get(satellite)

    def begin(self, turn_id: str, satellite: str, area: str | None = None) -> None:
        """Add a turn; the oldest one is dropped when there are too many."""
        if turn_id in self._turns:
            self._order.remove(turn_id)
        elif len(self._order) >= MAX_TURNS:
            self._forget(self._order.popleft())
        self._turns[turn_id] = TurnRecord(turn_id, satellite, self.clock(), area)
        self._order.append(turn_id)
        self._last[satellite] = turn_id

    def _forget(self, turn_id: str) -> None:
        satellite = self._turns.pop(turn_id).satellite
        if self._last.get(satellite) == turn_id:
            del self._last[satellite]

    def add_step(self, turn_id: str, step: TurnStep) -> None:
        if (known := self._turns.get(turn_id)) and len(known.steps) < MAX_STEPS:
            self._turns[turn_id] = replace(known, steps=(*known.steps, step))

    def end(self, turn_id: str, outcome: str) -> None:
        self.outcomes[outcome] += 1
        if known := self._turns.get(turn_id):
            self._turns[turn_id] = ended = replace(known, outcome=outcome)
            self.on_end(ended)

    def add_intent(self, turn_id: str, intent: str) -> None:
        self.intents[intent] += 1
        if known := self._turns.get(turn_id):
            self._turns[turn_id] = replace(known, intents=(*known.intents, intent))

    def add_text(self, turn_id: str, *, heard: str | None = None, answer: str | None = None) -> None:
        """Keep what was said or answered, if the history keeps words."""
        if self.keeps_text and (known := self._turns.get(turn_id)):
            said, spoken = heard or known.heard, answer or known.answer
            self._turns[turn_id] = replace(known, heard=_shorten(said), answer=_shorten(spoken))


class Timeline:
    """Logs `step`, `ms` since the wake word and `ms_after_speech`, and observes the latter as the stage's metric.

    A turn counts as done, or as failed if a failure came first, although that is spoken and played as well.
    """

    def __init__(
        self,
        turn_id: str,
        started_at: float,
        metrics: TurnMetrics = NULL_TURN_METRICS,
        history: TurnHistory | None = None,
    ) -> None:
        self._turn_id = turn_id
        self._metrics = metrics
        self._history = history or TurnHistory()
        self._has_ended = False
        self._started_at = started_at
        self._speech_ended_at: float | None = None

    def record(self, mark: TraceMark, satellite: str) -> None:
        if mark.step is TraceStep.SPEECH_END:
            self._speech_ended_at = mark.at
        step = self._measure(mark)
        if step.ms_after_speech is not None:
            self._metrics.observe_stage(step.step, 1000 * (mark.at - (self._speech_ended_at or 0.0)))
        self._history.add_step(self._turn_id, step)
        if mark.step in (TraceStep.DONE, TraceStep.FAILED) and not self._has_ended:
            self._has_ended = True
            self._metrics.count_outcome(mark.detail or mark.step.value)
            self._history.end(self._turn_id, mark.detail or mark.step.value)
        fields = {"step": step.step, "ms": step.ms, "satellite": satellite}
        fields |= {} if step.ms_after_speech is None else {"ms_after_speech": step.ms_after_speech}
        fields |= {"detail": step.detail} if step.detail else {}
        _LOG.info("turn", turn_id=self._turn_id, **fields)

    def _measure(self, mark: TraceMark) -> TurnStep:
        after_speech = None if self._speech_ended_at is None else round(1000 * (mark.at - self._speech_ended_at))
        return TurnStep(mark.step.value, round(1000 * (mark.at - self._started_at)), after_speech, mark.detail)


def _shorten(text: str | None) -> str | None:
    return None if text is None else text[:MAX_TEXT_CHARACTERS]
