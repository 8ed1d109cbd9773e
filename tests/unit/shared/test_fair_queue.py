from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.runtime.fair_queue import MAX_TURNS, MAX_USED_SECONDS, ClientTurns, ClientUsage, FairQueue

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


def test_what_was_used_is_forgiven_second_by_second() -> None:
    usage = ClientUsage()
    usage.add("a", 3.0, 10.0)
    usage.add("a", 2.0, 11.0)
    assert [usage.find(client, 12.0) for client in ("a", "b")] == [3.0, 0.0]
    assert usage.find("a", 20.0) == 0.0


@given(st.lists(st.tuples(CLIENTS, st.floats(0, 100)), max_size=20))
def test_nobody_is_put_back_without_end(uses: list[tuple[str, float]]) -> None:
    usage = ClientUsage()
    for client, seconds in uses:
        usage.add(client, seconds, 0.0)
    assert all(usage.find(client, 0.0) <= MAX_USED_SECONDS for client in "abcd")
    assert all(usage.find(client, MAX_USED_SECONDS) == 0.0 for client in "abcd")


def test_clients_whose_use_is_remembered_are_bounded() -> None:
    usage = ClientUsage()
    for number in range(MAX_TURNS + 1):
        usage.add(str(number), 5.0, 0.0)
    assert [usage.find(client, 0.0) for client in ("0", "1")] == [0.0, 5.0]
