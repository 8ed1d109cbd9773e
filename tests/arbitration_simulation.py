"""Simulation of satellites that decide among themselves: a network with delays, losses and a stall, and no real time."""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from wyoming_rosie.wakeword.arbitration.peer_arbiter import (
    Decided,
    PeerArbiter,
    PeerEffect,
    SendAnswer,
    SendClaim,
    SendReceipt,
)
from wyoming_rosie.wakeword.arbitration.rules import Claim

WORD = "okay_nabu"
LONGEST_SECONDS = 4.0
STALL_SECONDS = 0.3


@dataclass(frozen=True)
class Network:
    """Mean delay of a packet, and the share that is lost; each packet is sent by multicast, and to each satellite by itself."""

    delay_seconds: float = 0.008
    loss: float = 0.01
    copies: int = 2
    stalled: int | None = None  # number of the satellite whose packets wait until the stall ends
    stall_seconds: float = STALL_SECONDS
    stall_spread: float = 0.0  # seconds before and after the word within which the stall begins
    deaf: int = 0  # satellites that hear neither the word nor any packet, as they have just been switched off


@dataclass
class Round:
    """What became of one call: when each satellite that answers decided so, and which has which claim."""

    answers: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)


@dataclass
class Simulation:
    """One call that several satellites hear."""

    claims: list[Claim]
    heard_at: list[float]
    network: Network
    rng: random.Random
    stall_at: float = 0.0
    result: Round = field(default_factory=Round)
    _queue: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)

    def run(self) -> Round:
        """Return what became of the call."""
        arbiters = {claim.satellite: PeerArbiter(claim.satellite) for claim in self.claims}
        for claim, at in zip(self.claims, self.heard_at, strict=True):
            self._at(at, partial(self._start, arbiters, claim))
        while self._queue and self._queue[0][0] <= LONGEST_SECONDS:
            now, _, act = heapq.heappop(self._queue)
            act(now)
        return self.result

    def _start(self, arbiters: dict[str, PeerArbiter], claim: Claim, now: float) -> None:
        others = arbiters.keys() - {claim.satellite} | {f"deaf {number}" for number in range(self.network.deaf)}
        self._apply(arbiters, claim.satellite, arbiters[claim.satellite].start(claim, now, others), now)

    def _advance(self, arbiters: dict[str, PeerArbiter], satellite: str, now: float) -> None:
        self._apply(arbiters, satellite, arbiters[satellite].advance(now), now)

    def _apply(
        self, arbiters: dict[str, PeerArbiter], satellite: str, effects: Iterable[PeerEffect], now: float
    ) -> None:
        for effect in effects:
            match effect:
                case Decided(_, True):
                    self.result.answers[satellite] = now
                case Decided():
                    self.result.silent.add(satellite)
                case _:
                    self._send(arbiters, satellite, effect, now)
        if (deadline := arbiters[satellite].deadline) is not None:
            self._at(max(now, deadline), partial(self._advance, arbiters, satellite))

    def _send(self, arbiters: dict[str, PeerArbiter], sender: str, packet: PeerEffect, now: float) -> None:
        receivers = {packet.satellite} if isinstance(packet, SendReceipt) else arbiters.keys() - {sender}
        for receiver in sorted(receivers):
            for _ in range(1 if isinstance(packet, SendReceipt) else self.network.copies):
                if self.rng.random() >= self.network.loss:
                    at = self._arrival(sender, receiver, now)
                    self._at(at, partial(self._receive, arbiters, sender, receiver, packet))

    def _receive(
        self, arbiters: dict[str, PeerArbiter], sender: str, receiver: str, packet: PeerEffect, now: float
    ) -> None:
        arbiters[receiver].note_contact(now)
        match packet:
            case SendClaim(claim, elapsed_seconds):
                self._apply(arbiters, receiver, arbiters[receiver].hear_claim(claim, elapsed_seconds, now), now)
            case SendAnswer(word):
                self._apply(arbiters, receiver, arbiters[receiver].hear_answer(sender, word, now), now)

    def _arrival(self, sender: str, receiver: str, now: float) -> float:
        delay = 0.001 + self.rng.expovariate(1 / self.network.delay_seconds) if self.network.delay_seconds else 0.0
        stalled = self.network.stalled
        is_stalled = stalled is not None and self.claims[stalled].satellite in (sender, receiver)
        stall_ends = self.stall_at + self.network.stall_seconds
        return (stall_ends if is_stalled and self.stall_at <= now < stall_ends else now) + delay

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (when, self.rng.getrandbits(48), act))


def simulate(
    rng: random.Random, satellites: int, skew_seconds: float, network: Network, *, is_equal: bool = False
) -> Round:
    """Return what becomes of a call that satellites hear within some time, with claims of any strength or equal ones."""
    claims = [
        Claim(
            f"satellite {number}",
            WORD,
            *((900, 200) if is_equal else (rng.randrange(800, 1000), rng.randrange(50, 350))),
        )
        for number in range(satellites)
    ]
    first = rng.randrange(satellites)
    heard_at = [0.0 if number == first else rng.uniform(0, skew_seconds) for number in range(satellites)]
    stall_at = rng.uniform(-network.stall_spread, network.stall_spread)
    return Simulation(claims, heard_at, network, rng, stall_at).run()
