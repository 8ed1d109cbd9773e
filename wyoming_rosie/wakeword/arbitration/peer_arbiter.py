"""Peer arbiter: decides in each satellite by itself who answers, from the claims that satellites send each other. Pure.

Every satellite chooses by the same rules from the same claims. A claim is sent several times, and is answered by a better one, so
that one packet that comes through is enough. Times are seconds of this satellite's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from wyoming_rosie.wakeword.arbitration.rules import (
    MAX_LATENESS_MS,
    SUPPRESSION_SECONDS,
    WINDOW_SECONDS,
    Claim,
    is_better,
)

REPEATS_SECONDS = (0.0, 0.02, 0.045, 0.075)
"""When a claim is sent, since it was made."""
ANSWER_REPEATS_SECONDS = (0.0, 0.03, 0.08, 0.2, 0.4)
"""When the winner tells that it answers, since it decided."""
ANSWER_TIMEOUT_SECONDS = 0.7
"""Time after which a satellite that knows of a better claim answers itself, as nobody says that he does."""
MAX_CLAIMS = 64


@dataclass(frozen=True)
class SendClaim:
    """Tell the others of the claim, which was made so long ago."""

    claim: Claim
    elapsed_seconds: float


@dataclass(frozen=True)
class SendAnswer:
    """Tell the others that this satellite answers the word."""

    claim: Claim


@dataclass(frozen=True)
class Decided:
    """Whether this satellite answers, or who else does; `others` heard the word, too."""

    word: str
    wins: bool
    winner: str = ""
    others: tuple[str, ...] = ()


PeerEffect: TypeAlias = SendClaim | SendAnswer | Decided


@dataclass
class _OwnRound:
    """The own claim to a word, until it is decided."""

    claim: Claim
    made_at: float
    deadline: float
    repeats: list[float]  # times at which it is sent again
    better: str | None = None  # the satellite with the best claim, if that is not this one


@dataclass
class PeerArbiter:
    """One satellite's view of the claims. `satellite` is its own id."""

    satellite: str
    _rounds: dict[str, _OwnRound] = field(default_factory=dict)
    _heard: dict[tuple[str, str], tuple[Claim, float]] = field(default_factory=dict)  # by word and satellite: when made
    _answered: dict[str, tuple[str, float]] = field(default_factory=dict)  # by word: by whom, when
    _answers: list[tuple[float, Claim]] = field(default_factory=list)  # that are still to be sent

    @property
    def deadline(self) -> float | None:
        """When `advance` is due."""
        times = [at for one in self._rounds.values() for at in (one.deadline, *one.repeats)]
        return min([*times, *(at for at, _ in self._answers)], default=None)

    def start(self, claim: Claim, now: float) -> list[PeerEffect]:
        """Claim a word that this satellite hears; without others it is decided within the window."""
        self._forget(now)
        if answered := self._answered.get(claim.word):
            return [Decided(claim.word, wins=answered[0] == self.satellite, winner=answered[0])]
        others = {satellite: made_at for (word, satellite), (_, made_at) in self._heard.items() if word == claim.word}
        first = min(others.values(), default=now)
        claim = replace(claim, lateness_ms=max(0, round(1000 * (now - first))))
        is_late = claim.lateness_ms > MAX_LATENESS_MS
        repeats = [] if is_late else [now + after for after in REPEATS_SECONDS]
        own = self._rounds[claim.word] = _OwnRound(claim, now, min(now, first) + WINDOW_SECONDS, repeats)
        for (word, _), (other, _) in self._heard.items():
            if word == claim.word and (is_late or is_better(other, claim)):
                self._yield(own, other)
        return self.advance(now)

    def hear_claim(self, claim: Claim, elapsed_seconds: float, now: float) -> list[PeerEffect]:
        """Take another satellite's claim, which it made so long ago."""
        self._forget(now)
        key = (claim.word, claim.satellite)
        is_new = key not in self._heard
        if is_new and len(self._heard) < MAX_CLAIMS:
            self._heard[key] = (claim, now - elapsed_seconds)
        own = self._rounds.get(claim.word)
        if own is None:
            return []
        if is_better(claim, own.claim):
            self._yield(own, claim)
            return []
        return [SendClaim(own.claim, now - own.made_at)] if is_new and own.repeats else []

    def hear_answer(self, satellite: str, word: str, now: float) -> list[PeerEffect]:
        """Take another satellite's word that it answers."""
        self._forget(now)
        self._answered.setdefault(word, (satellite, now))
        if self._rounds.pop(word, None) is None:
            return []
        return [Decided(word, wins=False, winner=satellite)]

    def advance(self, now: float) -> list[PeerEffect]:
        """Return what is due."""
        effects: list[PeerEffect] = [SendAnswer(claim) for at, claim in self._answers if at <= now]
        self._answers = [(at, claim) for at, claim in self._answers if at > now]
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

    def _answer(self, own: _OwnRound, now: float) -> Sequence[PeerEffect]:
        word = own.claim.word
        del self._rounds[word]
        self._answered[word] = (self.satellite, now)
        self._answers += [(now + after, own.claim) for after in ANSWER_REPEATS_SECONDS[1:]]
        others = tuple(sorted(satellite for heard, satellite in self._heard if heard == word))
        return [SendAnswer(own.claim), Decided(word, wins=True, winner=self.satellite, others=others)]

    def _forget(self, now: float) -> None:
        self._heard = {key: one for key, one in self._heard.items() if now - one[1] < SUPPRESSION_SECONDS}
        self._answered = {word: one for word, one in self._answered.items() if now - one[1] < SUPPRESSION_SECONDS}
