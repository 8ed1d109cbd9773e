"""Wake arbitration: decides which satellite answers, of those that hear the same wake word."""

import asyncio
from typing import Protocol

import structlog
from wyoming.event import Event

from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.wakeword.arbitration.arbiter import Arbiter, Verdict
from wyoming_rosie.wakeword.arbitration.events import create_arbitration_event
from wyoming_rosie.wakeword.arbitration.rules import Claim

_LOG = structlog.get_logger()


class Claimant(Protocol):
    """A satellite that may claim wake words."""

    def send(self, event: Event) -> None:
        """Queue an event for the satellite without waiting."""

    def on_verdict(self, verdict: Verdict) -> None:
        """Take the decision on one of its claims."""


class SatelliteArbitration:
    """The arbiter of all satellites of the hub. With a single one nothing is claimed, and nothing waits."""

    def __init__(self) -> None:
        self._arbiter = Arbiter()
        self._claimants: dict[str, Claimant] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_needed(self) -> bool:
        return self._arbiter.is_needed

    def join(self, name: str, claimant: Claimant) -> str:
        """Add a satellite that is connected; return the id for its claims, which is its name unless two have the same."""
        names = (name if number == 1 else f"{name} ({number})" for number in range(1, len(self._claimants) + 2))
        satellite = next(one for one in names if one not in self._claimants)
        was_needed = self.is_needed
        self._claimants[satellite] = claimant
        self._arbiter.join(satellite)
        if self.is_needed:
            self._announce([claimant] if was_needed else list(self._claimants.values()))
        return satellite

    def leave(self, satellite: str) -> None:
        """Remove a satellite and its claims."""
        was_needed = self.is_needed
        self._claimants.pop(satellite, None)
        self._arbiter.leave(satellite, loop_time())
        self._schedule()
        if was_needed is not self.is_needed:
            self._announce(list(self._claimants.values()))

    def claim(self, claim: Claim, age_seconds: float = 0.0) -> None:
        """Take a claim to a word that ended so long ago; the claimants are told as soon as it is decided."""
        self._tell(self._arbiter.claim(claim, age_seconds, loop_time()))
        self._schedule()

    def end_turn(self, satellite: str) -> None:
        """Let the words that a satellite has won be claimed anew, as its turn is over."""
        self._arbiter.end_turn(satellite, loop_time())

    def _decide(self) -> None:
        self._tell(self._arbiter.decide(loop_time()))
        self._schedule()

    def _tell(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            if verdict.wins and verdict.others:
                _LOG.info("wake word decided", word=verdict.word, answers=verdict.winner, heard_too=verdict.others)
            self._claimants[verdict.satellite].on_verdict(verdict)

    def _announce(self, claimants: list[Claimant]) -> None:
        for claimant in claimants:
            claimant.send(create_arbitration_event(is_active=self.is_needed))

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._arbiter.deadline
        self._timer = None if deadline is None else asyncio.get_running_loop().call_at(deadline, self._decide)
