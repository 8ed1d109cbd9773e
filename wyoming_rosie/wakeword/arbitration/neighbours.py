"""Neighbours: the other satellites of a house, and which of their packets are new. Pure; times in seconds of the own clock.

Each satellite has a new random session at each start. Whoever names the own session in a signed packet has sent it since this start,
so that no recording of earlier packets counts, and no clock is needed. Within a session packets are numbered.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from random import Random

from wyoming_rosie.wakeword.arbitration.packets import MAX_NEIGHBOURS, Packet, PeerPresence

REPLAY_WINDOW = 64
"""Packets may overtake so many others on their way."""
REMEMBERED_SECONDS = 24 * 3600.0
"""A satellite that was heard within a day may hear the next word."""
PRESENCE_SECONDS = 60.0
EXPECTED_SECONDS = 2.5 * PRESENCE_SECONDS
"""A satellite that was heard so long ago should respond to a claim: two of its presences in a row get rarely lost."""
LEAST_SECONDS = 0.5
"""Time between two presences, whatever others send."""
ANSWER_SECONDS = 0.05
ASKING_SECONDS = 5.0
"""Time after an unproven satellite was heard in which it is asked to name this one, over and over: its presence may get lost."""
GREETINGS = 3
"""Presences at the start, since one may get lost."""


@dataclass
class ReplayWindow:
    """The counters of a session that have been seen."""

    _highest: int = -1
    _seen: int = 0  # bit n: counter `highest - n`

    def accept(self, counter: int) -> bool:
        """Return whether a counter is seen for the first time, and not too old to know."""
        ahead = counter - self._highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, REPLAY_WINDOW) | 1) & (1 << REPLAY_WINDOW) - 1
            self._highest = counter
            return True
        bit = 1 << -ahead
        if -ahead >= REPLAY_WINDOW or self._seen & bit:
            return False
        self._seen |= bit
        return True


@dataclass
class _Neighbour:
    name: str
    address: Hashable
    heard_at: float
    is_proven: bool = False
    asked_at: float = -math.inf  # when a response was last expected
    window: ReplayWindow = field(default_factory=ReplayWindow)


@dataclass
class Neighbours:
    """The sessions of a house besides the own one, at most MAX_NEIGHBOURS."""

    session: bytes
    random: Random = field(default_factory=Random)
    on_found: Callable[[str], None] = lambda _: None
    presence_at: float = 0.0
    """When the own presence is due."""
    _last_presence: float = -LEAST_SECONDS
    _greetings: int = GREETINGS
    _known: dict[bytes, _Neighbour] = field(default_factory=dict)

    def accept(self, packet: Packet, address: Hashable, now: float) -> bool:
        """Take note of a packet that the house has signed; return whether what it says counts."""
        if packet.session == self.session:
            return False
        known = self._known.get(packet.session)
        if known is None:
            if not isinstance(packet.content, PeerPresence):
                self._answer_soon(now)
                return False
            known = self._known[packet.session] = _Neighbour(packet.content.name, address, now)
            self._drop_one_too_many()
        if not known.window.accept(packet.counter):
            return False
        if isinstance(packet.content, PeerPresence):
            self._on_presence(packet.session, packet.content, address, now)
        elif not known.is_proven:
            self._answer_soon(now)
        known.heard_at, known.address = now, address
        return known.is_proven

    def greet(self, now: float) -> None:
        """Make the own presence known soon, on a network that is new."""
        self._greetings = GREETINGS
        self._answer_soon(now)

    def create_presence(self, name: str, now: float) -> PeerPresence:
        """Return the own presence, and plan the next one."""
        self._last_presence = now
        self._greetings = max(0, self._greetings - 1)
        self._known = {one: known for one, known in self._known.items() if now - known.heard_at < REMEMBERED_SECONDS}
        unproven = {one: known for one, known in self._known.items() if not known.is_proven}
        is_looking = self._greetings or any(now - known.heard_at < ASKING_SECONDS for known in unproven.values())
        self.presence_at = now + (LEAST_SECONDS if is_looking else PRESENCE_SECONDS * self.random.uniform(0.8, 1.2))
        return PeerPresence(name, tuple(one for one in self._known if one not in unproven), tuple(unproven))

    def is_alone(self, now: float) -> bool:
        """Return whether no other satellite was heard within a day."""
        return not any(known.is_proven and now - known.heard_at < REMEMBERED_SECONDS for known in self._known.values())

    def addresses(self) -> list[Hashable]:
        """Return where the neighbours are."""
        return [known.address for known in self._known.values() if known.is_proven]

    def all_addresses(self) -> list[Hashable]:
        """Return where the neighbours are, and those that have not proven to be one."""
        return [known.address for known in self._known.values()]

    def known(self) -> frozenset[str]:
        """Return the ids of those that were heard within a day."""
        return frozenset(session.hex() for session, known in self._known.items() if known.is_proven)

    def reachable(self, now: float) -> frozenset[str]:
        """Return the ids of those that should respond to a claim: they were heard lately, and since the claim before."""
        return frozenset(
            session.hex()
            for session, known in self._known.items()
            if known.is_proven and known.heard_at >= known.asked_at and now - known.heard_at < EXPECTED_SECONDS
        )

    def note_request(self, now: float) -> None:
        """Take note that a claim is sent, to which all should respond."""
        for known in self._known.values():
            known.asked_at = now

    def address_of(self, satellite: str) -> Hashable:
        """Return where a neighbour is that was heard."""
        return self._known[bytes.fromhex(satellite)].address

    def name_of(self, satellite: str) -> str:
        """Return the name of a claim's satellite, whose id is its session."""
        known = self._known.get(bytes.fromhex(satellite))
        return known.name if known else satellite

    def _on_presence(self, session: bytes, presence: PeerPresence, address: Hashable, now: float) -> None:
        known = self._known[session]
        was_proven = known.is_proven
        asks_us = self.session in presence.unproven
        names_us = asks_us or self.session in presence.sessions
        if names_us and not was_proven:
            known.is_proven, known.name = True, presence.name
            self.on_found(known.name)
            self._forget_earlier_starts(session, presence.name, address)
        if asks_us or not names_us or not was_proven:
            self._answer_soon(now)

    def _forget_earlier_starts(self, session: bytes, name: str, address: Hashable) -> None:
        """Forget the sessions that a satellite had before it was started again."""
        for other, known in list(self._known.items()):
            if other != session and (known.name, known.address) == (name, address):
                del self._known[other]

    def _answer_soon(self, now: float) -> None:
        soon = max(now + self.random.uniform(0, ANSWER_SECONDS), self._last_presence + LEAST_SECONDS)
        self.presence_at = min(self.presence_at, soon)

    def _drop_one_too_many(self) -> None:
        """Drop an unproven session, or that heard longest ago, so that a flood of recordings displaces nobody."""
        if len(self._known) > MAX_NEIGHBOURS:
            del self._known[min(self._known, key=lambda one: (self._known[one].is_proven, self._known[one].heard_at))]
