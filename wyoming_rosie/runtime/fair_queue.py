"""Turns of clients at something they share, so that none waits for all requests of another, and a bounded queue with them."""

from collections import Counter
from typing import Any, Generic, Protocol, TypeVar

MAX_TURNS = 1024
"""Clients whose latest turns are remembered; a client with an older one is treated as a new one."""


class QueuedRequest(Protocol):
    """A request of a client; its `order` among the client's own, the lowest first, may change while it waits."""

    @property
    def client(self) -> str: ...

    @property
    def order(self) -> tuple[Any, ...]: ...


R = TypeVar("R", bound=QueuedRequest)


class ClientTurns:
    """The latest turn of each client."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}  # in ascending order
        self._count = 0

    def latest(self, client: str) -> int:
        """Return the number of the client's latest turn, 0 if it had none."""
        return self._latest.get(client, 0)

    def take(self, client: str) -> None:
        """Count a turn."""
        self._count += 1
        self._latest.pop(client, None)
        self._latest[client] = self._count
        if len(self._latest) > MAX_TURNS:
            del self._latest[next(iter(self._latest))]

    def forget(self) -> None:
        """Treat all clients as new ones."""
        self._latest.clear()


class FairQueue(Generic[R]):
    """The next request is one of the client whose latest turn is longest ago.

    So every client that waits gets a turn between two of another. When more than `max_waiting` requests wait, the client with
    the most of them loses one.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: list[R] = []
        self.turns = ClientTurns()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: R) -> R | None:
        """Add a request; return the one that has to leave, which may be the new one, or None."""
        self._waiting.append(request)
        if len(self._waiting) <= self._max_waiting:
            return None
        counts = Counter(waiting.client for waiting in self._waiting)
        last = max(self._waiting, key=lambda waiting: (counts[waiting.client], waiting.order))
        self._waiting.remove(last)
        return last

    def remove(self, request: R) -> None:
        """Remove a request, if it waits."""
        if request in self._waiting:
            self._waiting.remove(request)

    def pop(self) -> R:
        """Remove and return the next request, which is its client's turn. Raises ValueError if none waits."""
        request = min(self._waiting, key=lambda waiting: (self.turns.latest(waiting.client), waiting.order))
        self._waiting.remove(request)
        self.turns.take(request.client)
        return request
