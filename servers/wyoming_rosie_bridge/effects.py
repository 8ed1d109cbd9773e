"""Effects: what cannot be taken back is begun at most once, although its message may be delivered again."""

import uuid
from collections.abc import Awaitable, Callable

from wyoming_rosie.bus import names
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Jobs
from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.backoff import Backoff

FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 5.0


class InterruptedEffectError(RosieError):
    """The effect was begun before, and nobody knows whether it was completed."""

    code = "interrupted"


async def run_once(jobs: Jobs, name: str, act: Callable[[], Awaitable[str]], *, repeatable: bool) -> str:
    """Return the recorded answer for `name`; without one, call `act` and record the answer that it returns.

    Unless it is repeatable, `act` is called once per name for good, whatever becomes of this process: it should return the
    failures of what it does as answers, too. Raises InterruptedEffectError if it was called before and left no answer, and
    BusError before it is called.
    """
    if (recorded := await recall_answer(jobs, name)) is not None:
        return recorded
    if not repeatable:
        mine = f"started:{uuid.uuid4().hex}"
        if await _decide(jobs, f"effect:{name}", mine) != mine:
            raise InterruptedEffectError("it was interrupted, and it is not known whether it was done")
    return await settle(jobs, name, await act())


async def recall_answer(jobs: Jobs, name: str) -> str | None:
    """Return the recorded answer for `name`, None if there is none. Raises BusError."""
    return await jobs.recall(names.recorded_answer(name))


async def settle(jobs: Jobs, name: str, answer: str) -> str:
    """Record an answer unless there is one; return the one that counts. Waits until it is recorded."""
    return await _decide(jobs, names.recorded_answer(name), answer)


async def _decide(jobs: Jobs, decision: str, value: str) -> str:
    """Record a decision. Tries until it works: a try without an answer may have been recorded, and the value says whose it is."""
    backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
    while True:
        try:
            return await jobs.decide(decision, value)
        except BusError:
            await backoff.sleep()
