"""Wake claims of one satellite: those it sends, and those that the hub makes for a run or a detection of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from wyoming.event import Event

from wyoming_rosie.wakeword.arbitration.arbiter import Verdict
from wyoming_rosie.wakeword.arbitration.events import WakeClaim, WakeVerdict, create_verdict_event
from wyoming_rosie.wakeword.arbitration.rules import ANY_WORD
from wyoming_rosie.wakeword.detection import normalize_name
from wyoming_rosie_hub import messages as m
from wyoming_rosie_hub.satellites.arbitration import SatelliteArbitration

MAX_PENDING = 8
"""Claims of one satellite that are undecided, or won and not used yet; the oldest is dropped."""


@dataclass(frozen=True)
class _Pending:
    """A claim: the turn that the satellite announced, its run if that has started, and the detection that the hub made."""

    turn_id: str = ""
    is_running: bool = False
    detection: m.WakeWordDetected | None = None


class WakeClaims:
    """Claims wake words for one satellite. `process` takes inputs of its turn."""

    def __init__(
        self,
        arbitration: SatelliteArbitration,
        name: str,
        send: Callable[[Event], None],
        process: Callable[[m.Input], None],
        *,
        tells_words: bool = True,
    ) -> None:
        self.send = send
        self._arbitration = arbitration
        self._name = name
        self._process = process
        self._tells_words = tells_words  # otherwise any run may be one after a wake word
        self._satellite: str | None = None  # while joined
        self._pending: dict[str, _Pending] = {}  # by word
        self._won_turns: dict[str, tuple[str, ...]] = {}  # who heard the word too, by turn

    def join(self) -> None:
        """Take part from now on; the satellite hears wake words, or sends audio in which they are detected."""
        if self._satellite is None:
            self._satellite = self._arbitration.join(self._name, self)

    def leave(self) -> None:
        """Take part no more; undecided claims are dropped."""
        if self._satellite is not None:
            self._arbitration.leave(self._satellite)
        self._satellite = None
        self._pending.clear()
        self._won_turns.clear()

    def claim(self, claim: WakeClaim) -> None:
        """Take a claim of the satellite, which waits for the verdict."""
        self._claim(claim, _Pending(claim.turn_id))

    def claim_run(self, run: m.RunRequested, score: float | None) -> None:
        """Claim the word of a run that has started: of another make, or of a satellite that got no verdict in time."""
        word = run.wake_word if run.wake_word or self._tells_words else ANY_WORD
        if run.needs_wake or word is None or self._satellite is None:
            return
        if (others := self._won_turns.pop(run.turn_id, None)) is not None:
            self._report_others(others)
        elif self._arbitration.is_needed:
            self._claim(WakeClaim(run.turn_id, word, score=score), _Pending(is_running=True))

    def claim_detection(self, detection: m.WakeWordDetected, score: float | None) -> None:
        """Claim a word that the wake daemon detected in the satellite's audio."""
        if self._satellite is None or not self._arbitration.is_needed:
            self._process(detection)
            return
        self._claim(WakeClaim("", detection.name, score=score), _Pending(detection=detection))

    def end_turn(self) -> None:
        """Let the words that this satellite has won be claimed anew, as its turn is over."""
        if self._satellite is not None:
            self._arbitration.end_turn(self._satellite)

    def on_verdict(self, verdict: Verdict) -> None:
        pending = self._pending.pop(verdict.word, _Pending())
        if pending.turn_id:
            self.send(create_verdict_event(WakeVerdict(pending.turn_id, verdict.wins, verdict.winner)))
        if not verdict.wins:
            if pending.is_running:
                self._process(m.AnsweredElsewhere(verdict.winner))
            return
        if pending.detection is not None:
            self._process(pending.detection)
        if pending.is_running or pending.detection is not None:
            self._report_others(verdict.others)
        else:
            self._won_turns[pending.turn_id] = verdict.others
            _drop_oldest(self._won_turns)

    def _claim(self, claim: WakeClaim, pending: _Pending) -> None:
        if self._satellite is None:
            return
        word = normalize_name(claim.word)
        known = self._pending.get(word)
        self._pending[word] = pending if known is None else replace(known, is_running=pending.is_running)
        _drop_oldest(self._pending)
        self._arbitration.claim(claim.as_claim(self._satellite), claim.age_ms / 1000)

    def _report_others(self, others: tuple[str, ...]) -> None:
        if others:
            self._process(m.OthersHeard(others))


def _drop_oldest(entries: "dict[str, _Pending] | dict[str, tuple[str, ...]]") -> None:
    if len(entries) > MAX_PENDING:
        entries.pop(next(iter(entries)))
