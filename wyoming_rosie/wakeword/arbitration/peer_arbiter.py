"""Peer arbiter: decides in each satellite by itself who answers, from the claims that satellites send each other. Pure.

Every satellite chooses by the same rules from the same claims. A claim is sent several times, and is answered by a better one, or
by a receipt of a satellite that has none. Who gets neither is cut off, and waits. Times are seconds of this satellite's clock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from wyoming_rosie.wakeword.arbitration.decisions import Decisions
from wyoming_rosie.wakeword.arbitration.rules import MAX_LATENESS_MS, WINDOW_SECONDS, Claim, is_better

REPEATS_SECONDS = (0.0, 0.02, 0.045, 0.075)
"""When a claim is sent, since it was made."""
ANSWER_REPEATS_SECONDS = (0.0, 0.03, 0.08, 0.2, 0.4)
"""When the winner tells that it answers, since it decided."""
CUT_OFF_SECONDS = 0.5
"""Time after which a satellite answers that gets nothing from any other: a stall of the Wi-Fi is mostly over by then."""
PROMPT_SECONDS = 0.05
"""Time within which a response comes over a network that does not stall; after one that came later, others may have decided already."""
ANSWER_TIMEOUT_SECONDS = 0.7
"""Time after which a satellite that knows of a better claim answers itself, as nobody says that he does."""
MAX_CLAIMS = 64


@dataclass(frozen=True)
class SendClaim:
    """Tell the others of the claim, which was made so long ago."""

    claim: Claim
    elapsed_seconds: float


@dataclass(frozen=True)
class SendReceipt:
    """Tell another satellite that its claim has come through."""

    satellite: str
    word: str


@dataclass(frozen=True)
class SendAnswer:
    """Tell the others that this satellite answers the word."""

    word: str


@dataclass(frozen=True)
class SendTurnEnd:
    """Tell the others that the turn of this satellite is over."""


@dataclass(frozen=True)
class Decided:
    """Whether this satellite answers, or who else does; `others` heard the word, too."""

    word: str
    wins: bool
    winner: str = ""
    others: tuple[str, ...] = ()


PeerEffect: TypeAlias = SendClaim | SendReceipt | SendAnswer | SendTurnEnd | Decided


@dataclass
class _OwnRound:
    """The own claim to a word, until it is decided."""

    claim: Claim
    made_at: float
    deadline: float
    repeats: list[float]  # times at which it is sent again
    neighbours: frozenset[str]  # satellites that may claim the word, too
    is_cut_off: bool  # nothing has come from any of them
    was_stalled: bool = False  # the first response has come late
    better: str | None = None  # the satellite with the best claim, if that is not this one


@dataclass
class PeerArbiter:
    """One satellite's view of the claims. `satellite` is its own id."""

    satellite: str
    _rounds: dict[str, _OwnRound] = field(default_factory=dict)
    _heard: dict[tuple[str, str], tuple[Claim, float]] = field(default_factory=dict)  # by word and satellite: when made
    _decisions: Decisions = field(default_factory=Decisions)
    _answers: list[tuple[float, str]] = field(default_factory=list)  # words, which are still to be sent

    @property
    def deadline(self) -> float | None:
        """When `advance` is due."""
        times = [at for one in self._rounds.values() for at in (one.deadline, *one.repeats)]
        return min([*times, *(at for at, _ in self._answers)], default=None)

    def start(
        self, claim: Claim, now: float, neighbours: Collection[str] = (), reachable: Collection[str] = ()
    ) -> list[PeerEffect]:
        """Claim a word that this satellite hears, and that its neighbours may hear; the reachable ones should respond in any case."""
        self._forget(now)
        if (winner := self._decisions.find_winner(claim.word, now)) is not None:
            return [Decided(claim.word, wins=winner == self.satellite, winner=winner)]
        others = {satellite: made_at for (word, satellite), (_, made_at) in self._heard.items() if word == claim.word}
        first = min(others.values(), default=now)
        claim = replace(claim, lateness_ms=max(0, round(1000 * (now - first))))
        is_late = claim.lateness_ms > MAX_LATENESS_MS
        repeats = [] if is_late else [now + after for after in REPEATS_SECONDS]
        is_cut_off = bool(reachable) and not others
        deadline = now + CUT_OFF_SECONDS if is_cut_off else min(now, first) + WINDOW_SECONDS
        own = self._rounds[claim.word] = _OwnRound(claim, now, deadline, repeats, frozenset(neighbours), is_cut_off)
        for (word, _), (other, _) in self._heard.items():
            if word == claim.word and (is_late or is_better(other, claim)):
                self._yield(own, other)
        self._decide_early(own, now)
        return self.advance(now)

    def note_contact(self, now: float) -> None:
        """Take note that a packet of another satellite has come through, which ends the time of being cut off."""
        for own in self._rounds.values():
            if not own.is_cut_off:
                continue
            own.is_cut_off = False
            own.deadline = own.made_at + WINDOW_SECONDS
            own.was_stalled = now - own.made_at > PROMPT_SECONDS
            if own.was_stalled:
                own.deadline = max(own.deadline, now + PROMPT_SECONDS)
                own.repeats = [now + after for after in REPEATS_SECONDS]

    def hear_claim(self, claim: Claim, elapsed_seconds: float, now: float) -> list[PeerEffect]:
        """Take another satellite's claim, which it made so long ago."""
        self._forget(now)
        key = (claim.word, claim.satellite)
        is_new = key not in self._heard
        if is_new and len(self._heard) < MAX_CLAIMS:
            self._heard[key] = (claim, now - elapsed_seconds)
        own = self._rounds.get(claim.word)
        if own is None:
            is_answered = self._decisions.find_winner(claim.word, now) == self.satellite
            return [SendAnswer(claim.word) if is_answered else SendReceipt(claim.satellite, claim.word)]
        reply = self._reply(own, claim, now) if is_new else []
        if is_better(claim, own.claim):
            self._yield(own, claim)
            return reply
        self._decide_early(own, now)
        return [*reply, *self.advance(now)]

    def hear_answer(self, satellite: str, word: str, now: float) -> list[PeerEffect]:
        """Take another satellite's word that it answers."""
        self._decisions.add(word, satellite, now)
        if self._rounds.pop(word, None) is None:
            return []
        return [Decided(word, wins=False, winner=satellite)]

    def hear_turn_end(self, satellite: str, now: float) -> None:
        """Take another satellite's word that its turn is over."""
        self._decisions.end_turn(satellite, now)

    def end_turn(self, now: float) -> list[PeerEffect]:
        """Let the words that this satellite has won be claimed anew, as its turn is over."""
        if not self._decisions.end_turn(self.satellite, now):
            return []
        self._answers.clear()
        return [SendTurnEnd()]

    def advance(self, now: float) -> list[PeerEffect]:
        """Return what is due."""
        effects: list[PeerEffect] = [SendAnswer(word) for at, word in self._answers if at <= now]
        self._answers = [(at, word) for at, word in self._answers if at > now]
        for own in list(self._rounds.values()):
            if any(at <= now for at in own.repeats):
                own.repeats = [at for at in own.repeats if at > now]
                effects.append(SendClaim(own.claim, now - own.made_at))
            if own.deadline <= now:
                effects += self._answer(own, now)
        return effects

    def _yield(self, own: _OwnRound, other: Claim) -> None:
        """Wait for another satellite's answer."""
        own.better = other.satellite
        own.deadline = own.made_at + ANSWER_TIMEOUT_SECONDS

    def _reply(self, own: _OwnRound, other: Claim, now: float) -> list[PeerEffect]:
        """Return the own claim for a satellite that may not have got it; one that is late is kept back."""
        return [SendClaim(own.claim, now - own.made_at) if own.repeats else SendReceipt(other.satellite, other.word)]

    def _decide_early(self, own: _OwnRound, now: float) -> None:
        """Wait no longer once all neighbours have claimed the word, and none has a better claim."""
        claimed = {satellite for word, satellite in self._heard if word == own.claim.word}
        if own.better is None and not own.was_stalled and own.neighbours and own.neighbours <= claimed:
            own.deadline = now

    def _answer(self, own: _OwnRound, now: float) -> Sequence[PeerEffect]:
        word = own.claim.word
        del self._rounds[word]
        self._decisions.add(word, self.satellite, now)
        self._answers += [(now + after, word) for after in ANSWER_REPEATS_SECONDS[1:]]
        others = tuple(sorted(satellite for heard, satellite in self._heard if heard == word))
        return [SendAnswer(word), Decided(word, wins=True, winner=self.satellite, others=others)]

    def _forget(self, now: float) -> None:
        """Forget the claims to earlier calls."""
        self._heard = {key: one for key, one in self._heard.items() if now - one[1] < ANSWER_TIMEOUT_SECONDS}
