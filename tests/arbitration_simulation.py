"""Simulation of satellites that decide among themselves: a network with delays, losses and a stall, and no real time."""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from wyoming_rosie.wakeword.arbitration.key_ring import KeyRing
from wyoming_rosie.wakeword.arbitration.packets import SESSION_BYTES, PacketCodec
from wyoming_rosie.wakeword.arbitration.peer_arbiter import Decided
from wyoming_rosie.wakeword.arbitration.peer_node import Outgoing, PeerNode
from wyoming_rosie.wakeword.arbitration.rules import Claim

WORD = "okay_nabu"
FIRST_CALL_AT = 8.0
"""Satellites that start at 0 have found each other by then, unless nearly all packets get lost."""
CALL_SECONDS = 6.0
"""Time from one call to the next."""
TURN_SECONDS = 2.5
STALL_SECONDS = 0.3


@dataclass(frozen=True)
class Network:
    """Mean delay of a packet, and the share that is lost; each packet is sent by multicast, and to each satellite by itself."""

    delay_seconds: float = 0.008
    loss: float = 0.01
    has_unicast: bool = True
    stalled: int | None = None  # number of the satellite whose packets wait until the stall of each call ends
    stall_seconds: float = STALL_SECONDS
    stall_spread: float = 0.0  # seconds before and after the word within which the stall begins
    deaf: int = 0  # satellites that hear neither the first call nor any packet, as they have just been switched off


@dataclass(frozen=True)
class Call:
    """The claims of those that hear a call, with the seconds after it at which each of them does, and at which the network stalls."""

    claims: Sequence[Claim]
    heard_at: Sequence[float]
    stall_at: float = 0.0


@dataclass
class Result:
    """What became of one call: the seconds after which each satellite that answers decided so, and which stay silent."""

    answers: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)


class Simulation:
    """Satellites that find each other and then hear some calls, one after another."""

    def __init__(self, names: Sequence[str], calls: Sequence[Call], network: Network, rng: random.Random) -> None:
        self._network, self._rng, self._calls = network, rng, calls
        self._names = names
        self._nodes = {name: self._create_node(name) for name in (*names, *map(_deaf_name, range(network.deaf)))}
        self._results = [Result() for _ in calls]
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []

    def run(self) -> list[Result]:
        """Return what became of the calls."""
        for name, node in self._nodes.items():
            node.greet(0.0)
            self._carry_out(name, 0.0)
        for number, call in enumerate(self._calls):
            for claim, at in zip(call.claims, call.heard_at, strict=True):
                self._at(_time_of(number) + at, partial(self._claim, claim))
        while self._queue and self._queue[0][0] < _time_of(len(self._calls)):
            now, _, act = heapq.heappop(self._queue)
            act(now)
        return self._results

    def _create_node(self, name: str) -> PeerNode:
        session = name.encode().rjust(SESSION_BYTES)[-SESSION_BYTES:]  # sorted as the names of claims are
        return PeerNode(KeyRing(PacketCodec(b"a key")), name, session, self._rng)

    def _claim(self, claim: Claim, now: float) -> None:
        self._on_decided(claim.satellite, self._nodes[claim.satellite].claim(claim, now), now)

    def _advance(self, name: str, now: float) -> None:
        if now >= self._nodes[name].deadline:
            self._on_decided(name, self._nodes[name].advance(now), now)

    def _receive(self, name: str, data: bytes, sender: str, now: float) -> None:
        self._on_decided(name, self._nodes[name].receive(data, sender, now), now)

    def _end_turn(self, name: str, now: float) -> None:
        self._nodes[name].end_turn(now)
        self._carry_out(name, now)

    def _on_decided(self, name: str, decisions: Sequence[Decided], now: float) -> None:
        for decided in decisions:
            number = max(0, int((now - FIRST_CALL_AT) // CALL_SECONDS))
            if decided.wins:
                self._results[number].answers[name] = now - _time_of(number)
                self._at(now + TURN_SECONDS, partial(self._end_turn, name))
            else:
                self._results[number].silent.add(name)
        self._carry_out(name, now)

    def _carry_out(self, name: str, now: float) -> None:
        node = self._nodes[name]
        outgoing, node.outgoing = node.outgoing, []
        for packet in outgoing:
            self._send(name, packet, now)
        self._at(max(now, node.deadline), partial(self._advance, name))

    def _send(self, sender: str, packet: Outgoing, now: float) -> None:
        others = [name for name in self._nodes if name != sender]
        addresses = packet.addresses if self._network.has_unicast or not packet.is_for_all else ()
        for receiver in [*(others if packet.is_for_all else ()), *addresses]:
            is_off = now > FIRST_CALL_AT and receiver not in self._names
            if not is_off and self._rng.random() >= self._network.loss:
                self._at(
                    self._arrival(sender, str(receiver), now), partial(self._receive, receiver, packet.data, sender)
                )

    def _arrival(self, sender: str, receiver: str, now: float) -> float:
        mean = self._network.delay_seconds
        delay = 0.001 + self._rng.expovariate(1 / mean) if mean else 0.0
        stalled = self._network.stalled
        if stalled is None or self._names[stalled] not in (sender, receiver):
            return now + delay
        for number, call in enumerate(self._calls):
            begins = _time_of(number) + call.stall_at
            if begins <= now < begins + self._network.stall_seconds:
                return begins + self._network.stall_seconds + delay
        return now + delay

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._queue, (when, self._rng.getrandbits(48), act))


def _deaf_name(number: int) -> str:
    return f"deaf {number}"


def _time_of(number: int) -> float:
    return FIRST_CALL_AT + number * CALL_SECONDS


def simulate(
    rng: random.Random,
    satellites: int,
    skew_seconds: float,
    network: Network,
    *,
    is_equal: bool = False,
    calls: int = 1,
) -> list[Result]:
    """Return what becomes of calls that satellites hear within some time each, with claims of any strength or equal ones."""
    names = [f"satellite {number}" for number in range(satellites)]

    def create_call() -> Call:
        strengths = [
            (900, 200) if is_equal else (rng.randrange(800, 1000), rng.randrange(50, 350)) for _ in range(satellites)
        ]
        claims = [Claim(name, WORD, *strength) for name, strength in zip(names, strengths, strict=True)]
        first = rng.randrange(satellites)
        heard_at = [0.0 if number == first else rng.uniform(0, skew_seconds) for number in range(satellites)]
        return Call(claims, heard_at, rng.uniform(-network.stall_spread, network.stall_spread))

    return Simulation(names, [create_call() for _ in range(calls)], network, rng).run()
