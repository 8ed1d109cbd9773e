"""Streams of audio on a few threads, with an engine that counts."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.runtime.stream_scheduler import (
    BACKLOG_BATCH_SIZE,
    KEPT_BACKLOG_SECONDS,
    MAX_BACKLOG_SECONDS,
    BatchLimits,
    BatchScheduler,
    ScheduledStream,
    worker_count,
)

HOP = 320
PACE = BatchLimits(hop_bytes=HOP, max_bytes=2 * HOP, tick_seconds=0.02)


class Tally:
    """One stream's state: what it was given, in order, and what it was told will never come."""

    def __init__(self) -> None:
        self.pcm = b""
        self.skipped = 0
        self.is_heard = False

    def skip(self, samples: int) -> None:
        self.skipped += samples


class CountingEngine:
    """Finds the number of bytes that each stream was given; takes its time; fails when it hears 'bad'."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.overlapped = False

    def hear(self, batch: Sequence[tuple[Tally, bytes]]) -> list[list[int]]:
        self.batches.append(len(batch))
        self.threads.add(threading.current_thread().name)
        for tally, pcm in batch:
            self.overlapped |= tally.is_heard
            tally.is_heard = True
            tally.pcm += pcm
        time.sleep(self.seconds)
        for tally, pcm in batch:
            tally.is_heard = False
            if b"bad" in pcm:
                raise ValueError("bad audio")
        return [[len(pcm)] for _, pcm in batch]


class Room:
    """A scheduler with a counting engine, and streams that note what was found."""

    def __init__(self, engine: CountingEngine, threads: int) -> None:
        self.engine = engine
        self.scheduler: BatchScheduler[Tally, int] = BatchScheduler("test", engine.hear, PACE, threads)
        self.found: list[int] = []

    def open(self, *, client: str = "", may_drop: bool = True) -> ScheduledStream[Tally, int]:
        return self.scheduler.create_stream(Tally(), self.found.extend, client=client, may_drop=may_drop)

    async def open_live(self, count: int) -> list[ScheduledStream[Tally, int]]:
        """Open streams that have had a hop of audio each."""
        streams = [self.open() for _ in range(count)]
        for stream in streams:
            await stream.push(bytes(HOP))
        for stream in streams:
            await stream.finish()
        self.engine.batches.clear()
        return streams


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    room = Room(CountingEngine(), 2)
    yield room
    room.scheduler.close()


@pytest.fixture
async def slow_room() -> AsyncIterator[Room]:
    room = Room(CountingEngine(0.02), 1)
    yield room
    room.scheduler.close()


async def test_audio_comes_whole_and_in_order_and_less_than_a_hop_waits(room: Room) -> None:
    stream = room.open()
    pcm = bytes(range(256)) * 10
    for at in range(0, len(pcm), 70):
        await stream.push(pcm[at : at + 70])
    await stream.finish()
    assert stream.state.pcm == pcm[: len(pcm) - len(pcm) % HOP]
    assert sum(room.found) == len(stream.state.pcm)


async def test_streams_that_are_due_together_work_together(room: Room) -> None:
    streams = await room.open_live(8)
    for _ in range(3):
        for stream in streams:
            await stream.push(bytes(HOP))
        for stream in streams:
            await stream.finish()
    assert room.engine.batches == [8, 8, 8]


async def test_a_stream_that_is_alone_does_not_wait(room: Room) -> None:
    stream = room.open()
    await stream.push(bytes(HOP))
    assert room.scheduler._timer is None
    await stream.finish()


async def test_one_of_many_streams_waits_a_little_for_the_others(room: Room) -> None:
    streams = await room.open_live(3)
    await streams[0].push(bytes(HOP))
    assert room.scheduler._timer is not None
    await streams[0].finish()
    assert room.engine.batches == [1]


async def test_a_live_stream_does_not_wait_for_recordings_nor_for_streams_without_audio(room: Room) -> None:
    live, recording, _ = room.open(), room.open(client="other"), room.open(client="other")
    await recording.push(bytes(SPEECH.bytes_in(1)))
    await recording.finish()
    tap = Tap()
    for stream in (live, recording):
        await live.push(bytes(HOP))
        assert room.scheduler._timer is None
        stream.coalesce(tap)
        assert not tap.is_held
        await live.finish()


async def test_a_client_that_used_much_leaves_a_thread_and_waits_while_another_is_served(room: Room) -> None:
    room.engine.seconds = 0.002
    recording = bytes(SPEECH.bytes_in(MAX_BACKLOG_SECONDS))
    many, one = [room.open(client="many") for _ in range(20)], room.open(client="one")
    for _ in range(2):
        await asyncio.gather(*(stream.push(recording) for stream in many))
    assert room.scheduler._running == {"many": 1}
    await one.push(recording)
    assert room.scheduler._running == {"many": 1, "one": 1}
    before = sum(len(stream.state.pcm) for stream in many)
    await one.finish()
    assert len(one.state.pcm) == len(recording)
    assert sum(len(stream.state.pcm) for stream in many) - before <= 2 * BACKLOG_BATCH_SIZE * PACE.max_bytes
    await many[0].finish()


@pytest.mark.parametrize("threads", [1, 2, 4])
async def test_of_clients_that_used_much_each_gets_as_much(threads: int) -> None:
    room = Room(CountingEngine(0.001), threads)
    recording = bytes(SPEECH.bytes_in(MAX_BACKLOG_SECONDS))
    streams = {client: [room.open(client=client, may_drop=False) for _ in range(6)] for client in ("a", "b", "c")}
    sending = [asyncio.create_task(_send(stream, recording, 3)) for many in streams.values() for stream in many]
    heard = dict.fromkeys(streams, 0)
    while sum(heard.values()) < SPEECH.bytes_in(75):  # of 108 s
        await asyncio.sleep(0.001)
        heard = {client: sum(len(stream.state.pcm) for stream in many) for client, many in streams.items()}
    assert max(heard.values()) <= 1.5 * min(heard.values())
    await asyncio.gather(*sending)
    room.scheduler.close()


async def _send(stream: ScheduledStream[Tally, int], pcm: bytes, times: int) -> None:
    for _ in range(times):
        await stream.push(pcm)


async def test_no_batch_is_started_after_the_end(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.engine.seconds = 0.01
    stream = room.open()
    await stream.push(bytes(10 * HOP))
    room.scheduler.close()
    await asyncio.to_thread(room.scheduler._threads.shutdown)
    await asyncio.sleep(0)
    assert room.engine.batches == [1]
    assert not caplog.records


async def test_a_stream_is_never_in_two_threads_at_once(room: Room) -> None:
    room.engine.seconds = 0.002
    streams = [room.open() for _ in range(40)]
    for _ in range(10):
        await asyncio.gather(*(stream.push(bytes(3 * HOP)) for stream in streams))
    for stream in streams:
        await stream.finish()
    assert len(room.engine.threads) == 2
    assert not room.engine.overlapped
    assert all(len(stream.state.pcm) == 30 * HOP for stream in streams)


async def test_a_whole_recording_is_heard_before_more_of_a_client_with_many(slow_room: Room) -> None:
    many = [slow_room.open(client="many") for _ in range(30)]
    for stream in many:
        await stream.push(bytes(20 * HOP))
    await asyncio.sleep(0.1)
    before = sum(len(stream.state.pcm) for stream in many)
    one = slow_room.open(client="one")
    await one.push(bytes(20 * HOP))
    await one.finish()
    assert len(one.state.pcm) == 20 * HOP
    assert sum(len(stream.state.pcm) for stream in many) - before <= 2 * BACKLOG_BATCH_SIZE * PACE.max_bytes


async def test_a_live_stream_waits_for_one_batch_of_a_client_with_many(slow_room: Room) -> None:
    many, live = [slow_room.open(client="many") for _ in range(30)], slow_room.open(client="live")
    for stream in many:
        await stream.push(bytes(20 * HOP))
    batches = []
    for _ in range(3):
        before = len(slow_room.engine.batches)
        await live.push(bytes(HOP))
        await live.finish()
        batches += slow_room.engine.batches[before:]
    assert len(live.state.pcm) == 3 * HOP
    assert max(batches) <= BACKLOG_BATCH_SIZE + 1


async def test_a_stream_with_much_to_hear_leaves_the_others_their_turn(slow_room: Room) -> None:
    greedy, modest = slow_room.open(), slow_room.open()
    await greedy.push(bytes(SPEECH.bytes_in(MAX_BACKLOG_SECONDS)))
    await modest.push(bytes(HOP))
    await modest.finish()
    assert len(greedy.state.pcm) <= 4 * PACE.max_bytes


async def test_a_stream_faster_than_real_time_waits_and_loses_nothing(room: Room) -> None:
    stream = room.open()
    for _ in range(10):
        await stream.push(bytes(SPEECH.bytes_in(1)))
        assert len(stream._backlog) <= SPEECH.bytes_in(MAX_BACKLOG_SECONDS)
    await stream.finish()
    assert len(stream.state.pcm) == SPEECH.bytes_in(10)
    assert stream.dropped_samples == 0


async def test_a_stream_that_we_are_late_with_loses_its_oldest_audio_and_it_is_counted(slow_room: Room) -> None:
    stream = slow_room.open()
    stream._start_time = -100.0  # the peer has been sending in real time for long
    stream._received_bytes = 1
    loud = b"\x01\x00" * (SPEECH.bytes_in(MAX_BACKLOG_SECONDS + 1) // 2)
    await stream.push(loud)
    assert len(stream._backlog) == SPEECH.bytes_in(KEPT_BACKLOG_SECONDS)
    await stream.finish()
    assert stream.dropped_samples == stream.state.skipped > 0
    assert stream.state.skipped * 2 + len(stream.state.pcm) == len(loud)


async def test_a_stream_of_limited_length_loses_nothing_however_late_we_are(slow_room: Room) -> None:
    stream = slow_room.open(may_drop=False)
    stream._start_time = -100.0
    stream._received_bytes = 1
    loud = b"\x01\x00" * (SPEECH.bytes_in(MAX_BACKLOG_SECONDS + 1) // 2)
    await stream.push(loud)
    await stream.finish()
    assert stream.dropped_samples == 0
    assert len(stream.state.pcm) == len(loud)


async def test_a_failure_of_the_engine_is_told_to_those_it_concerns(room: Room) -> None:
    broken, whole = room.open(), room.open()
    await broken.push(b"bad" + bytes(HOP))
    with pytest.raises(EngineError, match="ValueError"):
        await broken.finish()
    with pytest.raises(EngineError):
        await broken.push(bytes(HOP))
    await whole.push(bytes(HOP))
    await whole.finish()
    assert room.found == [HOP]


async def test_nothing_is_found_in_a_stream_that_was_closed(slow_room: Room) -> None:
    stream = slow_room.open()
    await stream.push(bytes(20 * HOP))
    stream.close()
    stream.close()
    await asyncio.sleep(0.1)
    assert slow_room.found == []
    assert len(stream.state.pcm) <= PACE.max_bytes


async def test_calls_that_block_run_on_a_thread(room: Room) -> None:
    assert await room.scheduler.call(threading.current_thread) is not threading.current_thread()


def test_workers_are_as_many_as_wanted_or_as_there_are_processors() -> None:
    assert worker_count(3) == 3
    assert worker_count(0) >= 1
    with pytest.raises(ConfigError, match="--workers"):
        worker_count(-1)


class Tap:
    """A source that notes when it is held and released."""

    def __init__(self) -> None:
        self.is_held = False
        self.releases = 0

    def hold(self) -> None:
        self.is_held = True

    def release(self) -> None:
        self.is_held = False
        self.releases += 1


async def test_sources_rest_between_ticks_while_there_are_several_streams(room: Room) -> None:
    streams = await room.open_live(2)
    taps = [Tap() for _ in streams]
    for stream, tap in zip(streams, taps, strict=True):
        stream.coalesce(tap)
    assert all(tap.is_held for tap in taps)
    async with asyncio.timeout(60):
        while min(tap.releases for tap in taps) < 3:
            await asyncio.sleep(0.001)
    streams[0].close()
    assert not taps[0].is_held
    released = taps[0].releases
    await asyncio.sleep(0.1)
    assert taps[0].releases == released


async def test_sources_that_become_recordings_are_still_read_once_per_tick(room: Room) -> None:
    streams, tap = await room.open_live(2), Tap()
    streams[0].coalesce(tap)
    for stream in streams:
        await stream.push(bytes(SPEECH.bytes_in(1)))
        await stream.finish()
    while not tap.releases:
        await asyncio.sleep(0)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert tap.releases < 100


async def test_the_only_stream_does_not_rest(room: Room) -> None:
    stream, tap = room.open(), Tap()
    stream.coalesce(tap)
    assert not tap.is_held


async def test_all_of_many_sources_are_released_in_turn(room: Room) -> None:
    streams = await room.open_live(100)
    taps = [Tap() for _ in streams]
    for stream, tap in zip(streams, taps, strict=True):
        stream.coalesce(tap)
    async with asyncio.timeout(60):
        while min(tap.releases for tap in taps) < 2:
            await asyncio.sleep(0.001)
    assert max(tap.releases for tap in taps) - min(tap.releases for tap in taps) <= 1


async def test_streams_that_no_thread_hears_yet_are_counted(slow_room: Room) -> None:
    streams = [slow_room.open() for _ in range(5)]
    await streams[0].push(bytes(HOP))
    slow_room.scheduler._start_batches()  # its thread has enough to do
    for stream in streams[1:]:
        await stream.push(bytes(HOP))
    assert slow_room.scheduler.waiting == 4
    for stream in streams:
        await stream.finish()
    assert slow_room.scheduler.waiting == 0


async def test_the_lag_lasts_from_the_audio_to_what_is_found_in_it(slow_room: Room) -> None:
    lags: list[float] = []
    stream = slow_room.scheduler.create_stream(Tally(), lambda _: lags.append(stream.lag_seconds))
    await stream.push(bytes(HOP))
    await stream.finish()
    assert len(lags) == 1
    assert slow_room.engine.seconds <= lags[0] < 1
