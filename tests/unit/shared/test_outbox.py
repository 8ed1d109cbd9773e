"""Items for one peer, sent in order by one task."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.waiting import wait_until
from wyoming_rosie.runtime.outbox import Outbox


class Peer:
    """Reads what is sent to it while it is willing."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.waiting = asyncio.Event()

    async def receive(self, item: int) -> None:
        self.waiting.set()
        await self.reads.wait()
        self.received.append(item)


async def test_items_are_sent_in_order() -> None:
    peer, outbox = Peer(), Outbox[int]()
    for item in range(3):
        assert outbox.try_put(item)
    outbox.start(peer.receive)
    outbox.put(3)
    await outbox.flush()
    assert peer.received == [0, 1, 2, 3]
    outbox.close()


async def test_items_for_a_peer_that_does_not_read_are_dropped_and_counted() -> None:
    outbox = Outbox[int](2)
    assert [outbox.try_put(item) for item in range(4)] == [True, True, False, False]
    assert outbox.dropped == 2


async def test_the_first_dropped_item_is_logged() -> None:
    outbox = Outbox[int](1)
    with capture_logs() as lines:
        for item in range(4):
            outbox.put(item)
    assert len(lines) == 1


async def test_it_is_idle_only_when_the_last_item_was_sent() -> None:
    peer, outbox = Peer(), Outbox[int]()
    idle = [outbox.is_idle]
    peer.reads.clear()
    outbox.start(peer.receive)
    outbox.put(1)
    await peer.waiting.wait()
    idle.append(outbox.is_idle)
    peer.reads.set()
    await outbox.flush()
    idle.append(outbox.is_idle)
    outbox.close()
    assert idle == [True, False, True]


async def test_nothing_is_sent_or_taken_after_close() -> None:
    peer, outbox = Peer(), Outbox[int]()
    outbox.put(1)
    outbox.close()
    outbox.start(peer.receive)
    with capture_logs() as lines:
        outbox.put(2)
    await outbox.flush()
    assert peer.received == []
    assert lines == []


async def test_a_lost_connection_ends_what_waits_for_the_rest() -> None:
    async def fail(_: int) -> None:
        raise ConnectionResetError

    outbox = Outbox[int]()
    for item in range(3):
        outbox.put(item)
    outbox.start(fail)
    await outbox.flush()
    assert not outbox.try_put(4)


async def test_run_raises_what_sending_raises() -> None:
    async def fail(_: int) -> None:
        raise TimeoutError

    outbox = Outbox[int]()
    outbox.put(1)
    with pytest.raises(TimeoutError):
        await outbox.run(fail)
    assert outbox.is_idle


async def test_run_ends_when_it_is_closed_while_it_sends() -> None:
    peer, outbox = Peer(), Outbox[int]()
    peer.reads.clear()
    outbox.put(1)
    outbox.put(2)
    running = asyncio.create_task(outbox.run(peer.receive))
    await peer.waiting.wait()
    outbox.close()
    peer.reads.set()
    await running
    assert peer.received == [1]


async def test_items_for_an_earlier_connection_can_be_cleared() -> None:
    peer, outbox = Peer(), Outbox[int]()
    outbox.put(1)
    outbox.clear()
    outbox.put(2)
    running = asyncio.create_task(outbox.run(peer.receive))
    await wait_until(lambda: peer.received)
    running.cancel()
    await asyncio.wait([running])
    assert peer.received == [2]


@given(st.lists(st.sampled_from(["put", "clear", "step", "close"]), max_size=40), st.integers(1, 5))
def test_whatever_happens_items_stay_in_order_and_flush_ends(actions: list[str], max_pending: int) -> None:
    async def play() -> None:
        peer, outbox = Peer(), Outbox[int](max_pending)
        outbox.start(peer.receive)
        for number, action in enumerate(actions):
            match action:
                case "put":
                    outbox.try_put(number)
                case "clear":
                    outbox.clear()
                case "step":
                    await asyncio.sleep(0)
                case "close":
                    outbox.close()
        await outbox.flush()
        outbox.close()
        assert peer.received == sorted(peer.received)
        assert outbox.is_idle

    asyncio.run(play())
