"""Tasks that run together, and the clock of their event loop."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


async def run_until_first_exit(*parts: Coroutine[Any, Any, object]) -> None:
    """Run coroutines until one ends, cancel the others, and raise its exception.

    A TaskGroup before Python 3.13 loses a cancellation that arrives while a task fails; this does not.
    """
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()


def loop_time() -> float:
    """Return the event loop's time in seconds, which no change of the wall clock moves."""
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def run_beside(part: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run a coroutine during the block, and cancel it at the end. If it fails before, the block ends with its exception."""
    owner = asyncio.current_task()
    assert owner is not None
    task = asyncio.create_task(part)

    def interrupt(ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and ended.exception() is not None:
            owner.cancel()

    task.add_done_callback(interrupt)
    try:
        yield
    except asyncio.CancelledError:
        if not (task.done() and not task.cancelled() and (failure := task.exception())):
            raise
        owner.uncancel()
        raise failure from None
    finally:
        task.remove_done_callback(interrupt)
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.result()
