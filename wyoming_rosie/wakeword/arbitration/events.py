"""Events of the arbitration between a satellite and its conductor: claims, verdicts, and whether the conductor arbitrates."""

from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.wakeword.arbitration.rules import Claim, to_permille, to_tenths
from wyoming_rosie.wakeword.detection import normalize_name

USER_EVENT = "user-event"
ARBITRATION = "wake-arbitration"
"""Name of the user-event with which a conductor says whether it wants claims."""
CLAIM = "wake-claim"
VERDICT = "wake-verdict"
LOST_CODE = "duplicate_wake_up_detected"
"""Code of the error that ends the run of a satellite that had started before the decision: Home Assistant's."""
MAX_NAME_CHARACTERS = 128
MAX_AGE_MS = 10_000


@dataclass(frozen=True)
class WakeClaim:
    """A satellite's claim to a wake word as it comes to the conductor; the word ended `age_ms` before."""

    turn_id: str
    word: str
    age_ms: int = 0
    score: float | None = None
    snr_db: float | None = None
    has_follow_up: bool = False

    def as_claim(self, satellite: str) -> Claim:
        """Return the claim for the rules."""
        word, score, snr = normalize_name(self.word), to_permille(self.score), to_tenths(self.snr_db)
        return Claim(satellite, word, score, snr, has_follow_up=self.has_follow_up)


@dataclass(frozen=True)
class WakeVerdict:
    """A conductor's decision on a claim; the winner is the name of a satellite."""

    turn_id: str
    wins: bool
    winner: str = ""


def create_arbitration_event(*, is_active: bool) -> Event:
    """Return the event that tells a satellite to claim wake words, or not to."""
    return Event(USER_EVENT, {"name": ARBITRATION, "active": is_active})


def create_claim_event(claim: WakeClaim) -> Event:
    """Return a claim as an event."""
    known = {"score": claim.score, "snr_db": claim.snr_db}
    fields = {"turn_id": claim.turn_id, "word": claim.word, "age_ms": claim.age_ms, "follow_up": claim.has_follow_up}
    return Event(USER_EVENT, {"name": CLAIM, **fields, **{key: one for key, one in known.items() if one is not None}})


def create_verdict_event(verdict: WakeVerdict) -> Event:
    """Return a verdict as an event."""
    fields = {"turn_id": verdict.turn_id, "wins": verdict.wins, "winner": verdict.winner}
    return Event(USER_EVENT, {"name": VERDICT, **fields})


def parse_arbitration(event: Event) -> bool | None:
    """Return whether a conductor wants claims; None for other events."""
    active = event.data.get("active")
    return active if _is_named(event, ARBITRATION) and isinstance(active, bool) else None


def parse_claim(event: Event) -> WakeClaim | None:
    """Return a claim; None for other events. Raises BadEventError."""
    if not _is_named(event, CLAIM):
        return None
    fields = Fields(event.data, lambda reason: BadEventError(f"a {CLAIM} is wrong: {reason}", "bad-claim"))
    return WakeClaim(
        turn_id=fields.text("turn_id", 1, MAX_NAME_CHARACTERS),
        word=fields.text("word", 1, MAX_NAME_CHARACTERS),
        age_ms=fields.integer("age_ms", 0, MAX_AGE_MS),
        score=fields.optional_number("score", 0, 1),
        snr_db=fields.optional_number("snr_db", 0, 200),
        has_follow_up=fields.boolean("follow_up"),
    )


def parse_verdict(event: Event) -> WakeVerdict | None:
    """Return a verdict; None for other events. Raises BadEventError."""
    if not _is_named(event, VERDICT):
        return None
    fields = Fields(event.data, lambda reason: BadEventError(f"a {VERDICT} is wrong: {reason}", "bad-verdict"))
    turn_id, winner = (fields.text(key, 0, MAX_NAME_CHARACTERS) for key in ("turn_id", "winner"))
    return WakeVerdict(turn_id, fields.boolean("wins"), winner)


def _is_named(event: Event, name: str) -> bool:
    return event.type == USER_EVENT and event.data.get("name") == name
