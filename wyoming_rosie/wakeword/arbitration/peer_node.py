"""Peer node: one satellite among others of its house, from packets to packets and decisions. Pure; times in seconds of its clock."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from wyoming_rosie.wakeword.arbitration.key_ring import KeyRing
from wyoming_rosie.wakeword.arbitration.neighbours import Neighbours
from wyoming_rosie.wakeword.arbitration.packets import (
    BadPacketError,
    Content,
    Packet,
    PacketCodec,
    PeerAnswer,
    PeerClaim,
    PeerPresence,
    PeerReceipt,
    PeerTurnEnd,
)
from wyoming_rosie.wakeword.arbitration.peer_arbiter import (
    Decided,
    PeerArbiter,
    PeerEffect,
    SendAnswer,
    SendClaim,
    SendReceipt,
    SendTurnEnd,
)
from wyoming_rosie.wakeword.arbitration.rules import Claim


@dataclass(frozen=True)
class Outgoing:
    """A packet for everybody, and once more for each neighbour: unlike multicast, Wi-Fi repeats what gets lost on the way to one."""

    data: bytes
    addresses: Sequence[Hashable] = ()
    is_for_all: bool = True  # else for the addresses alone


@dataclass
class PeerNode:
    """Sends by `outgoing`, which the owner empties. `session` is random, of SESSION_BYTES."""

    keys: KeyRing
    name: str
    session: bytes
    random: Random = field(default_factory=Random)
    on_found: Callable[[str], None] = lambda _: None  # another satellite, by its name
    outgoing: list[Outgoing] = field(default_factory=list)
    refused: int = 0  # packets that were not of this house, or no packets
    _counter: int = 0

    def __post_init__(self) -> None:
        self._neighbours = Neighbours(self.session, self.random, self.on_found)
        self._arbiter = PeerArbiter(self.session.hex())

    @property
    def deadline(self) -> float:
        """When `advance` is due."""
        due = self._arbiter.deadline
        return self._neighbours.presence_at if due is None else min(due, self._neighbours.presence_at)

    def is_alone(self, now: float) -> bool:
        """Return whether no other satellite was heard within a day."""
        return self._neighbours.is_alone(now)

    def change_key(self, codec: PacketCodec, now: float) -> None:
        """Sign with another key from now on, and look for satellites that have it."""
        self.keys.change(codec, now)
        self._neighbours.greet(now)

    def greet(self, now: float) -> None:
        """Look for other satellites on a network that is new."""
        self._neighbours.greet(now)

    def claim(self, claim: Claim, now: float) -> list[Decided]:
        """Claim a wake word that ended just now."""
        own = replace(claim, satellite=self.session.hex())
        effects = self._arbiter.start(own, now, self._neighbours.known(), self._neighbours.reachable(now))
        if any(isinstance(effect, SendClaim) for effect in effects):
            self._neighbours.note_request(now)
        return self._apply(effects)

    def end_turn(self, now: float) -> None:
        """Let the words that this satellite has won be claimed anew, as its turn is over."""
        self._apply(self._arbiter.end_turn(now))

    def receive(self, data: bytes, address: Hashable, now: float) -> list[Decided]:
        """Take a packet of anybody."""
        try:
            packet = self.keys.decode(data, now)
        except BadPacketError:
            self.refused += 1
            return []
        if not self._neighbours.accept(packet, address, now):
            return []
        self._arbiter.note_contact(now)
        match packet.content:
            case PeerPresence() | PeerReceipt():
                return []
            case PeerClaim(claim, elapsed_ms):
                return self._apply(self._arbiter.hear_claim(claim, elapsed_ms / 1000, now))
            case PeerAnswer(word):
                return self._apply(self._arbiter.hear_answer(packet.session.hex(), word, now))
            case PeerTurnEnd():
                self._arbiter.hear_turn_end(packet.session.hex(), now)
                return []

    def advance(self, now: float) -> list[Decided]:
        """Send and decide what is due."""
        if now >= self._neighbours.presence_at:
            self._send(self._neighbours.create_presence(self.name, now), self._neighbours.all_addresses())
        return self._apply(self._arbiter.advance(now))

    def _apply(self, effects: Iterable[PeerEffect]) -> list[Decided]:
        decided = []
        for effect in effects:
            match effect:
                case SendClaim(claim, elapsed_seconds):
                    self._send(PeerClaim(claim, round(1000 * elapsed_seconds)), self._neighbours.addresses())
                case SendReceipt(satellite, word):
                    self._send(PeerReceipt(word), [self._neighbours.address_of(satellite)], is_for_all=False)
                case SendAnswer(word):
                    self._send(PeerAnswer(word), self._neighbours.addresses())
                case SendTurnEnd():
                    self._send(PeerTurnEnd(), self._neighbours.addresses())
                case Decided():
                    decided.append(self._with_names(effect))
        return decided

    def _with_names(self, decided: Decided) -> Decided:
        winner = self.name if decided.wins else self._neighbours.name_of(decided.winner)
        return replace(decided, winner=winner, others=tuple(sorted(map(self._neighbours.name_of, decided.others))))

    def _send(self, content: Content, addresses: Sequence[Hashable], *, is_for_all: bool = True) -> None:
        packet = Packet(self.session, self._counter, content)
        self._counter += 1
        self.outgoing.append(Outgoing(self.keys.encode(packet), addresses, is_for_all))
