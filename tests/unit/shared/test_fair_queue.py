from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.runtime.fair_queue import MAX_TURNS, ClientTurns, FairQueue

CLIENTS = st.sampled_from("abcd")
MAX_WAITING = 3


@dataclass(frozen=True)
class Request:
    client: str
    urgency: int
    number: int

    @property
    def order(self) -> tuple[int, int]:
        return self.urgency, self.number


Arrival = tuple[str, int]
ARRIVALS = st.lists(st.none() | st.tuples(CLIENTS, st.integers(0, 2)), max_size=60)
"""Requests in order, and None for each that is served."""


def clients_of(requests: list[Request]) -> set[str]:
    return {request.client for request in requests}


@given(ARRIVALS)
def test_between_two_turns_of_a_client_every_other_that_waits_gets_one(arrivals: list[Arrival | None]) -> None:
    queue: FairQueue[Request] = FairQueue(MAX_WAITING)
    waiting: list[Request] = []
    unserved: dict[str, set[str]] = {}  # by client: others that have waited without a turn since its latest one
    for number, arrival in enumerate(arrivals):
        if arrival is not None:
            request = Request(*arrival, number)
            waiting.append(request)
            if (refused := queue.add(request)) is not None:
                waiting.remove(refused)
        elif waiting:
            served = queue.pop()
            waiting.remove(served)
            assert not unserved.get(served.client, set()) & clients_of(waiting)
            assert all(served.order < other.order for other in waiting if other.client == served.client)
            for others in unserved.values():
                others.discard(served.client)
            unserved[served.client] = clients_of(waiting) - {served.client}
        for others in unserved.values():
            others &= clients_of(waiting)
    assert len(queue) == len(waiting)


@given(ARRIVALS)
def test_no_client_loses_a_request_while_another_has_more(arrivals: list[Arrival | None]) -> None:
    queue: FairQueue[Request] = FairQueue(MAX_WAITING)
    counts = dict.fromkeys("abcd", 0)
    for number, arrival in enumerate(arrivals):
        if arrival is not None:
            counts[arrival[0]] += 1
            if (refused := queue.add(Request(*arrival, number))) is not None:
                assert counts[refused.client] == max(counts.values())
                counts[refused.client] -= 1
        elif any(counts.values()):
            counts[queue.pop().client] -= 1
        assert len(queue) == sum(counts.values()) <= MAX_WAITING


def test_a_client_that_was_served_without_a_wait_comes_after_others() -> None:
    queue: FairQueue[Request] = FairQueue(MAX_WAITING)
    queue.turns.take("a")
    queue.add(Request("a", 0, 1))
    queue.add(Request("b", 2, 2))
    assert [queue.pop().client for _ in range(2)] == ["b", "a"]


def test_new_clients_are_served_by_urgency() -> None:
    queue: FairQueue[Request] = FairQueue(MAX_WAITING)
    queue.turns.take("a")
    queue.turns.forget()
    queue.add(Request("b", 2, 1))
    queue.add(Request("a", 0, 2))
    assert [queue.pop().client for _ in range(2)] == ["a", "b"]


def test_a_removed_request_is_not_served() -> None:
    queue: FairQueue[Request] = FairQueue(MAX_WAITING)
    first, second = Request("a", 0, 1), Request("a", 0, 2)
    queue.add(first)
    queue.add(second)
    queue.remove(first)
    queue.remove(first)
    assert queue.pop() is second


def test_the_memory_of_turns_is_bounded() -> None:
    turns = ClientTurns()
    for number in range(2 * MAX_TURNS):
        turns.take(str(number))
    assert [turns.latest(str(number)) for number in (0, MAX_TURNS - 1, MAX_TURNS)] == [0, 0, MAX_TURNS + 1]
