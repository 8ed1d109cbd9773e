"""The desk where answers wait for an engine's threads: whose listener would run out of sound first goes next.

Engines speak in steps, each a moment's work, so that a short text never waits for the end of somebody's long one.
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
from wyoming_rosie.runtime.workers import lower_priority
from wyoming_rosie_tts.cancellation import StepCancellation

_LOG = structlog.get_logger()
NOT_STARTED = -math.inf
YIELD_SECONDS = 1.0
"""A listener with so much sound in hand lets those go first who have heard nothing yet."""
IDLE_SECONDS = 10.0
"""One with so much lets everybody go first."""
MAX_UNSENT_SECONDS = 5.0
"""Of sound that is made and not sent; no more is made until the peer has read."""
STOPPING = "this daemon is stopping"
P = ParamSpec("P")
T = TypeVar("T")


class PlaybackDeadline:
    """How much sound a listener has in hand, who hears it from its first piece on without a break if there is none."""

    def __init__(self) -> None:
        self._ends = NOT_STARTED

    def add(self, seconds: float, now: float) -> None:
        if seconds > 0:
            self._ends = max(self._ends, now) + seconds

    def remaining(self, now: float) -> float:
        """Return the seconds until the listener runs out of sound; SILENT when there was none yet."""
        return self._ends - now


def pick_next(ready: Sequence[PlaybackDeadline], running: Sequence[PlaybackDeadline], now: float) -> int | None:
    """Return which of those that are due goes next, the first of equals; None when they had better wait for the others."""
    if not ready:
        return None
    remaining, index = min((playback.remaining(now), index) for index, playback in enumerate(ready))
    somebody_is_silent = any(playback.remaining(now) == NOT_STARTED for playback in running)
    if running and (remaining > IDLE_SECONDS or (somebody_is_silent and remaining > YIELD_SECONDS)):
        return None
    return index


class SynthesisScheduler:
    """Owns the threads of an engine."""

    def __init__(self, name: str, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=lower_priority)
        self._idle_threads = workers
        self._ready: list[_SynthesisJob] = []  # in the order in which they were begun
        self._running: list[_SynthesisJob] = []
        self._started = 0
        self._is_open = True

    @property
    def waiting(self) -> int:
        """How many sentences wait for a thread."""
        return len(self._ready)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function of the engine returns that may block."""
        return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    async def stream(
        self,
        steps: Iterator[bytes],
        audio_format: AudioFormat,
        deadline: PlaybackDeadline,
        cancellation: StepCancellation | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the pieces that the steps make, of this format, to a listener. Raises EngineError and our other errors.

        To be closed by who does not want them all; then at most one more step is made.
        """
        self._started += 1
        job = _SynthesisJob(self._started, steps, audio_format, deadline, cancellation or StepCancellation())
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
        """Begin no more steps; what has begun ends unheard."""
        self._is_open = False
        for sentence in self._ready:
            sentence.fail(EngineError(STOPPING))
        self._ready.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, job: "_SynthesisJob") -> None:
        if not self._is_open:
            job.fail(EngineError(STOPPING))
        elif job.wants_more and job not in self._ready and job not in self._running:
            bisect.insort(self._ready, job, key=lambda one: one.number)
            self._start_ready()

    def _preempt(self, newcomer: PlaybackDeadline) -> None:
        """Break off the steps of those who can wait, for one who has heard nothing yet."""
        now = _now()
        if newcomer.remaining(now) == NOT_STARTED:
            for sentence in self._running:
                if sentence.deadline.remaining(now) > YIELD_SECONDS:
                    sentence.cancel_step()

    def _start_ready(self) -> None:
        while self._idle_threads:
            index = pick_next([one.deadline for one in self._ready], [one.deadline for one in self._running], _now())
            if index is None:
                return
            self._submit(self._ready.pop(index))

    def _submit(self, job: "_SynthesisJob") -> None:
        self._idle_threads -= 1
        self._running.append(job)
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
    """A sentence that is being spoken: its steps, and the pieces that have not been sent."""

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
        self._was_cancelled = False  # and is not again before there is a piece
        self._audio_format = audio_format
        self._chunks: deque[bytes] = deque()
        self._unsent_seconds = 0.0
        self._is_done = False
        self._failure: RosieError | None = None
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Want no more steps."""
        self._is_done, self.wants_more = True, False

    def complete_step(self, future: "Future[bytes | None]") -> None:
        """Take what a step made: a piece, None at the end, or a failure."""
        if future.cancelled():
            self.fail(EngineError(STOPPING))
        elif (failure := future.exception()) is not None:
            self.fail(_to_error(failure))
        elif (piece := future.result()) is None:
            self.stop()
        elif piece:
            self._add_chunk(piece)
        self._changed.set()

    def cancel_step(self) -> None:
        if not self._was_cancelled:
            self._was_cancelled = True
            self._cancellation.cancel()

    def fail(self, failure: RosieError) -> None:
        """Want no more steps, and tell the listener why unless all had been made."""
        if not self._is_done:
            self._failure = failure
        self.stop()
        self._changed.set()

    async def next_chunk(self) -> bytes | None:
        """Return the next piece, None after the last. Raises what the steps raised, after the pieces before it."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._is_done:
                return None
            self._changed.clear()
            await self._changed.wait()
        piece = self._chunks.popleft()
        self._update_unsent(-self._audio_format.seconds(len(piece)))
        return piece

    def _add_chunk(self, piece: bytes) -> None:
        self._was_cancelled = False
        seconds = self._audio_format.seconds(len(piece))
        self.deadline.add(seconds, _now())
        self._chunks.append(piece)
        self._update_unsent(seconds)

    def _update_unsent(self, seconds: float) -> None:
        self._unsent_seconds += seconds
        self.wants_more = not self._is_done and self._unsent_seconds < MAX_UNSENT_SECONDS


def _to_error(failure: BaseException) -> RosieError:
    """Return a failure as the peer is told of it: without what somebody said."""
    if isinstance(failure, RosieError):
        return failure
    _LOG.error("the engine failed", exc_info=failure)
    return EngineError(f"the engine failed: {type(failure).__name__}; the log of this daemon says more")


def _now() -> float:
    return asyncio.get_running_loop().time()
