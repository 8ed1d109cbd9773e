"""Earliest-deadline-first scheduling of synthesis: the reply that would run out of audio first is served next.

Clients whose replies have no audio ahead take turns, so that many replies of one client do not silence another's.
An engine works in short steps, so a short text never waits for the end of another client's long one.
"""

import asyncio
import bisect
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import EngineError, RosieError
from wyoming_rosie.runtime.fair_queue import ClientTurns
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.runtime.workers import lower_priority
from wyoming_rosie_tts.engine import StepCancellation

_LOG = structlog.get_logger()
NOT_STARTED = -math.inf
"""The remaining seconds of a client that has received no audio yet."""
YIELD_SECONDS = 1.0
"""Seconds of audio ahead from which a client yields to those that have received none."""
IDLE_SECONDS = 10.0
"""Seconds of audio ahead from which a client is served only while nothing else runs."""
MAX_UNSENT_SECONDS = 5.0
"""Seconds of audio that may wait to be sent; synthesis stops there until the client reads on."""
STOPPING = "this daemon is stopping"
P = ParamSpec("P")
T = TypeVar("T")


class PlaybackDeadline:
    """The playback position of a reply to a client. Assumes that playback starts with the first chunk and never stalls."""

    def __init__(self, client: str = "") -> None:
        self.client = client
        self._ends_at = NOT_STARTED

    def add(self, seconds: float, now: float) -> None:
        """Account for audio that was synthesized."""
        if seconds > 0:
            self._ends_at = max(self._ends_at, now) + seconds

    def remaining(self, now: float) -> float:
        """Return the seconds until the client runs out of audio; NOT_STARTED when it has received none."""
        return self._ends_at - now


def pick_next(
    ready: Sequence[PlaybackDeadline], running: Sequence[PlaybackDeadline], now: float, turns: ClientTurns
) -> int | None:
    """Return the index of the reply to serve next, or None if all can wait until those that are running are done."""
    if not ready:
        return None
    _, remaining, index = min(
        (turns.latest(deadline.client) if deadline.remaining(now) <= 0 else math.inf, deadline.remaining(now), index)
        for index, deadline in enumerate(ready)
    )
    runs_first_audio = any(deadline.remaining(now) == NOT_STARTED for deadline in running)
    if running and (remaining > IDLE_SECONDS or (runs_first_audio and remaining > YIELD_SECONDS)):
        return None
    return index


class SynthesisScheduler:
    """Runs synthesis steps on the engine's threads, in the order of their deadlines."""

    def __init__(self, name: str, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=lower_priority)
        self._idle_threads = workers
        self._ready: list[_SynthesisJob] = []  # by number
        self._running: list[_SynthesisJob] = []
        self._last_number = 0
        self._turns = ClientTurns()
        self._is_open = True

    @property
    def waiting(self) -> int:
        """The number of sentences that wait for a thread."""
        return len(self._ready)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function on one of the engine's threads."""
        return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    async def stream(
        self,
        steps: Iterator[bytes],
        audio_format: AudioFormat,
        deadline: PlaybackDeadline,
        cancellation: StepCancellation | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the audio chunks of the steps. Raises EngineError, and any RosieError that a step raises.

        A caller that does not need all of them must close the generator; at most one more step runs then.
        """
        self._last_number += 1
        job = _SynthesisJob(self._last_number, steps, audio_format, deadline, cancellation or StepCancellation())
        self._preempt(deadline)
        try:
            while True:
                self._enqueue(job)
                if (chunk := await job.next_chunk()) is None:
                    return
                yield chunk
        finally:
            job.stop()
            if job in self._ready:
                self._ready.remove(job)

    def close(self) -> None:
        """Start no more steps, and fail the jobs that wait."""
        self._is_open = False
        for job in self._ready:
            job.fail(EngineError(STOPPING))
        self._ready.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, job: "_SynthesisJob") -> None:
        if not self._is_open:
            job.fail(EngineError(STOPPING))
        elif job.wants_more and job not in self._ready and job not in self._running:
            bisect.insort(self._ready, job, key=lambda queued: queued.number)
            self._start_ready()

    def _preempt(self, deadline: PlaybackDeadline) -> None:
        """Cancel the steps of clients that can wait, for one that has received no audio yet."""
        now = loop_time()
        if deadline.remaining(now) == NOT_STARTED:
            for job in self._running:
                if job.deadline.remaining(now) > YIELD_SECONDS:
                    job.cancel_step()

    def _start_ready(self) -> None:
        while self._idle_threads:
            ready = [queued.deadline for queued in self._ready]
            running = [queued.deadline for queued in self._running]
            index = pick_next(ready, running, loop_time(), self._turns)
            if index is None:
                return
            self._submit(self._ready.pop(index))

    def _submit(self, job: "_SynthesisJob") -> None:
        self._idle_threads -= 1
        self._running.append(job)
        self._turns.take(job.deadline.client)
        loop = asyncio.get_running_loop()
        future = self._threads.submit(next, job.steps, None)
        future.add_done_callback(
            lambda done: loop.is_closed() or loop.call_soon_threadsafe(self._on_step_done, job, done)
        )

    def _on_step_done(self, job: "_SynthesisJob", future: "Future[bytes | None]") -> None:
        self._idle_threads += 1
        self._running.remove(job)
        job.complete_step(future)
        self._enqueue(job)
        self._start_ready()


class _SynthesisJob:
    """The remaining steps of one sentence, and its chunks that have not been sent yet."""

    def __init__(
        self,
        number: int,
        steps: Iterator[bytes],
        audio_format: AudioFormat,
        deadline: PlaybackDeadline,
        cancellation: StepCancellation,
    ) -> None:
        self.number = number
        self.steps = steps
        self.deadline = deadline
        self.wants_more = True
        self._cancellation = cancellation
        self._was_cancelled = False  # since the last chunk: a job is not cancelled twice in a row
        self._audio_format = audio_format
        self._chunks: deque[bytes] = deque()
        self._unsent_seconds = 0.0
        self._is_done = False
        self._failure: RosieError | None = None
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Run no more steps."""
        self._is_done, self.wants_more = True, False

    def complete_step(self, future: "Future[bytes | None]") -> None:
        """Store the result of a step: a chunk, None after the last step, or an exception."""
        if future.cancelled():
            self.fail(EngineError(STOPPING))
        elif (failure := future.exception()) is not None:
            self.fail(_to_error(failure))
        elif (chunk := future.result()) is None:
            self.stop()
        elif chunk:
            self._add_chunk(chunk)
        self._changed.set()

    def cancel_step(self) -> None:
        if not self._was_cancelled:
            self._was_cancelled = True
            self._cancellation.cancel()

    def fail(self, failure: RosieError) -> None:
        """Run no more steps; `next_chunk` raises the failure unless all steps were done."""
        if not self._is_done:
            self._failure = failure
        self.stop()
        self._changed.set()

    async def next_chunk(self) -> bytes | None:
        """Return the next chunk, or None after the last. Raises the failure of a step after the chunks before it."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._is_done:
                return None
            self._changed.clear()
            await self._changed.wait()
        chunk = self._chunks.popleft()
        self._update_unsent(-self._audio_format.seconds(len(chunk)))
        return chunk

    def _add_chunk(self, chunk: bytes) -> None:
        self._was_cancelled = False
        seconds = self._audio_format.seconds(len(chunk))
        self.deadline.add(seconds, loop_time())
        self._chunks.append(chunk)
        self._update_unsent(seconds)

    def _update_unsent(self, seconds: float) -> None:
        self._unsent_seconds += seconds
        self.wants_more = not self._is_done and self._unsent_seconds < MAX_UNSENT_SECONDS


def _to_error(failure: BaseException) -> RosieError:
    """Return the error for the client, without the exception's text, which may hold private words."""
    if isinstance(failure, RosieError):
        return failure
    _LOG.error("engine failed", exc_info=failure)
    return EngineError(f"the engine failed: {type(failure).__name__}; the log of this daemon says more")
