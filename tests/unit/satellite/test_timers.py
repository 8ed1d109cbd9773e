"""Timers that end by themselves, are reported by a server, and survive a restart."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event
from wyoming.timer import TimerCancelled, TimerFinished, TimerStarted, TimerUpdated

from tests.waiting import wait_until
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.timers.timer import Timer
from wyoming_rosie_satellite.storage.timer_service import SatelliteTimerService
from wyoming_rosie_satellite.storage.timer_store import MAX_OVERDUE_SECONDS, decode_timers, encode_timers
from wyoming_rosie_satellite.storage.timers import MAX_SECONDS, MAX_TIMERS, Timers

NOON = 1_800_000_000.0


def started(timer_id: str = "a", seconds: int = 60, name: str | None = None) -> Event:
    return TimerStarted(id=timer_id, total_seconds=seconds, name=name).event()


def updated(timer_id: str = "a", seconds: int = 60, *, is_active: bool = True) -> Event:
    return TimerUpdated(id=timer_id, is_active=is_active, total_seconds=seconds).event()


def finished(timer_id: str = "a") -> Event:
    return TimerFinished(id=timer_id).event()


def cancelled(timer_id: str = "a") -> Event:
    return TimerCancelled(id=timer_id).event()


def told(timers: Timers, *events: Event, now: float = 0) -> list[str]:
    return [event.type for given in events for event in timers.apply(given, now)]


def test_a_timer_ends_at_its_time_though_nobody_says_so() -> None:
    timers = Timers()
    told(timers, started(seconds=60), now=100)
    assert timers.next_deadline == 160
    assert timers.finish_expired(159.9) == []
    assert timers.finish_expired(160) == [finished()]
    assert timers.next_deadline is None


@pytest.mark.parametrize("server_first", [True, False], ids=["the server first", "the satellite first"])
def test_a_timer_that_the_server_reports_too_ends_once(server_first: bool) -> None:
    timers = Timers()
    told(timers, started())
    first, then = (
        (told(timers, finished()), timers.finish_expired(60)) if server_first else (timers.finish_expired(60), [])
    )
    assert len(first) == 1
    assert then == []
    assert told(timers, finished(), finished()) == []


def test_a_timer_that_only_the_server_knows_ends_when_it_says_so() -> None:
    assert told(Timers(), finished("unknown")) == ["timer-finished"]


def test_a_paused_timer_waits_and_goes_on_with_what_was_left() -> None:
    timers = Timers()
    told(timers, started(seconds=60), updated(seconds=40, is_active=False))
    assert timers.finish_expired(1_000) == []
    assert timers.running[0].seconds_left(1_000) == 40
    told(timers, updated(seconds=40), now=2_000)
    assert timers.next_deadline == 2_040


def test_a_cancelled_timer_never_ends() -> None:
    timers = Timers()
    assert told(timers, started(), cancelled(), cancelled()) == ["timer-started", "timer-cancelled"]
    assert timers.finish_expired(1_000) == []


def test_a_timer_that_gets_more_time_after_it_has_rung_rings_again() -> None:
    timers = Timers()
    told(timers, started())
    timers.finish_expired(60)
    told(timers, updated(seconds=30), now=61)
    assert timers.finish_expired(91) == [finished()]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"id": "a"},
        {"id": 7, "total_seconds": 5},
        {"id": "", "total_seconds": 5},
        {"id": "x" * 1_000, "total_seconds": 5},
        {"id": "a", "total_seconds": -1},
        {"id": "a", "total_seconds": MAX_SECONDS + 1},
        {"id": "a", "total_seconds": 10**400},
        {"id": "a", "total_seconds": math.inf},
        {"id": "a", "total_seconds": math.nan},
        {"id": "a", "total_seconds": True},
        {"id": "a", "total_seconds": "5"},
        {"id": "a", "total_seconds": [5]},
        {"id": "a", "total_seconds": 5, "name": 7},
    ],
    ids=str,
)
def test_what_is_no_timer_is_refused_and_changes_nothing(data: dict[str, object]) -> None:
    timers = Timers()
    with pytest.raises(BadEventError):
        timers.apply(Event("timer-started", data), 0)
    assert timers.running == ()


def test_a_timer_is_active_or_not() -> None:
    with pytest.raises(BadEventError, match="is_active"):
        Timers().apply(Event("timer-updated", {"id": "a", "total_seconds": 5, "is_active": "yes"}), 0)


def test_no_more_than_so_many_timers() -> None:
    timers = Timers()
    told(timers, *(started(str(number)) for number in range(MAX_TIMERS)))
    with pytest.raises(BadEventError, match="already"):
        timers.apply(started("one more"), 0)
    told(timers, updated("0", 5), started("1", 5))  # known ones may still change
    for number in range(3 * MAX_TIMERS):
        timers.apply(finished(str(number)), 0)
    assert len(timers.rung) == MAX_TIMERS


IDS = st.sampled_from("abc")
SECONDS = st.integers(0, 100)
EVENTS = st.one_of(
    st.builds(started, IDS, SECONDS),
    st.builds(
        lambda timer_id, seconds, active: updated(timer_id, seconds, is_active=active), IDS, SECONDS, st.booleans()
    ),
    st.builds(cancelled, IDS),
    st.builds(finished, IDS),
    st.none(),
)


@given(st.lists(st.tuples(EVENTS, st.floats(0, 50))))
def test_no_timer_ends_twice_without_a_new_beginning(history: Iterable[tuple[Event | None, float]]) -> None:
    timers, now = Timers(), 0.0
    ended: set[str] = set()
    for event, passed in history:
        now += passed
        for happened in [*timers.finish_expired(now), *([] if event is None else timers.apply(event, now))]:
            timer_id = happened.data["id"]
            if happened.type == "timer-finished":
                assert timer_id not in ended
                ended.add(timer_id)
            else:
                ended.discard(timer_id)
        assert all(timer.ends_at is None or timer.ends_at >= now for timer in timers.running)


TIMERS = st.lists(
    st.builds(
        lambda number, seconds, name, active: Timer(str(number), seconds, name).with_remaining(
            seconds, 0, is_active=active
        ),
        st.integers(0, 20),
        st.floats(0, 10_000),
        st.none() | st.text(min_size=1, max_size=20),
        st.booleans(),
    ),
    unique_by=lambda timer: timer.id,
)


@given(TIMERS, st.floats(0, MAX_OVERDUE_SECONDS), st.floats(0, 1e6))
def test_a_restart_takes_its_time_off_what_runs(timers: list[Timer], off: float, now: float) -> None:
    again = decode_timers(json.loads(json.dumps(encode_timers(Timers(timers, ["x"]), 0, NOON))), now, NOON + off)
    assert [timer.id for timer in again.running] == [timer.id for timer in timers]
    for before, after in zip(timers, again.running, strict=True):
        left = max(0.0, before.seconds_left(0) - (off if before.is_active else 0))
        assert after.seconds_left(now) == pytest.approx(left, abs=1e-6)
        assert (after.is_active, after.name) == (before.is_active, before.name)
    assert again.rung == ("x",)


def test_a_clock_that_went_back_takes_no_time_off() -> None:
    saved = encode_timers(Timers([Timer("a", 60).with_remaining(60, 0, is_active=True)]), 0, NOON)
    assert decode_timers(saved, 5, NOON - 86_400).running[0].seconds_left(5) == 60


def test_a_timer_that_ended_long_ago_is_forgotten() -> None:
    saved = encode_timers(Timers([Timer("a", 60).with_remaining(60, 0, is_active=True)]), 0, NOON)
    assert decode_timers(saved, 0, NOON + 60 + MAX_OVERDUE_SECONDS + 1).running == ()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["saved_at", "timers", "rung", "id"]), inner),
    )
)
def test_any_other_file_is_refused(found: object) -> None:
    try:
        decode_timers(found, 0, NOON)
    except ValueError:
        return
    assert isinstance(found, dict)


class Room:
    """Remembers what it was told, and how often it rang."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.rang = 0

    def tell(self, event: Event) -> None:
        self.told.append(event.type)

    def ring(self) -> None:
        self.rang += 1


@asynccontextmanager
async def running(path: Path, room: Room) -> AsyncIterator[SatelliteTimerService]:
    clock = SatelliteTimerService(path, room.tell, room.ring)
    task = asyncio.create_task(clock.run())
    await asyncio.sleep(0.05)
    try:
        yield clock
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_timer_rings_without_a_server(tmp_path: Path) -> None:
    room = Room()
    async with running(tmp_path / "timers.json", room) as clock:
        clock.start(0.1, "tea")
        await wait_until(lambda: room.rang > 0)
    assert (room.told, room.rang) == (["timer-started", "timer-finished"], 1)


async def test_a_timer_survives_a_restart_and_rings_once(tmp_path: Path) -> None:
    path, room = tmp_path / "timers.json", Room()
    async with running(path, room) as clock:
        clock.handle_event(started("a", 1))
        clock.handle_event(started("b", 1_000))
    async with running(path, room) as clock:
        await wait_until(lambda: "b" in {timer.id for timer in clock.timers})
        await wait_until(lambda: room.rang > 0)
        clock.handle_event(finished("a"))
    async with running(path, room) as clock:
        await wait_until(lambda: bool(clock.timers))
        clock.handle_event(finished("a"))
        assert clock.cancel("b")
        assert not clock.cancel("b")
    assert room.rang == 1


async def test_a_timer_that_ended_while_nobody_was_there_rings_at_once(tmp_path: Path) -> None:
    path, room = tmp_path / "timers.json", Room()
    async with running(path, room) as clock:
        clock.handle_event(started("a", 1))
    await asyncio.sleep(1.1)
    async with running(path, room):
        await wait_until(lambda: room.rang > 0)
    assert room.rang == 1


async def test_a_broken_file_is_set_aside(tmp_path: Path) -> None:
    path, room = tmp_path / "timers.json", Room()
    path.write_bytes(b'{"timers": [')
    async with running(path, room) as clock:
        clock.handle_event(started())
    assert path.with_suffix(".broken").read_bytes() == b'{"timers": ['
    assert json.loads(path.read_text())["timers"][0]["id"] == "a"


async def test_a_full_disk_stops_no_timer(tmp_path: Path) -> None:
    room = Room()
    (tmp_path / "file").write_text("not a folder")
    async with running(tmp_path / "file" / "timers.json", room) as clock:
        clock.start(0.1)
        await wait_until(lambda: room.rang > 0)
    assert room.rang == 1
