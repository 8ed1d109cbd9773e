"""Rate limit: a bucket of tokens for each client, without a clock."""

from collections import OrderedDict
from dataclasses import dataclass, field

MAX_CLIENTS = 4096
"""Clients that are remembered; the one that was quiet for longest is forgotten first."""


@dataclass(frozen=True)
class Rate:
    """`burst` requests at once, then `per_second`."""

    per_second: float
    burst: int

    def refill(self, tokens: float, seconds: float) -> float:
        """Return the tokens of a bucket after some time."""
        return min(self.burst, tokens + seconds * self.per_second)


@dataclass
class RateLimit:
    """Limits each client by name; `now` is in seconds on any clock that does not go back."""

    rate: Rate
    _buckets: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)  # tokens, and when

    def seconds_until(self, client: str, now: float, cost: float = 1) -> float:
        """Return the seconds to wait until something of this cost is within the rate."""
        return max(0.0, (cost - self._tokens(client, now)) / self.rate.per_second)

    def take(self, client: str, now: float, cost: float = 1, patience: float = 0) -> float:
        """Count a request, and return the seconds to wait for it; if they are more than `patience`, it does not count.

        Whoever is patient holds the place: the next request of the client waits for this one, too.
        """
        tokens = self._tokens(client, now)
        wait = max(0.0, (cost - tokens) / self.rate.per_second)
        self._buckets[client] = (tokens - cost if wait <= patience else tokens, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return wait

    def refund(self, client: str, now: float) -> None:
        """Let the last request not count."""
        self._buckets[client] = (min(self.rate.burst, self._tokens(client, now) + 1), now)

    def _tokens(self, client: str, now: float) -> float:
        tokens, counted_at = self._buckets.get(client, (float(self.rate.burst), now))
        return self.rate.refill(tokens, now - counted_at)
