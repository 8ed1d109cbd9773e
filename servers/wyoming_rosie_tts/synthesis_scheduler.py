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
from wyoming_rosie_tts.cancellation import Interruption

_LOG = structlog.get_logger()
SILENT = -math.inf
COMFORT_SECONDS = 1.0
"""A listener with so much sound in hand lets those go first who have heard nothing yet."""
FAR_SECONDS = 10.0
"""One with so much lets everybody go first."""
MOST_WAITING_SECONDS = 5.0
"""Of sound that is made and not sent; no more is made until the peer has read."""
STOPPING = "this daemon is stopping"
P = ParamSpec("P")
T = TypeVar("T")


class Playback:
    """How much sound a listener has in hand, who hears it from its first piece on without a break if there is none."""

    def __init__(self) -> None:
        self._ends = SILENT

    def add(self, seconds: float, now: float) -> None:
        if seconds > 0:
            self._ends = max(self._ends, now) + seconds

    def ahead(self, now: float) -> float:
        """Return the seconds until the listener runs out of sound; SILENT when there was none yet."""
        return self._ends - now


def choose(due: Sequence[Playback], at_work: Sequence[Playback], now: float) -> int | None:
    """Return which of those that are due goes next, the first of equals; None when they had better wait for the others."""
    if not due:
        return None
    ahead, index = min((playback.ahead(now), index) for index, playback in enumerate(due))
    somebody_is_silent = any(playback.ahead(now) == SILENT for playback in at_work)
    if at_work and (ahead > FAR_SECONDS or (somebody_is_silent and ahead > COMFORT_SECONDS)):
        return None
    return index


class Desk:
    """Owns the threads of an engine."""

    def __init__(self, name: str, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix=name, initializer=lower_priority)
        self._idle = workers
        self._due: list[_Sentence] = []  # in the order in which they were begun
        self._at_work: list[_Sentence] = []
        self._begun = 0
        self._is_open = True

    @property
    def waiting(self) -> int:
        """How many sentences wait for a thread."""
        return len(self._due)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function of the engine returns that may block."""
        return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    async def speak(
        self,
        steps: Iterator[bytes],
        audio: AudioFormat,
        playback: Playback,
        interruption: Interruption | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Yield the pieces that the steps make, of this format, to a listener. Raises EngineError and our other errors.

        To be closed by who does not want them all; then at most one more step is made.
        """
        self._begun += 1
        sentence = _Sentence(self._begun, steps, audio, playback, interruption or Interruption())
        self._make_room_for(playback)
        try:
            while True:
                self._due_if_wanted(sentence)
                if (piece := await sentence.next()) is None:
                    return
                yield piece
        finally:
            sentence.drop()
            if sentence in self._due:
                self._due.remove(sentence)

    def close(self) -> None:
        """Begin no more steps; what has begun ends unheard."""
        self._is_open = False
        for sentence in self._due:
            sentence.fail(EngineError(STOPPING))
        self._due.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _due_if_wanted(self, sentence: "_Sentence") -> None:
        if not self._is_open:
            sentence.fail(EngineError(STOPPING))
        elif sentence.wants_more and sentence not in self._due and sentence not in self._at_work:
            bisect.insort(self._due, sentence, key=lambda one: one.number)
            self._begin()

    def _make_room_for(self, newcomer: Playback) -> None:
        """Break off the steps of those who can wait, for one who has heard nothing yet."""
        now = _now()
        if newcomer.ahead(now) == SILENT:
            for sentence in self._at_work:
                if sentence.playback.ahead(now) > COMFORT_SECONDS:
                    sentence.interrupt()

    def _begin(self) -> None:
        while self._idle:
            index = choose([one.playback for one in self._due], [one.playback for one in self._at_work], _now())
            if index is None:
                return
            self._submit(self._due.pop(index))

    def _submit(self, sentence: "_Sentence") -> None:
        self._idle -= 1
        self._at_work.append(sentence)
        loop = asyncio.get_running_loop()
        future = self._threads.submit(next, sentence.steps, None)
        future.add_done_callback(lambda done: loop.is_closed() or loop.call_soon_threadsafe(self._done, sentence, done))

    def _done(self, sentence: "_Sentence", future: "Future[bytes | None]") -> None:
        self._idle += 1
        self._at_work.remove(sentence)
        sentence.take(future)
        self._due_if_wanted(sentence)
        self._begin()


class _Sentence:
    """A sentence that is being spoken: its steps, and the pieces that have not been sent."""

    def __init__(
        self, number: int, steps: Iterator[bytes], audio: AudioFormat, playback: Playback, interruption: Interruption
    ) -> None:
        self.number = number
        self.steps = steps
        self.playback = playback
        self.wants_more = True
        self._interruption = interruption
        self._was_interrupted = False  # and is not again before there is a piece
        self._audio = audio
        self._pieces: deque[bytes] = deque()
        self._waiting_seconds = 0.0
        self._is_made = False
        self._failure: RosieError | None = None
        self._changed = asyncio.Event()

    def drop(self) -> None:
        """Want no more steps."""
        self._is_made, self.wants_more = True, False

    def take(self, future: "Future[bytes | None]") -> None:
        """Take what a step made: a piece, None at the end, or a failure."""
        if future.cancelled():
            self.fail(EngineError(STOPPING))
        elif (failure := future.exception()) is not None:
            self.fail(_told(failure))
        elif (piece := future.result()) is None:
            self.drop()
        elif piece:
            self._add(piece)
        self._changed.set()

    def interrupt(self) -> None:
        if not self._was_interrupted:
            self._was_interrupted = True
            self._interruption.ask()

    def fail(self, failure: RosieError) -> None:
        """Want no more steps, and tell the listener why unless all had been made."""
        if not self._is_made:
            self._failure = failure
        self.drop()
        self._changed.set()

    async def next(self) -> bytes | None:
        """Return the next piece, None after the last. Raises what the steps raised, after the pieces before it."""
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self._is_made:
                return None
            self._changed.clear()
            await self._changed.wait()
        piece = self._pieces.popleft()
        self._count(-self._audio.seconds(len(piece)))
        return piece

    def _add(self, piece: bytes) -> None:
        self._was_interrupted = False
        seconds = self._audio.seconds(len(piece))
        self.playback.add(seconds, _now())
        self._pieces.append(piece)
        self._count(seconds)

    def _count(self, seconds: float) -> None:
        self._waiting_seconds += seconds
        self.wants_more = not self._is_made and self._waiting_seconds < MOST_WAITING_SECONDS


def _told(failure: BaseException) -> RosieError:
    """Return a failure as the peer is told of it: without what somebody said."""
    if isinstance(failure, RosieError):
        return failure
    _LOG.error("the engine failed", exc_info=failure)
    return EngineError(f"the engine failed: {type(failure).__name__}; the log of this daemon says more")


def _now() -> float:
    return asyncio.get_running_loop().time()
