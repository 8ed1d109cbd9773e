"""Budgets of clients on other machines: audio, requests and turns per second, as token buckets without a clock.

A client is a member of the house, or else an address, with all its connections. What is over a budget waits: the server
reads no more from that connection until then. What would wait for longer than MAX_WAIT_SECONDS is refused.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie.metrics import Counter
from wyoming_rosie.protocol import hosts
from wyoming_rosie.trust.peer import Peer, PeerKind

_LOG = structlog.get_logger()

BURST_SECONDS = 10
"""A client may send at once what a budget allows in this time."""
AUDIO_BURST_SECONDS = 2
"""The same for audio: with the default budget 40 s, more than the longest command, and little work at once for an engine."""
MAX_WAIT_SECONDS = 10.0
LEAST_CHUNK_SECONDS = 0.01
"""Cost of the shortest chunk of audio: however little is in it, it is work."""
MAX_AUDIO_BYTES = 192_000
"""Bytes of a second of audio at 48 kHz with 2 channels of 16 bits; a chunk that claims to be shorter is not believed."""
REQUEST_BYTES = 16_384
"""Bytes of an event that count as one request."""
NOTED_SECONDS = 60.0
"""How long `/health` tells that a client was slowed, and the pause between two log lines about it."""
MAX_NOTED = 64
TURN_EVENTS = frozenset(
    {"transcribe", "transcript", "recognize", "synthesize", "synthesize-start", "detect", "run-pipeline"}
)
"""Events that begin the work of an engine."""


class Budget(StrEnum):
    """What is counted."""

    AUDIO = "audio"  # seconds
    REQUESTS = "requests"  # events other than audio
    TURNS = "turns"
    CONNECTIONS = "connections"  # of an address, as many as requests


@dataclass(frozen=True)
class BudgetLimits:
    """What one client may send per second. By default, what twenty rooms send through one client."""

    audio: float = 20.0
    requests: float = 200.0
    turns: float = 5.0


def costs(event: Event, size: int) -> Iterator[tuple[Budget, float]]:
    """Yield what an event of `size` bytes takes from each budget."""
    if event.type == "audio-chunk":
        yield Budget.AUDIO, _audio_seconds(event)
        return
    yield Budget.REQUESTS, max(1.0, size / REQUEST_BYTES)
    if event.type in TURN_EVENTS:
        yield Budget.TURNS, 1.0


class Budgets:
    """The budgets of all clients, and who was slowed; `now` is in seconds on any clock that does not go back."""

    def __init__(self, limits: BudgetLimits, slowed: Counter) -> None:
        self._limits = {
            Budget.AUDIO: _bucket(limits.audio, AUDIO_BURST_SECONDS),
            Budget.REQUESTS: _bucket(limits.requests),
            Budget.TURNS: _bucket(limits.turns),
            Budget.CONNECTIONS: _bucket(limits.requests),
        }
        self._slowed = slowed
        self._noted: OrderedDict[str, tuple[Budget, float]] = OrderedDict()  # by client: which, and when

    def account(self, peer: Peer) -> "Account | None":
        """Return the account of a peer; None for a program of this machine, which has no budget."""
        if peer.kind is PeerKind.LOCAL or hosts.is_loopback(peer.host):
            return None
        return Account(self, str(peer))

    def is_within(self, client: str, event: Event, size: int, now: float) -> bool:
        """Return whether the event needs no wait."""
        return all(not self._limits[budget].seconds_until(client, now, cost) for budget, cost in costs(event, size))

    def take(self, client: str, budget: Budget, cost: float, now: float) -> float:
        """Count a cost, and return the seconds to wait. Raises BadEventError if they are more than MAX_WAIT_SECONDS."""
        wait = self._limits[budget].take(client, now, cost, MAX_WAIT_SECONDS)
        if wait:
            self._write_down(client, budget, now)
        if wait > MAX_WAIT_SECONDS:
            raise self._excess(budget)
        if wait:
            self._slowed.add(client, budget, by=wait)
        return wait

    def admits(self, host: str, now: float) -> bool:
        """Count a connection; return False for one of so many that they are not even refused with a sentence."""
        if hosts.is_loopback(host):
            return True
        wait = self._limits[Budget.CONNECTIONS].take(host, now, patience=MAX_WAIT_SECONDS)
        if wait:
            self._write_down(host, Budget.CONNECTIONS, now)
        return wait <= MAX_WAIT_SECONDS

    def find_excess(self, host: str, now: float) -> BadEventError | None:
        """Return the reason to refuse a connection that was counted, None for one within the budget."""
        is_over = self._limits[Budget.CONNECTIONS].seconds_until(host, now, cost=0) > 0
        return self._excess(Budget.CONNECTIONS) if is_over else None

    def note(self, now: float) -> str | None:
        """Return a sentence about the clients that were slowed in the last minute, None if there are none."""
        lately = [(client, budget) for client, (budget, at) in self._noted.items() if now - at < NOTED_SECONDS]
        if not lately:
            return None
        client, budget = lately[-1]
        others = f" (and {len(lately) - 1} more)" if len(lately) > 1 else ""
        return f"{client}{others} was slowed in the last minute: {self._describe(budget)}"

    def _write_down(self, client: str, budget: Budget, now: float) -> None:
        _, noted_at = self._noted.get(client, (budget, -NOTED_SECONDS))
        if now - noted_at >= NOTED_SECONDS:
            _LOG.warning("a client is over its budget", client=client, reason=self._describe(budget))
        self._noted[client] = budget, now
        self._noted.move_to_end(client)
        if len(self._noted) > MAX_NOTED:
            self._noted.popitem(last=False)

    def _excess(self, budget: Budget) -> BadEventError:
        return BadEventError(f"{self._describe(budget)}; send less, or try again later", "busy")

    def _describe(self, budget: Budget) -> str:
        what = "seconds of audio" if budget is Budget.AUDIO else budget.value
        flag = Budget.REQUESTS if budget is Budget.CONNECTIONS else budget
        return f"one client may send {self._limits[budget].rate.per_second:g} {what} per second, see --client-{flag}"


class Account:
    """The budgets of one client, as a connection sees them."""

    def __init__(self, budgets: Budgets, client: str) -> None:
        self._budgets = budgets
        self._client = client

    def is_within(self, event: Event, size: int, now: float) -> bool:
        """Return whether the event needs no wait."""
        return self._budgets.is_within(self._client, event, size, now)

    def charge(self, event: Event, size: int, now: float) -> float:
        """Count an event, and return the seconds to wait before it is handled. Raises BadEventError, see MAX_WAIT_SECONDS."""
        return max(self._budgets.take(self._client, budget, cost, now) for budget, cost in costs(event, size))


def _bucket(per_second: float, burst_seconds: int = BURST_SECONDS) -> RateLimit:
    return RateLimit(Rate(per_second, round(per_second * burst_seconds)))


def _audio_seconds(event: Event) -> float:
    """Return the duration of a chunk, as far as what it says of its format can be true."""
    size = len(event.payload or b"")
    values = [event.data.get(key) for key in ("rate", "width", "channels")]
    claimed = 1
    for value in values:
        claimed *= value if isinstance(value, int) and value > 0 else MAX_AUDIO_BYTES
    return max(size / min(claimed, MAX_AUDIO_BYTES), LEAST_CHUNK_SECONDS)
