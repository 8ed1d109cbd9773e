import asyncio
import threading

import pytest

from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_tts.engine import Take
from wyoming_rosie_tts.relay import PIECES_WAITING, relay

WAIT_SECONDS = 5


async def keep(given: list[bytes], piece: bytes) -> None:
    given.append(piece)


async def test_pieces_arrive_in_order_and_all_of_them(worker: ThreadWorker) -> None:
    pieces = [bytes([number]) for number in range(200)]
    given: list[bytes] = []

    def make(take: Take) -> None:
        assert all(take(piece) for piece in pieces)

    await relay(worker, make, lambda piece: keep(given, piece))
    assert given == pieces


async def test_the_first_piece_is_given_while_the_next_is_still_being_made(worker: ThreadWorker) -> None:
    given = threading.Event()
    in_time: list[bool] = []

    def make(take: Take) -> None:
        take(b"first")
        in_time.append(given.wait(WAIT_SECONDS))
        take(b"second")

    async def give(piece: bytes) -> None:
        given.set()

    await relay(worker, make, give)
    assert in_time == [True]


async def test_a_failure_of_the_engine_reaches_the_caller_after_its_pieces(worker: ThreadWorker) -> None:
    given: list[bytes] = []

    def make(take: Take) -> None:
        take(b"piece")
        raise EngineError("out of order")

    with pytest.raises(EngineError, match="out of order"):
        await relay(worker, make, lambda piece: keep(given, piece))
    assert given == [b"piece"]


async def test_the_engine_is_told_when_nobody_listens_any_more(worker: ThreadWorker) -> None:
    began, left, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def make(take: Take) -> None:
        loop.call_soon_threadsafe(began.set)
        left.wait(WAIT_SECONDS)
        if not take(b"piece"):
            ended.set()

    async def give(piece: bytes) -> None: ...

    task = asyncio.create_task(relay(worker, make, give))
    await began.wait()
    task.cancel()
    await asyncio.wait({task})
    left.set()
    assert await asyncio.to_thread(ended.wait, WAIT_SECONDS)


async def test_a_peer_that_does_not_read_neither_holds_the_engine_nor_fills_the_memory(worker: ThreadWorker) -> None:
    taken: list[bool] = []
    made, reads = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def make(take: Take) -> None:
        while take(b"piece"):
            taken.append(True)
        loop.call_soon_threadsafe(made.set)

    async def give(piece: bytes) -> None:
        await reads.wait()

    task = asyncio.create_task(relay(worker, make, give))
    await made.wait()
    assert len(taken) <= PIECES_WAITING + 1
    assert await worker.run(lambda: "served") == "served"
    reads.set()
    with pytest.raises(BadEventError, match="not read") as refusal:
        await task
    assert refusal.value.code == "too-slow"
