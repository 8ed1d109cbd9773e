"""Decisions: who answers which wake word, and how long a claim to it is one of the same call. Pure; times in seconds of the decider's clock."""

from dataclasses import dataclass, field, replace

from wyoming_rosie.wakeword.arbitration.rules import may_be_same

SUPPRESSION_SECONDS = 2.0
"""Time for which a decision counts, unless the turn of the winner ends before."""
LEAST_SUPPRESSION_SECONDS = 0.5
"""Time for which a decision counts however short the turn was: claims of the same call may still be on their way."""
MAX_DECISIONS = 64


@dataclass(frozen=True)
class _Decision:
    winner: str
    decided_at: float
    until: float


@dataclass
class Decisions:
    """The decisions that count, at most MAX_DECISIONS. The first one to a word holds: none that comes later overrules it."""

    _by_word: dict[str, _Decision] = field(default_factory=dict)

    def add(self, word: str, winner: str, now: float) -> None:
        """Record who answers a word, unless that is decided already."""
        if self.find_winner(word, now) is not None:
            return
        self._by_word.pop(word, None)
        if len(self._by_word) >= MAX_DECISIONS:
            del self._by_word[next(iter(self._by_word))]
        self._by_word[word] = _Decision(winner, now, now + SUPPRESSION_SECONDS)

    def find_winner(self, word: str, now: float) -> str | None:
        """Return who answers a word; None if that is to be decided."""
        known = (one for other, one in self._by_word.items() if may_be_same(word, other) and now < one.until)
        latest = max(known, key=lambda one: one.decided_at, default=None)
        return None if latest is None else latest.winner

    def end_turn(self, winner: str, now: float) -> bool:
        """Let the next call be decided anew, as the turn of a satellite has ended; return whether it had won one."""
        won = {word: one for word, one in self._by_word.items() if one.winner == winner and now < one.until}
        for word, one in won.items():
            until = min(one.until, max(now, one.decided_at + LEAST_SUPPRESSION_SECONDS))
            self._by_word[word] = replace(one, until=until)
        return bool(won)
