"""Arbiter: decides who answers where all claims come to one place, as they do to the hub. Pure; times in seconds of its clock."""

from dataclasses import dataclass, field, replace

from wyoming_rosie.wakeword.arbitration.decisions import Decisions
from wyoming_rosie.wakeword.arbitration.rules import ANY_WORD, HUB_WINDOW_SECONDS, Claim, choose, may_be_same

MAX_WORDS = 64
"""Words that are decided at the same time; claims to more of them are won at once."""
MAX_AGE_SECONDS = 1.0


@dataclass(frozen=True)
class Verdict:
    """What a satellite is told: whether it answers, else who does. The winner learns who heard the word, too."""

    satellite: str
    word: str
    winner: str
    others: tuple[str, ...] = ()

    @property
    def wins(self) -> bool:
        return self.satellite == self.winner


@dataclass
class _Round:
    """The claims to one word, with the time at which each satellite heard its end."""

    deadline: float
    claims: dict[str, tuple[Claim, float]] = field(default_factory=dict)

    def choose(self) -> Claim:
        first = min(heard_at for _, heard_at in self.claims.values())
        return choose(
            replace(claim, lateness_ms=round(1000 * (heard_at - first))) for claim, heard_at in self.claims.values()
        )


@dataclass
class Arbiter:
    """Collects claims for a window. Lateness is measured here, by the arrival of the claims."""

    members: set[str] = field(default_factory=set)  # satellites that could hear a word
    _rounds: dict[str, _Round] = field(default_factory=dict)
    _decisions: Decisions = field(default_factory=Decisions)

    @property
    def deadline(self) -> float | None:
        """When `decide` is due."""
        return min((one.deadline for one in self._rounds.values()), default=None)

    @property
    def is_needed(self) -> bool:
        """Whether there is more than one satellite."""
        return len(self.members) > 1

    def join(self, satellite: str) -> None:
        self.members.add(satellite)

    def leave(self, satellite: str, now: float) -> None:
        """Forget a satellite that is gone, and its claims; its turn is over."""
        self.members.discard(satellite)
        self.end_turn(satellite, now)
        for word, one in list(self._rounds.items()):
            one.claims.pop(satellite, None)
            if not one.claims:
                del self._rounds[word]

    def claim(self, claim: Claim, age_seconds: float, now: float) -> list[Verdict]:
        """Take a claim to a word that ended so long ago at its satellite; return what can be told at once."""
        if (winner := self._decisions.find_winner(claim.word, now)) is not None:
            return [Verdict(claim.satellite, claim.word, winner)]
        word = self._find_round(claim.word)
        if word not in self._rounds and len(self._rounds) >= MAX_WORDS:
            return [Verdict(claim.satellite, claim.word, claim.satellite)]
        one = self._rounds.setdefault(word, _Round(now + HUB_WINDOW_SECONDS))
        one.claims.setdefault(claim.satellite, (claim, now - min(max(age_seconds, 0.0), MAX_AGE_SECONDS)))
        return self._decide(word, now) if self.members <= one.claims.keys() else []

    def decide(self, now: float) -> list[Verdict]:
        """Return the verdicts of the rounds whose window is over."""
        over = [word for word, one in self._rounds.items() if now >= one.deadline]
        return [verdict for word in over for verdict in self._decide(word, now)]

    def end_turn(self, satellite: str, now: float) -> None:
        """Let the words that a satellite has won be claimed anew, as its turn is over."""
        self._decisions.end_turn(satellite, now)

    def _find_round(self, word: str) -> str:
        """Return the word of the round that a claim belongs to; one whose word was not known gets it from the claim."""
        if word != ANY_WORD and ANY_WORD in self._rounds and word not in self._rounds:
            self._rounds[word] = self._rounds.pop(ANY_WORD)
        return next((other for other in reversed(self._rounds) if may_be_same(word, other)), word)

    def _decide(self, word: str, now: float) -> list[Verdict]:
        one = self._rounds.pop(word)
        winner = one.choose().satellite
        others = tuple(sorted(one.claims.keys() - {winner}))
        self._decisions.add(word, winner, now)
        words = {satellite: claim.word for satellite, (claim, _) in one.claims.items()}
        losers = [Verdict(satellite, words[satellite], winner) for satellite in others]
        return [Verdict(winner, words[winner], winner, others), *losers]
