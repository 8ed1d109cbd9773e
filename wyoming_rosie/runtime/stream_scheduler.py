"""Stream scheduler: batches many audio streams on the few threads of an engine, in turn.

Live streams come first. Of those that send faster than real time, the ones of the client that has used the engine least
lately are next, so that a whole recording does not wait for another client's many. When the engine cannot keep up, a stream
whose backlog is too long loses its oldest audio, which is counted; other streams are not delayed by it.
"""

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, ParamSpec, Protocol, TypeAlias, TypeVar

import structlog

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError, EngineError, RosieError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.runtime.workers import lower_priority

_LOG = structlog.get_logger()
MAX_BACKLOG_SECONDS = 2.0
"""Backlog, in seconds of audio, beyond which a live stream drops its oldest samples."""
KEPT_BACKLOG_SECONDS = 1.0
"""Newest audio that stays in the backlog then."""
TICK_SECONDS_PER_STREAM = 0.02
LIVE_CHUNK_SECONDS = 0.25
"""A stream with longer chunks is a recording, which gains nothing by a tick, and must not slow live streams by one."""
MAX_BATCH_SIZE = 32
BACKLOG_BATCH_SIZE = 8
"""Streams in a batch that are recordings or behind: others wait for no longer than that takes. More gain nothing."""
USE_RATE = Rate(per_second=1.0, burst=0)
"""Of a second of audio that a client has had processed, this is forgiven."""
MUCH_USED_SECONDS = 10.0
"""Use from which a client waits while others are served."""
MAX_USED_SECONDS = 60.0
"""Use beyond which a client is not put back any further."""
_WORKERS = range(65)
FINISH_SECONDS = 60.0
_MAX_BACKLOG_BYTES = SPEECH.bytes_in(MAX_BACKLOG_SECONDS)
_KEPT_BACKLOG_BYTES = SPEECH.bytes_in(KEPT_BACKLOG_SECONDS)
_LIVE_CHUNK_BYTES = SPEECH.bytes_in(LIVE_CHUNK_SECONDS)
P = ParamSpec("P")
T = TypeVar("T")


class StreamState(Protocol):
    """An engine's state for one stream."""

    def skip(self, samples: int) -> None:
        """Advance the position by samples that were dropped."""


class AudioSource(Protocol):
    """The source of a stream's audio, such as a socket."""

    def hold(self) -> None:
        """Stop reading until `release`."""

    def release(self) -> None:
        """Read what has arrived."""


S = TypeVar("S", bound=StreamState)
F = TypeVar("F")


@dataclass(frozen=True)
class BatchLimits:
    """Limits in bytes of 16 kHz 16-bit mono audio: a batch holds multiples of `hop_bytes`, at most `max_bytes` per stream.

    A stream that is ready waits up to `tick_seconds` for others.
    """

    hop_bytes: int
    max_bytes: int
    tick_seconds: float


class BatchScheduler(Generic[S, F]):
    """Owns the threads of an engine. `process` takes the states and audio of a batch and returns the results of each."""

    def __init__(
        self,
        name: str,
        process: Callable[[Sequence[tuple[S, bytes]]], Sequence[Sequence[F]]],
        limits: BatchLimits,
        workers: int,
    ) -> None:
        self._process = process
        self.limits = limits
        self._idle_workers = workers
        self._threads = ThreadPoolExecutor(self._idle_workers, thread_name_prefix=name, initializer=lower_priority)
        self._ready: deque[ScheduledStream[S, F]] = deque()
        self._coalesced: deque[ScheduledStream[S, F]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._open_streams = Counter[str]()  # by client
        self.live_streams: set[ScheduledStream[S, F]] = set()
        self._is_closed = False
        self._running = Counter[str]()  # batches with streams of each client
        self._usage = RateLimit(USE_RATE)  # what each client has had processed and is not forgiven yet

    @property
    def waiting(self) -> int:
        """Streams whose audio waits for a thread."""
        return len(self._ready)

    async def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function on one of the threads and return its result."""
        return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))

    def submit(self, function: Callable[[], object]) -> None:
        """Run a function on one of the threads, without waiting for its result."""
        self._threads.submit(function)

    def create_stream(
        self, state: S, on_results: Callable[[Sequence[F]], None], *, client: str = "", may_drop: bool = True
    ) -> "ScheduledStream[S, F]":
        """Create a stream; the event loop calls `on_results` with its results, in order.

        A stream of limited length must not drop audio that the engine is late with (`may_drop`); it waits.
        """
        self._open_streams[client] += 1
        return ScheduledStream(self, state, on_results, client=client, may_drop=may_drop)

    def close(self) -> None:
        """Start no more batches; results of running ones are dropped."""
        if self._timer is not None:
            self._timer.cancel()
        self._ready.clear()
        self._is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def remove_stream(self, stream: "ScheduledStream[S, F]") -> None:
        """Remove a closed stream."""
        self._open_streams[stream.client] -= 1
        self._open_streams += Counter()  # forgets clients without any
        self.live_streams.discard(stream)
        if stream in self._coalesced:
            self._coalesced.remove(stream)

    def coalesce(self, stream: "ScheduledStream[S, F]") -> bool:
        """Read the stream's source once per tick from now on; return False unless it is one of several live streams."""
        if stream not in self.live_streams or len(self.live_streams) < 2:  # it would gain nothing but delay
            return False
        self._coalesced.append(stream)
        self._tick_soon()
        return True

    def enqueue(self, stream: "ScheduledStream[S, F]") -> None:
        """Queue a stream that has audio for a batch."""
        if not self._is_closed:
            self._ready.append(stream)
            self._start_soon()

    def _start_soon(self) -> None:
        """Start at once for a single live stream, a recording or a full batch; otherwise with the next tick."""
        if not self._ready or not self._idle_workers:
            return
        if (
            len(self.live_streams) < 2
            or len(self._ready) >= MAX_BATCH_SIZE
            or not all(stream.keeps_up for stream in self._ready)
        ):
            self._start_batches()
        else:
            self._tick_soon()

    def _tick_soon(self) -> None:
        if self._timer is None:
            streams = max(1, len(self.live_streams))  # none, where those that are read once per tick became recordings
            seconds = min(self.limits.tick_seconds, TICK_SECONDS_PER_STREAM * streams)
            groups = max(1.0, len(self._coalesced) / MAX_BATCH_SIZE)  # they are read in groups, one per tick
            self._timer = asyncio.get_running_loop().call_later(seconds / groups, self._tick)

    def _tick(self) -> None:
        """Read the coalesced sources, then start with all streams that are ready.

        The event loop wakes once for many streams, since waking costs more than the reading.
        """
        self._timer = None
        group = [self._coalesced.popleft() for _ in range(min(len(self._coalesced), MAX_BATCH_SIZE))]
        self._coalesced += group
        for stream in group:
            assert stream.source is not None
            stream.source.release()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._all_processed, group)  # by then, what has arrived is read
        if self._coalesced:
            self._tick_soon()

    def _all_processed(self, group: "list[ScheduledStream[S, F]]") -> None:
        for stream in group:
            if stream.source is not None:  # it may be closed by now
                stream.source.hold()
        self._start_batches()

    def _start_batches(self) -> None:
        while self._idle_workers and (streams := self._take_ready()):
            work = [(stream, stream.take_batch(self.limits)) for stream in streams]
            work = [(stream, piece) for stream, piece in work if piece.pcm]
            now = loop_time()
            for stream, piece in work:
                self._usage.take(stream.client, now, SPEECH.seconds(len(piece.pcm)), patience=MAX_USED_SECONDS)
            if work:
                self._submit([stream for stream, _ in work], [piece for _, piece in work])

    def _take_ready(self) -> "list[ScheduledStream[S, F]]":
        """Take the streams of the next batch: live ones that keep up, and others of one client."""
        batch = [stream for stream in self._ready if stream.keeps_up][:MAX_BATCH_SIZE]
        others = [stream for stream in self._ready if not stream.keeps_up]
        used = self._read_usage()
        served = {*self._running, *(stream.client for stream in batch)}
        clients = [client for client in {stream.client for stream in others} if self._may_start(client, served, used)]
        if clients:
            client = min(clients, key=used)
            room = min(BACKLOG_BATCH_SIZE, MAX_BATCH_SIZE - len(batch))
            batch += [stream for stream in others if stream.client == client][:room]
        taken = set(batch)
        self._ready = deque(stream for stream in self._ready if stream not in taken)
        return batch

    def _read_usage(self) -> Callable[[str], float]:
        """Return what tells the seconds of audio that a client has used beyond real time, as of now."""
        now = loop_time()
        return lambda client: self._usage.seconds_until(client, now, cost=0)

    def _may_start(self, client: str, served: set[str], used: Callable[[str], float]) -> bool:
        """Return whether a client may start a batch of its recordings now.

        One that has used much lately leaves a thread free for others, and waits while one that has used less is served.
        """
        if len(self._open_streams) < 2 or used(client) < MUCH_USED_SECONDS:
            return True
        is_last_thread = self._idle_workers == 1 and self._running[client] > 0
        return not is_last_thread and all(used(other) >= used(client) for other in served)

    def _submit(self, streams: "list[ScheduledStream[S, F]]", pieces: "list[_BatchItem[S]]") -> None:
        self._idle_workers -= 1
        self._running.update({stream.client for stream in streams})
        loop = asyncio.get_running_loop()
        future = self._threads.submit(self._run_batch, pieces)
        future.add_done_callback(lambda done: _notify(loop, self._on_batch_done, streams, done))

    def _run_batch(self, pieces: "list[_BatchItem[S]]") -> Sequence[Sequence[F]]:
        for piece in pieces:
            if piece.skipped:
                piece.state.skip(piece.skipped)
        return self._process([(piece.state, piece.pcm) for piece in pieces])

    def _on_batch_done(self, streams: "list[ScheduledStream[S, F]]", future: "Future[Sequence[Sequence[F]]]") -> None:
        self._idle_workers += 1
        self._running -= Counter({stream.client for stream in streams})
        failure = None if future.cancelled() else future.exception()
        if failure is not None:
            _LOG.error("engine failed", exc_info=failure)
        results: Sequence[Sequence[F]] = [()] * len(streams) if failure or future.cancelled() else future.result()
        for stream, found in zip(streams, results, strict=True):
            stream.complete(found, failure)
        self._start_soon()


class ScheduledStream(Generic[S, F]):
    """One stream of 16 kHz 16-bit mono audio, used by one task."""

    def __init__(
        self,
        scheduler: BatchScheduler[S, F],
        state: S,
        on_results: Callable[[Sequence[F]], None],
        *,
        client: str,
        may_drop: bool,
    ) -> None:
        self.state = state
        self.client = client
        self.source: AudioSource | None = None  # of a coalesced stream
        self.dropped_samples = 0
        self._scheduler = scheduler
        self._on_results = on_results
        self._may_drop = may_drop
        self._backlog = bytearray()
        self._skipped_samples = 0  # samples that the state has not skipped yet
        self._received_bytes = 0
        self._start_time = 0.0
        self._enqueued_at = 0.0
        self._is_queued = False
        self._is_processing = False
        self._is_closed = False
        self._progress = asyncio.Event()
        self._failure: RosieError | None = None

    @property
    def lag_seconds(self) -> float:
        """Seconds since the audio of the latest batch was queued."""
        return loop_time() - self._enqueued_at

    @property
    def is_behind(self) -> bool:
        """Whether the backlog exceeds one batch."""
        return len(self._backlog) >= 2 * self._scheduler.limits.max_bytes

    @property
    def keeps_up(self) -> bool:
        """Whether the stream is live and has no backlog."""
        return self in self._scheduler.live_streams and not self.is_behind

    def try_push(self, pcm: bytes) -> bool:
        """Queue audio, or return False if `push` would wait, drop audio or raise."""
        if self._failure is not None or len(self._backlog) + len(pcm) > _MAX_BACKLOG_BYTES:
            return False
        self._append(pcm)
        return True

    def coalesce(self, source: AudioSource) -> None:
        """Read the source once per tick while there are other streams, until the stream is closed."""
        if self.source is None and self._scheduler.coalesce(self):
            self.source = source
            source.hold()

    async def push(self, pcm: bytes) -> None:
        """Queue audio; waits while the stream is far ahead of real time, or of the engine if it may not drop.

        Raises EngineError.
        """
        self._raise_failure()
        self._append(pcm)
        if not self._may_drop:
            await self._wait_for_backlog()
            return
        while len(self._backlog) > _MAX_BACKLOG_BYTES and (ahead := self._seconds_ahead()) > 0:
            await self._wait(ahead)
        if len(self._backlog) > _MAX_BACKLOG_BYTES:
            self._drop_oldest()

    async def _wait_for_backlog(self) -> None:
        deadline = loop_time() + FINISH_SECONDS
        while len(self._backlog) > _MAX_BACKLOG_BYTES:
            if loop_time() > deadline:
                raise EngineError("the engine did not process the audio in time")
            await self._wait(1.0)
            self._raise_failure()

    async def finish(self) -> None:
        """Wait until every whole hop has been processed. Raises EngineError."""
        deadline = loop_time() + FINISH_SECONDS
        while self._is_queued or self._is_processing:
            if loop_time() > deadline:
                raise EngineError("the engine did not process the audio in time")
            await self._wait(1.0)
        self._raise_failure()

    def close(self) -> None:
        """Drop the backlog; no more results are delivered."""
        if self._is_closed:
            return
        self._is_closed = True
        self._backlog.clear()
        self._scheduler.remove_stream(self)
        if self.source is not None:
            self.source.release()
            self.source = None
        if self.dropped_samples:
            seconds = round(self.dropped_samples / SPEECH.rate, 1)
            _LOG.warning("audio dropped: more streams than this machine can process", seconds=seconds)

    def take_batch(self, limits: BatchLimits) -> "_BatchItem[S]":
        """Take the next audio for a batch; the stream is processing until `complete`."""
        self._is_queued = False
        size = min(len(self._backlog) - len(self._backlog) % limits.hop_bytes, limits.max_bytes)
        piece = _BatchItem(self.state, bytes(self._backlog[:size]), self._skipped_samples)
        del self._backlog[:size]
        self._skipped_samples = 0
        self._is_processing = bool(size)
        return piece

    def complete(self, results: Sequence[F], failure: BaseException | None) -> None:
        """Deliver the results of a batch, or record its failure."""
        self._is_processing = False
        if failure is not None:
            self._failure = EngineError(f"the engine failed: {type(failure).__name__}")
        if results and not self._is_closed:
            self._on_results(results)
        self._queue()
        self._progress.set()

    def _append(self, pcm: bytes) -> None:
        if len(pcm) <= _LIVE_CHUNK_BYTES:
            self._scheduler.live_streams.add(self)
        else:
            self._scheduler.live_streams.discard(self)
        if not self._received_bytes:
            self._start_time = loop_time()
        self._received_bytes += len(pcm)
        self._backlog += pcm
        self._queue()

    def _queue(self) -> None:
        if self._is_queued or self._is_processing or len(self._backlog) < self._scheduler.limits.hop_bytes:
            return
        self._is_queued = True
        self._enqueued_at = loop_time()
        self._scheduler.enqueue(self)

    def _drop_oldest(self) -> None:
        size = len(self._backlog) - _KEPT_BACKLOG_BYTES
        del self._backlog[:size]
        self._skipped_samples += size // SPEECH.frame_bytes
        self.dropped_samples += size // SPEECH.frame_bytes

    def _seconds_ahead(self) -> float:
        return SPEECH.seconds(self._received_bytes) - (loop_time() - self._start_time)

    async def _wait(self, seconds: float) -> None:
        self._progress.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._progress.wait()
        except TimeoutError:
            return

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


@dataclass(frozen=True)
class _BatchItem(Generic[S]):
    """Audio of one stream in a batch, and the number of samples dropped before it."""

    state: S
    pcm: bytes
    skipped: int


_Done: TypeAlias = Callable[..., None]


def worker_count(requested: int) -> int:
    """Return the number of threads: `requested`, or for 0 one per CPU that this process may use.

    Raises ConfigError.
    """
    if requested not in _WORKERS:
        raise ConfigError(f"--workers must be from 0 to {_WORKERS[-1]}, not {requested}")
    return requested or min(len(os.sched_getaffinity(0)), _WORKERS[-1])


def _notify(loop: asyncio.AbstractEventLoop, done: _Done, *args: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(done, *args)
