import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie_tts.cancellation import StepCancellation
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


def playback(ahead: float) -> PlaybackDeadline:
    """Return that of a listener who at the time 0 has so much sound in hand."""
    made = PlaybackDeadline()
    if ahead != NOT_STARTED:
        made.add(100 + ahead, -100)
    return made


AHEAD = st.one_of(st.just(NOT_STARTED), st.floats(-5, 30))


def test_playback_that_ran_out_goes_on_with_the_next_sound() -> None:
    heard = PlaybackDeadline()
    assert heard.remaining(10) == NOT_STARTED
    heard.add(0, 10)
    assert heard.remaining(10) == NOT_STARTED
    heard.add(2, 10)
    assert heard.remaining(11) == 1
    heard.add(2, 20)
    assert heard.remaining(20) == 2


@pytest.mark.parametrize(
    ("due", "at_work", "chosen"),
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
        "nobody",
        "least in hand",
        "nothing heard yet, first of two",
        "comfortable beside one who heard nothing",
        "nearly out of sound beside one who heard nothing",
        "comfortable beside others",
        "far ahead beside others",
        "far ahead and alone",
    ],
)
def test_who_goes_next(due: list[float], at_work: list[float], chosen: int | None) -> None:
    assert pick_next([playback(one) for one in due], [playback(one) for one in at_work], 0) == chosen


@given(due=st.lists(AHEAD, min_size=1), at_work=st.lists(AHEAD))
def test_nobody_goes_before_one_with_less_in_hand_and_work_never_stops(due: list[float], at_work: list[float]) -> None:
    index = pick_next([playback(one) for one in due], [playback(one) for one in at_work], 0)
    if index is None:
        assert at_work
        assert min(due) > YIELD_SECONDS
        assert min(due) > IDLE_SECONDS or NOT_STARTED in at_work
    else:
        assert playback(due[index]).remaining(0) == min(playback(one).remaining(0) for one in due)


async def heard(
    scheduler: SynthesisScheduler, steps: Iterator[bytes], listener: PlaybackDeadline | None = None
) -> list[bytes]:
    return [piece async for piece in scheduler.stream(steps, AUDIO, listener or PlaybackDeadline())]


async def test_pieces_arrive_in_order_without_the_empty_ones(scheduler: SynthesisScheduler) -> None:
    assert await heard(scheduler, iter([b"", b"one", b"", b"two"])) == [b"one", b"two"]


async def test_a_failure_reaches_the_listener_after_the_pieces_before_it(scheduler: SynthesisScheduler) -> None:
    def steps() -> Iterator[bytes]:
        yield b"piece"
        raise BadEventError("no such sound", "unspeakable")

    got = []
    with pytest.raises(BadEventError, match="no such sound"):
        async for piece in scheduler.stream(steps(), AUDIO, PlaybackDeadline()):
            got.append(piece)
    assert got == [b"piece"]


async def test_a_bug_in_an_engine_is_told_without_its_words(scheduler: SynthesisScheduler) -> None:
    def steps() -> Iterator[bytes]:
        yield b"piece"
        raise KeyError("secret words")

    with pytest.raises(EngineError, match="KeyError") as failure:
        await heard(scheduler, steps())
    assert "secret" not in str(failure.value)
    assert await heard(scheduler, iter([b"next"])) == [b"next"]


async def test_a_newcomer_is_served_within_one_step(scheduler: SynthesisScheduler) -> None:
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

    telling = asyncio.create_task(heard(scheduler, long()))
    while not made:
        await asyncio.sleep(0)
    asking = asyncio.create_task(heard(scheduler, short()))
    await asyncio.sleep(0)
    come.set()
    await asking
    assert made[:3] == ["long", "short", "short"]
    await telling


async def test_who_leaves_costs_no_more_than_the_step_that_is_being_made(scheduler: SynthesisScheduler) -> None:
    made: list[int] = []

    def steps() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield b"x"

    async with aclosing(scheduler.stream(steps(), AUDIO, PlaybackDeadline())) as pieces:
        await anext(pieces)
    count = len(made)
    await scheduler.call(lambda: None)
    await heard(scheduler, iter([b"other"]))
    assert len(made) <= count + 1 < 100


async def test_who_does_not_listen_neither_holds_the_engine_nor_fills_the_memory(scheduler: SynthesisScheduler) -> None:
    made: list[int] = []

    def steps() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield SECOND

    async with aclosing(scheduler.stream(steps(), AUDIO, PlaybackDeadline())) as pieces:
        await anext(pieces)
        assert await heard(scheduler, iter([b"other"])) == [b"other"]
        while len(made) < MAX_UNSENT_SECONDS:
            await asyncio.sleep(0)
        for _ in range(10):
            await scheduler.call(lambda: None)
        assert len(made) <= MAX_UNSENT_SECONDS + 1
        assert len([one async for one in pieces]) == 99


async def test_who_has_heard_nothing_shares_the_machine_with_nobody_who_can_wait() -> None:
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
    asking = asyncio.create_task(heard(scheduler, beginning()))
    await asyncio.to_thread(began.wait, WAIT_SECONDS)
    rest = asyncio.create_task(_all(comfort))
    await asyncio.sleep(0.02)
    go_on.set()
    await asking
    await rest
    assert True not in together[1:]
    scheduler.close()


async def test_a_comfortable_listeners_step_is_broken_off_for_a_newcomer_but_not_twice(
    scheduler: SynthesisScheduler,
) -> None:
    asked: list[str] = []
    at_work, at_work_again, broken_off, go_on = (threading.Event() for _ in range(4))
    cancellation = StepCancellation()

    def break_off() -> None:
        asked.append("now")
        broken_off.set()

    def comfortable() -> Iterator[bytes]:
        yield SECOND * 5
        for begun, until in ((at_work, broken_off), (at_work_again, go_on)):
            with cancellation.on_cancel(break_off):
                begun.set()
                until.wait(WAIT_SECONDS)
            yield b""
        yield b"done"

    comfort = scheduler.stream(comfortable(), AUDIO, PlaybackDeadline(), cancellation)
    await anext(comfort)
    rest = asyncio.create_task(_all(comfort))
    await asyncio.to_thread(at_work.wait, WAIT_SECONDS)
    assert await heard(scheduler, iter([b"first"])) == [b"first"]
    await asyncio.to_thread(at_work_again.wait, WAIT_SECONDS)
    second = asyncio.create_task(heard(scheduler, iter([b"second"])))
    await asyncio.sleep(0.01)
    assert asked == ["now"]
    go_on.set()
    assert (await second, await rest) == ([b"second"], [b"done"])


async def _all(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [one async for one in pieces]


async def test_a_closed_desk_leaves_nobody_waiting() -> None:
    scheduler = SynthesisScheduler("test", workers=1)
    held, began = threading.Event(), threading.Event()

    def steps() -> Iterator[bytes]:
        began.set()
        held.wait(WAIT_SECONDS)
        yield b"piece"

    first = asyncio.create_task(heard(scheduler, steps()))
    await asyncio.to_thread(began.wait, WAIT_SECONDS)
    scheduler.close()
    held.set()
    with pytest.raises(EngineError, match="stopping"):
        await asyncio.wait_for(first, WAIT_SECONDS)
