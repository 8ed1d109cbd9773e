"""Rules of arbitration: who answers of the satellites that hear the same wake word. Times are seconds of the decider's clock.

A claim holds all that its rank depends on, as whole numbers: whoever has the same claims makes the same choice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

WINDOW_SECONDS = 0.09
"""Time from the first claim to the decision: the house decides within 150 ms, and claims need some of it for their way."""
HUB_WINDOW_SECONDS = 0.075
"""The same at the hub, whose verdict needs some time for its way, too."""
MAX_LATENESS_MS = 60
"""A satellite that hears the word so long after another's claim does not compete: its claim might come after the decision."""
FOLLOW_UP_SECONDS = 10.0
"""Time after an answer in which its satellite counts as the one that is spoken with."""
MAX_SNR_TENTHS = 300
"""Loudness beyond 30 dB over the noise says no more about who is nearer."""
USUAL_SNR_TENTHS = MAX_SNR_TENTHS
"""Loudness of a claim that has none: seven satellites in ten that hear a word measure as much."""
USUAL_SCORE_PERMILLE = 900
ANY_WORD = ""
"""Word of a claim whose satellite does not tell which one it heard: the call may be that of any other claim."""
FOLLOW_UP_TENTHS = 120
"""Advantage of the satellite that is spoken with: half the distance and a wall."""
LATENESS_TENTHS_PER_MS = 1
SCORE_TENTHS = 100
"""Weight of a score of 1: 10 dB. Weights are measured by benchmarks/arbitration_choice.py, see decision 50."""


@dataclass(frozen=True)
class Claim:
    """A satellite's claim to a wake word: its score, loudness over the noise in tenths of a dB, and milliseconds behind the first."""

    satellite: str
    word: str
    score_permille: int | None = None  # None where the detector reports no score
    snr_tenths: int | None = None  # None where the loudness was not measured
    lateness_ms: int = 0
    has_follow_up: bool = False  # it speaks, or spoke last and a moment ago
    has_conductor: bool = True  # without one it can only say that nobody is there

    @property
    def points(self) -> int:
        """The claim's strength in tenths of a dB."""
        snr = USUAL_SNR_TENTHS if self.snr_tenths is None else min(self.snr_tenths, MAX_SNR_TENTHS)
        score = USUAL_SCORE_PERMILLE if self.score_permille is None else self.score_permille
        follow_up = FOLLOW_UP_TENTHS if self.has_follow_up else 0
        return snr + score * SCORE_TENTHS // 1000 + follow_up - self.lateness_ms * LATENESS_TENTHS_PER_MS

    @property
    def rank(self) -> tuple[bool, int, str]:
        """The key by which claims are sorted: the lowest answers."""
        return (not self.has_conductor, -self.points, self.satellite)


def choose(claims: Iterable[Claim]) -> Claim:
    """Return the claim of the satellite that answers, whatever their order. Raises ValueError for no claims."""
    return min(claims, key=lambda claim: claim.rank)


def is_better(claim: Claim, other: Claim) -> bool:
    """Return whether the first claim wins against the other."""
    return claim.rank < other.rank


def may_be_same(word: str, other: str) -> bool:
    """Return whether two claims may be to the same word."""
    return word == other or ANY_WORD in (word, other)


def to_permille(score: float | None) -> int | None:
    """Return a score from 0 to 1 as a claim has it."""
    return None if score is None else round(1000 * min(max(score, 0.0), 1.0))


def to_tenths(snr_db: float | None) -> int | None:
    """Return a loudness in dB as a claim has it."""
    return None if snr_db is None else round(10 * min(max(snr_db, 0.0), 100.0))
