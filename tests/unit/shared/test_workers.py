"""Workers: calls in order on a thread, and calls in a process that can be cancelled."""

import asyncio
import multiprocessing
import os
import threading
import time
from functools import partial

import pytest

from tests.waiting import wait_until
from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime.workers import ProcessWorker, ThreadWorker


def get_priority() -> int:
    """Return the niceness of this thread."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


class Calculator:
    def __init__(self, ready: bool = True) -> None:
        if not ready:
            raise ValueError("no such model")

    def double(self, number: int) -> int:
        return 2 * number

    def who(self) -> int:
        return os.getpid()

    def dawdle(self) -> None:
        time.sleep(60)

    def doze(self) -> None:
        time.sleep(0.3)

    def divide(self) -> float:
        return 1 / 0

    def die(self) -> None:
        os._exit(3)


@pytest.fixture
async def worker():  # type: ignore[no-untyped-def]
    one = ProcessWorker(Calculator, "calculator")
    await one.start()
    yield one
    await one.close()


async def test_a_thread_works_in_order() -> None:
    worker = ThreadWorker("test")
    done: list[int] = []
    await asyncio.gather(*(worker.run(done.append, number) for number in range(20)))
    worker.close()
    assert done == list(range(20))


@pytest.mark.parametrize("seconds", [0.0, 0.005, 0.02, 0.1])
async def test_a_start_that_is_cancelled_can_be_closed(seconds: float) -> None:
    worker = ProcessWorker(Calculator, "calculator")
    starting = asyncio.create_task(worker.start())
    await asyncio.sleep(seconds)
    starting.cancel()
    await asyncio.wait([starting])
    await worker.close()
    await wait_until(lambda: not [one for one in multiprocessing.active_children() if one.name == "calculator"])


async def test_a_process_answers_from_one_object(worker: ProcessWorker) -> None:
    assert await asyncio.gather(*(worker.call("double", number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert await worker.call("who") == await worker.call("who") != os.getpid()


async def test_what_goes_wrong_in_the_process_is_an_engine_error(worker: ProcessWorker) -> None:
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        await worker.call("divide")
    assert await worker.call("double", 4) == 8


async def test_a_process_that_dies_is_told_and_replaced(worker: ProcessWorker) -> None:
    with pytest.raises(EngineError, match="stopped unexpectedly"):
        await worker.call("die")
    assert await worker.call("double", 4) == 8


async def test_a_cancelled_call_ends_its_process_and_the_next_call_is_served(worker: ProcessWorker) -> None:
    first = await worker.call("who")
    call = asyncio.create_task(worker.call("dawdle"))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(ProcessLookupError):
        async with asyncio.timeout(60):
            while True:
                os.kill(first, 0)
                await asyncio.sleep(0.02)
    assert await worker.call("who") != first


async def test_a_cancelled_call_that_soon_ends_by_itself_costs_nobody_the_process(worker: ProcessWorker) -> None:
    first = await worker.call("who")
    call = asyncio.create_task(worker.call("doze"))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await worker.call("who") == first


async def test_a_waiting_call_that_is_cancelled_costs_nobody_the_process(worker: ProcessWorker) -> None:
    first = await worker.call("who")
    busy = asyncio.create_task(worker.call("double", 2))
    waiting = asyncio.create_task(worker.call("double", 3))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await busy == 4
    assert await worker.call("who") == first


async def test_what_cannot_be_made_says_why() -> None:
    worker = ProcessWorker(partial(Calculator, ready=False), "calculator")
    with pytest.raises(EngineError, match="no such model"):
        await worker.start()
    await worker.close()


async def test_callers_that_wait_for_a_thread_are_counted() -> None:
    thread, go_on = ThreadWorker("test"), threading.Event()
    calls = [asyncio.create_task(thread.run(go_on.wait, 5)) for _ in range(3)]
    await wait_until(lambda: thread.waiting == 2)
    go_on.set()
    await asyncio.gather(*calls)
    assert thread.waiting == 0
    thread.close()


async def test_only_a_background_worker_yields_to_the_event_loop() -> None:
    background, awaited = ThreadWorker("background"), ThreadWorker("awaited", is_background=False)
    assert await awaited.run(get_priority) == get_priority() <= await background.run(get_priority)
    background.close()
    awaited.close()
