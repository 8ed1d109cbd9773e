import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie.runtime.fair_queue import ClientTurns
from wyoming_rosie_tts.engine import StepCancellation
from wyoming_rosie_tts.synthesis_scheduler import (
    IDLE_SECONDS,
    MAX_UNSENT_SECONDS,
    NOT_STARTED,
    YIELD_SECONDS,
    PlaybackDeadline,
    SynthesisScheduler,
    pick_next,
)

AUDIO = AudioFormat(1000, 2, 1)
SECOND = bytes(2000)
WAIT_SECONDS = 5


def deadline_at(ahead: float, client: str = "") -> PlaybackDeadline:
    """Return the deadline of a reply that has so many seconds of audio ahead at time 0."""
    made = PlaybackDeadline(client)
    if ahead != NOT_STARTED:
        made.add(100 + ahead, -100)
    return made


def test_a_reply_without_audio_ahead_waits_for_one_step_of_each_other_client() -> None:
    turns = ClientTurns()
    ready = [*(deadline_at(NOT_STARTED, "many") for _ in range(32)), deadline_at(-2.0, "one"), deadline_at(0.5, "two")]
    served = []
    for _ in range(4):
        index = pick_next(ready, [], 0, turns)
        assert index is not None
        served.append(ready[index].client)
        turns.take(ready[index].client)
    assert served == ["many", "one", "many", "one"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=2, max_size=8))
def test_every_client_without_audio_ahead_gets_a_step_between_two_of_another(replies: list[tuple[str, int]]) -> None:
    turns, steps_left = ClientTurns(), dict(enumerate(steps for _, steps in replies))
    served: list[str] = []
    while steps_left:
        ready = list(steps_left)
        index = pick_next([deadline_at(NOT_STARTED, replies[one][0]) for one in ready], [], 0, turns)
        assert index is not None
        client = replies[ready[index]][0]
        waiting = {replies[one][0] for one in ready} - {client}
        latest = max((at for at, one in enumerate(served) if one == client), default=len(served))
        assert latest == len(served) or waiting <= set(served[latest:])
        served.append(client)
        turns.take(client)
        steps_left[ready[index]] -= 1
        if not steps_left[ready[index]]:
            del steps_left[ready[index]]


AHEAD = st.one_of(st.just(NOT_STARTED), st.floats(-5, 30))


def test_playback_that_ran_out_resumes_with_the_next_chunk() -> None:
    deadline = PlaybackDeadline()
    assert deadline.remaining(10) == NOT_STARTED
    deadline.add(0, 10)
    assert deadline.remaining(10) == NOT_STARTED
    deadline.add(2, 10)
    assert deadline.remaining(11) == 1
    deadline.add(2, 20)
    assert deadline.remaining(20) == 2


@pytest.mark.parametrize(
    ("ready", "running", "chosen"),
    [
        ([], [], None),
        ([3.0, 0.5, 2.0], [], 1),
        ([3.0, NOT_STARTED, -1.0, NOT_STARTED], [], 1),
        ([3.0], [NOT_STARTED], None),
        ([0.5], [NOT_STARTED], 0),
        ([3.0], [0.2], 0),
        ([12.0], [0.2], None),
        ([12.0], [], 0),
    ],
    ids=[
        "none",
        "least audio ahead",
        "not started, first of two",
        "ahead, beside one that has not started",
        "nearly out of audio, beside one that has not started",
        "ahead, beside others",
        "far ahead, beside others",
        "far ahead and alone",
    ],
)
def test_earliest_deadline_is_picked_next(ready: list[float], running: list[float], chosen: int | None) -> None:
    assert (
        pick_next([deadline_at(one) for one in ready], [deadline_at(one) for one in running], 0, ClientTurns())
        == chosen
    )


@given(ready=st.lists(AHEAD, min_size=1), running=st.lists(AHEAD))
def test_no_later_deadline_goes_first_and_work_never_stops(ready: list[float], running: list[float]) -> None:
    index = pick_next([deadline_at(one) for one in ready], [deadline_at(one) for one in running], 0, ClientTurns())
    if index is None:
        assert running
        assert min(ready) > YIELD_SECONDS
        assert min(ready) > IDLE_SECONDS or NOT_STARTED in running
    else:
        assert deadline_at(ready[index]).remaining(0) == min(deadline_at(one).remaining(0) for one in ready)


async def collect(
    scheduler: SynthesisScheduler, steps: Iterator[bytes], listener: PlaybackDeadline | None = None
) -> list[bytes]:
    return [chunk async for chunk in scheduler.stream(steps, AUDIO, listener or PlaybackDeadline())]


async def test_chunks_arrive_in_order_without_the_empty_ones(scheduler: SynthesisScheduler) -> None:
    assert await collect(scheduler, iter([b"", b"one", b"", b"two"])) == [b"one", b"two"]


async def test_a_failure_is_raised_after_the_chunks_before_it(scheduler: SynthesisScheduler) -> None:
    def steps() -> Iterator[bytes]:
        yield b"piece"
        raise BadEventError("no such sound", "unspeakable")

    got = []
    with pytest.raises(BadEventError, match="no such sound"):
        async for chunk in scheduler.stream(steps(), AUDIO, PlaybackDeadline()):
            got.append(chunk)
    assert got == [b"piece"]


async def test_an_unexpected_exception_is_reported_without_its_text(scheduler: SynthesisScheduler) -> None:
    def steps() -> Iterator[bytes]:
        yield b"piece"
        raise KeyError("secret words")

    with pytest.raises(EngineError, match="KeyError") as failure:
        await collect(scheduler, steps())
    assert "secret" not in str(failure.value)
    assert await collect(scheduler, iter([b"next"])) == [b"next"]


async def test_a_new_client_is_served_within_one_step(scheduler: SynthesisScheduler) -> None:
    made: list[str] = []
    come = threading.Event()

    def long() -> Iterator[bytes]:
        for _ in range(50):
            made.append("long")
            come.wait(WAIT_SECONDS)
            yield SECOND

    def short() -> Iterator[bytes]:
        for _ in range(2):
            made.append("short")
            yield b""
        yield SECOND

    telling = asyncio.create_task(collect(scheduler, long()))
    while not made:
        await asyncio.sleep(0)
    asking = asyncio.create_task(collect(scheduler, short()))
    await asyncio.sleep(0)
    come.set()
    await asking
    assert made[:3] == ["long", "short", "short"]
    await telling


async def test_a_closed_stream_runs_no_more_than_the_current_step(scheduler: SynthesisScheduler) -> None:
    made: list[int] = []

    def steps() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x"

    async with aclosing(scheduler.stream(steps(), AUDIO, PlaybackDeadline())) as chunks:
        await anext(chunks)
    count = len(made)
    await scheduler.call(lambda: None)
    await collect(scheduler, iter([b"other"]))
    assert len(made) <= count + 1 < 100


async def test_a_slow_reader_neither_blocks_the_engine_nor_fills_the_memory(scheduler: SynthesisScheduler) -> None:
    made: list[int] = []

    def steps() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield SECOND

    async with aclosing(scheduler.stream(steps(), AUDIO, PlaybackDeadline())) as chunks:
        await anext(chunks)
        assert await collect(scheduler, iter([b"other"])) == [b"other"]
        while len(made) < MAX_UNSENT_SECONDS:
            await asyncio.sleep(0)
        for _ in range(10):
            await scheduler.call(lambda: None)
        assert len(made) <= MAX_UNSENT_SECONDS + 1
        assert len([one async for one in chunks]) == 99


async def test_first_audio_shares_the_machine_with_no_client_that_can_wait() -> None:
    scheduler = SynthesisScheduler("test", workers=2)
    together: list[bool] = []
    began, go_on = threading.Event(), threading.Event()
    is_beginning = threading.Event()

    def comfortable() -> Iterator[bytes]:
        yield SECOND * 5
        for _ in range(3):
            together.append(is_beginning.is_set())
            yield SECOND

    def beginning() -> Iterator[bytes]:
        is_beginning.set()
        began.set()
        go_on.wait(WAIT_SECONDS)
        is_beginning.clear()
        yield SECOND

    comfort = scheduler.stream(comfortable(), AUDIO, PlaybackDeadline())
    await anext(comfort)
    asking = asyncio.create_task(collect(scheduler, beginning()))
    await asyncio.to_thread(began.wait, WAIT_SECONDS)
    rest = asyncio.create_task(_all(comfort))
    await asyncio.sleep(0.02)
    go_on.set()
    await asking
    await rest
    assert True not in together[1:]
    scheduler.close()


async def test_a_step_is_cancelled_for_a_new_client_but_not_twice_in_a_row(
    scheduler: SynthesisScheduler,
) -> None:
    asked: list[str] = []
    first_step, second_step, broken_off, go_on = (threading.Event() for _ in range(4))
    cancellation = StepCancellation()

    def break_off() -> None:
        asked.append("now")
        broken_off.set()

    def comfortable() -> Iterator[bytes]:
        yield SECOND * 5
        for begun, until in ((first_step, broken_off), (second_step, go_on)):
            with cancellation.on_cancel(break_off):
                begun.set()
                until.wait(WAIT_SECONDS)
            yield b""
        yield b"done"

    comfort = scheduler.stream(comfortable(), AUDIO, PlaybackDeadline(), cancellation)
    await anext(comfort)
    rest = asyncio.create_task(_all(comfort))
    await asyncio.to_thread(first_step.wait, WAIT_SECONDS)
    assert await collect(scheduler, iter([b"first"])) == [b"first"]
    await asyncio.to_thread(second_step.wait, WAIT_SECONDS)
    second = asyncio.create_task(collect(scheduler, iter([b"second"])))
    await asyncio.sleep(0.01)
    assert asked == ["now"]
    go_on.set()
    assert (await second, await rest) == ([b"second"], [b"done"])


async def _all(chunks: AsyncIterator[bytes]) -> list[bytes]:
    return [one async for one in chunks]


async def test_a_closed_scheduler_fails_the_jobs_that_wait() -> None:
    scheduler = SynthesisScheduler("test", workers=1)
    held, began = threading.Event(), threading.Event()

    def steps() -> Iterator[bytes]:
        began.set()
        held.wait(WAIT_SECONDS)
        yield b"piece"

    first = asyncio.create_task(collect(scheduler, steps()))
    await asyncio.to_thread(began.wait, WAIT_SECONDS)
    scheduler.close()
    held.set()
    with pytest.raises(EngineError, match="stopping"):
        await asyncio.wait_for(first, WAIT_SECONDS)
