"""Readers of the house's events, and what they are told."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from wyoming_rosie_hub.satellites.levels import LEAST_SECONDS, LevelMonitor, SatelliteLevels
from wyoming_rosie_hub.satellites.wake_word_history import MAX_SCORES, MAX_WORDS, WakeWordHistory
from wyoming_rosie_hub.timeline import TurnHistory
from wyoming_rosie_hub.web.events import (
    MAX_PENDING,
    MAX_READERS,
    EventFeed,
    HouseEvent,
    ReaderEndedError,
    TooManyReadersError,
)


async def test_each_reader_gets_what_comes_while_it_reads() -> None:
    feed = EventFeed()
    feed.publish(HouseEvent("early", 0))
    with feed.open() as first:
        feed.publish(HouseEvent("one", 1))
        with feed.open() as second:
            feed.publish(HouseEvent("two", 2))
            assert await first.read(60) == [HouseEvent("one", 1), HouseEvent("two", 2)]
            assert await second.read(60) == [HouseEvent("two", 2)]
            assert await second.read(0.01) == []
    assert not feed.has_readers


async def test_events_of_a_moment_come_together() -> None:
    feed = EventFeed()
    with feed.open() as reader:
        reading = asyncio.create_task(reader.read(60))
        await asyncio.sleep(0)
        feed.publish(HouseEvent("one", 1))
        await asyncio.sleep(0)
        feed.publish(HouseEvent("two", 2))
        assert await reading == [HouseEvent("one", 1), HouseEvent("two", 2)]


async def test_a_reader_that_does_not_keep_up_is_let_go_and_disturbs_nobody() -> None:
    feed = EventFeed()
    with feed.open() as slow, feed.open() as quick:
        for number in range(MAX_PENDING):
            feed.publish(HouseEvent("turn", number))
        assert len(await quick.read(60)) == MAX_PENDING
        feed.publish(HouseEvent("turn", MAX_PENDING))
        assert await quick.read(60) == [HouseEvent("turn", MAX_PENDING)]
        with pytest.raises(ReaderEndedError):
            await slow.read(60)


async def test_levels_are_dropped_for_a_reader_that_is_behind() -> None:
    feed = EventFeed()
    with feed.open() as reader:
        for number in range(2 * MAX_PENDING):
            feed.publish(HouseEvent("levels", number, is_momentary=True))
        feed.publish(HouseEvent("turn", 0))
        seen = await reader.read(60)
    assert len(seen) == MAX_PENDING // 2 + 1
    assert seen[-1] == HouseEvent("turn", 0)


async def test_readers_are_bounded_and_places_become_free() -> None:
    feed = EventFeed()
    readers = [feed.open() for _ in range(MAX_READERS)]
    for reader in readers:
        reader.__enter__()
    with pytest.raises(TooManyReadersError), feed.open():
        pass
    readers[0].__exit__(None, None, None)
    with feed.open():
        assert feed.has_readers


def test_a_satellite_that_reports_too_often_is_told_less_often() -> None:
    now, told = [0.0], list[SatelliteLevels]()
    monitor = LevelMonitor(told.append, lambda: now[0], is_watched=True)
    for _ in range(1000):
        monitor.report("kitchen", Event("user-event", {"level_dbfs": -20.0}))
        now[0] += LEAST_SECONDS / 100
    assert len(told) == 10


def test_audio_is_measured_only_for_satellites_that_do_not_report() -> None:
    now, told = [0.0], list[SatelliteLevels]()
    monitor = LevelMonitor(told.append, lambda: now[0])
    monitor.push_audio("kitchen", bytes(16_000))
    assert not told, "nobody watches"
    monitor.set_watched(is_watched=True)
    monitor.push_audio("kitchen", bytes(16_000))
    monitor.report("hall", Event("user-event", {"level_dbfs": -20.0}))
    monitor.push_audio("hall", bytes(16_000))
    assert [levels.satellite for levels in told] == ["kitchen", "hall"]


def test_the_history_of_wake_words_is_bounded_whatever_peers_send() -> None:
    history = WakeWordHistory(lambda: 1.0)
    for number in range(2 * MAX_WORDS):
        history.add(f"word {number}" + "x" * 1_000, "kitchen", 0.5)
    for _ in range(2 * MAX_SCORES):
        history.add("word 0", "kitchen", 0.5)
        history.add("Okay Nabu", "kitchen", 0.5)
    assert len(history.names) == MAX_WORDS
    assert all(len(history.find(name)) <= MAX_SCORES for name in history.names.values())


def test_spellings_of_a_wake_word_are_one_word() -> None:
    history = WakeWordHistory(lambda: 1.0)
    history.add("okay_nabu", "kitchen", 0.9)
    history.add("Okay Nabu", "hall", 0.4, detected=False)
    assert [score.satellite for score in history.find("ok_nabu_v0.1.tflite")] == ["kitchen", "hall"]
    assert list(history.names.values()) == ["okay_nabu"]


async def test_waiting_for_a_reader_ends_when_one_comes() -> None:
    feed = EventFeed()
    waiting = asyncio.create_task(feed.wait_for_reader())
    await asyncio.sleep(0)
    assert not waiting.done()
    with feed.open():
        async with asyncio.timeout(60):
            await waiting


async def test_readers_are_let_go_when_the_hub_stops() -> None:
    feed = EventFeed()
    with feed.open() as reader:
        waiting = asyncio.create_task(reader.read(60))
        await asyncio.sleep(0)
        feed.end()
        with pytest.raises(ReaderEndedError):
            await waiting
    with feed.open() as late, pytest.raises(ReaderEndedError):
        await late.read(60)


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["kitchen", "hall", "office"])), max_size=400))
def test_the_last_turn_of_a_satellite_is_the_newest_that_is_kept(turns: list[tuple[int, str]]) -> None:
    history = TurnHistory()
    rooms = dict(reversed(turns))
    for number, _ in turns:
        history.begin(f"turn-{number}", rooms[number])
    for satellite in ("kitchen", "hall", "office"):
        kept = [turn.turn_id for turn in history.turns if turn.satellite == satellite]
        assert history.last_of(satellite) == (kept[-1] if kept else None)
