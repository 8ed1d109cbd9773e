import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.vad.fakes import FRAME_BYTES, LoudnessEngine
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_vad.segmenter import Rules
from wyoming_rosie_vad.together import ENOUGH_FRAMES, GATHER_SECONDS, Together

FRAME = bytes(FRAME_BYTES)


@pytest.fixture
async def worker() -> AsyncIterator[ThreadWorker]:
    worker = ThreadWorker("test")
    yield worker
    worker.close()


@pytest.fixture
def engine() -> LoudnessEngine:
    return LoudnessEngine()


@pytest.fixture
def together(engine: LoudnessEngine, worker: ThreadWorker) -> Together:
    return Together(engine, worker, Rules())


async def test_streams_that_come_at_once_are_heard_in_one_call(together: Together, engine: LoudnessEngine) -> None:
    streams = [together.begin() for _ in range(5)]
    await asyncio.gather(*(together.hear(stream, FRAME) for stream in streams))
    assert engine.calls == [5]


async def test_nobody_waits_longer_than_agreed_for_streams_that_bring_nothing(
    together: Together, engine: LoudnessEngine
) -> None:
    hasty, _ = together.begin(), together.begin()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await together.hear(hasty, FRAME)
    assert loop.time() - begun >= 0.9 * GATHER_SECONDS
    assert engine.calls == [1]


@pytest.mark.parametrize(("streams", "frames"), [(1, 1), (2, ENOUGH_FRAMES)], ids=["alone", "much"])
async def test_what_need_not_wait_is_heard_at_once(together: Together, streams: int, frames: int) -> None:
    first, *_ = [together.begin() for _ in range(streams)]
    heard = asyncio.create_task(together.hear(first, FRAME * frames))
    await asyncio.sleep(0)
    assert together._timer is None
    await heard


async def test_a_peer_that_left_is_not_heard(together: Together, engine: LoudnessEngine) -> None:
    stays, leaves = together.begin(), together.begin()
    together.begin()
    left = asyncio.create_task(together.hear(leaves, FRAME))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait({left})
    await together.end(leaves)
    await together.hear(stays, FRAME)
    assert engine.calls == [1]


async def test_everyone_learns_of_what_went_wrong_and_the_next_turn_is_a_new_one(
    together: Together, engine: LoudnessEngine
) -> None:
    streams = [together.begin() for _ in range(2)]
    engine.broken = True
    results = await asyncio.gather(*(together.hear(stream, FRAME) for stream in streams), return_exceptions=True)
    assert [type(result) for result in results] == [ZeroDivisionError] * 2
    engine.broken = False
    await asyncio.gather(*(together.hear(stream, FRAME) for stream in streams))
    assert engine.calls == [2, 2]


async def test_streams_that_ended_are_waited_for_no_more(together: Together, engine: LoudnessEngine) -> None:
    stays, ends = together.begin(), together.begin()
    await together.end(ends)
    assert engine.open == 1
    heard = asyncio.create_task(together.hear(stays, FRAME))
    await asyncio.sleep(0)
    assert together._timer is None
    await heard
