"""Runs without a conductor: stored, transferred, sent, and dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.wake import Detection

from tests.unit.satellite.test_player import until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.events import create_event
from wyoming_rosie_satellite.storage import recorded_run
from wyoming_rosie_satellite.storage.offline_queue import MAX_ATTEMPTS, OfflineQueue
from wyoming_rosie_satellite.storage.offline_store import OfflineStore

DETECTION = Detection(name="okay_nabu", timestamp=10, context={"turn_id": "t1", "score": 0.9}).event()
RUN = create_event(m.RequestRun("okay_nabu", "Kitchen"))
STOP = AudioStop().event()
QUIET = Event("satellite-connected")


def chunk(number: int) -> Event:
    return AudioChunk(16_000, 2, 1, bytes([number % 251] * 640), timestamp=20 * number).event()


SAID = [DETECTION, RUN, *(chunk(number) for number in range(12)), STOP]


class Rules:
    """Stands for the satellite's: takes a run whenever it may, of words whose conductor is there."""

    def __init__(self) -> None:
        self.may_send = True
        self.away: set[str | None] = set()
        self.given: list[m.Input] = []
        self.sent: list[list[Event]] = []
        self.stand_in: OfflineQueue

    def take(self, given_input: m.Input) -> None:
        self.given.append(given_input)
        if isinstance(given_input, m.StoredRunAvailable) and self.may_send and given_input.wake_word not in self.away:
            self.sent.append(list(self.stand_in.take_next_run()))

    def has_sent(self, count: int) -> bool:
        return len(self.sent) == count

    def turn_ids(self) -> list[str]:
        return [run[0].data["context"]["turn_id"] for run in self.sent]


@asynccontextmanager
async def standing_in(path: Path, *, may_send: bool = True, longest_seconds: float = 600) -> AsyncIterator[Rules]:
    rules = Rules()
    rules.may_send = may_send
    rules.stand_in = OfflineQueue(OfflineStore(path), longest_seconds, rules.take)
    task = asyncio.create_task(rules.stand_in.run())
    yield rules
    task.cancel()
    await asyncio.wait([task])


def says(stand_in: OfflineQueue, events: list[Event]) -> None:
    for event in events:
        stand_in.queue_event(event)


def said_with(turn_id: str) -> list[Event]:
    return [Detection(name="okay_nabu", context={"turn_id": turn_id}).event(), *SAID[1:]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


async def test_a_run_is_kept_and_sent_with_the_time_it_was_said(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: rules.sent)
    assert rules.given == [m.RunStored(), m.StoredRunAvailable("okay_nabu")]
    run, *audio, stop = rules.sent[0]
    assert run.data["context"]["turn_id"] == "t1"
    assert (datetime.now().astimezone() - datetime.fromisoformat(run.data["context"]["recorded_at"])).seconds < 60
    assert (run.data["name"], run.data["wake_word_name"], run.data["start_stage"]) == ("Kitchen", "okay_nabu", "asr")
    assert b"".join(event.payload or b"" for event in audio) == b"".join(event.payload or b"" for event in SAID)
    assert stop == STOP


async def test_one_run_is_sent_at_a_time_and_an_answered_one_never_again(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, [*said_with("a"), *said_with("b")])
        await until(lambda: rules.sent)
        rules.stand_in.on_event(QUIET)
        await asyncio.sleep(0.05)
        assert rules.turn_ids() == ["a"]
        rules.stand_in.settle(answered=True)
        await until(lambda: len(rules.sent) == 2)
        rules.stand_in.settle(answered=True)
        await asyncio.sleep(0.05)
    assert rules.turn_ids() == ["a", "b"]


async def test_what_was_not_answered_is_sent_again_after_a_restart(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: rules.sent)
    async with standing_in(path) as rules:
        await until(lambda: rules.turn_ids() == ["t1"])


async def test_a_run_that_fails_again_and_again_is_dropped(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await until(partial(rules.has_sent, attempt))
            rules.stand_in.settle(answered=False)
        rules.stand_in.on_event(QUIET)
        await asyncio.sleep(0.05)
    assert rules.turn_ids() == ["t1"] * MAX_ATTEMPTS


async def test_it_waits_until_it_may_be_sent(path: Path) -> None:
    async with standing_in(path, may_send=False) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: m.StoredRunAvailable("okay_nabu") in rules.given)
        rules.may_send = True
        await asyncio.sleep(0.05)
        assert not rules.sent
        rules.stand_in.on_event(QUIET)
        await until(lambda: rules.sent)


async def test_what_is_too_old_is_forgotten(path: Path) -> None:
    async with standing_in(path, may_send=False) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: m.RunStored() in rules.given)
    async with standing_in(path, longest_seconds=0) as rules, OfflineStore(path) as outbox, asyncio.timeout(60):
        while await outbox.peek():
            await asyncio.sleep(0.01)
    assert rules.given == []


async def test_a_run_of_somebody_who_stays_away_is_in_nobodys_way(path: Path) -> None:
    async with standing_in(path) as rules:
        rules.away.add("alexa")
        says(rules.stand_in, [create_event(m.RequestRun("alexa")), chunk(0), STOP, *SAID])
        await until(lambda: rules.sent)
    assert rules.turn_ids() == ["t1"]


async def test_what_cannot_be_kept_is_told(path: Path) -> None:
    rules = Rules()
    rules.stand_in = OfflineQueue(OfflineStore(path, max_bytes=10), 600, rules.take)
    task = asyncio.create_task(rules.stand_in.run())
    says(rules.stand_in, SAID)
    await until(lambda: rules.given == [m.RunLost()])
    task.cancel()
    await asyncio.wait([task])


async def test_what_is_no_run_is_dropped(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        for body in (b"", b"what", recorded_run.encode_run(SAID[:-1], 0)):
            await outbox.put(body)
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: rules.sent)
    assert len(rules.sent) == 1


async def test_a_conductor_that_comes_gets_what_was_said_so_far_and_nothing_is_kept(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID[:-1])
        handed_over = list(rules.stand_in.take_current_run())
        await asyncio.sleep(0.05)
    assert [event.type for event in handed_over] == ["detection", "run-pipeline", *["audio-chunk"] * 3]
    assert rules.given == []


async def test_what_is_forgotten_is_not_kept(path: Path) -> None:
    async with standing_in(path) as rules:
        says(rules.stand_in, SAID[:-1])
        rules.stand_in.discard_run()
        says(rules.stand_in, [create_event(m.RequestRun(None)), chunk(1), STOP])
        await until(lambda: rules.sent)
    assert [event.payload for event in rules.sent[0]][1:] == [chunk(1).payload, None]


async def test_nobody_else_may_read_what_was_said(path: Path) -> None:
    async with standing_in(path, may_send=False) as rules:
        says(rules.stand_in, SAID)
        await until(lambda: m.RunStored() in rules.given)
        modes = {one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert modes == {0o600}


@given(st.lists(st.integers(0, 500), max_size=40), st.integers(0, 40))
def test_joining_changes_the_length_of_pieces_only(sizes: list[int], place: int) -> None:
    events: list[Event] = []
    for size in sizes:
        start = sum(len(event.payload or b"") for event in events) // 2 // 16
        pcm = bytes(number % 251 for number in range(2 * size))
        events.append(AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm, timestamp=start).event())
    events.insert(place, STOP)
    found = list(recorded_run.merge_audio(events))
    assert pieces(found) == pieces(events)
    assert all(len(event.payload or b"") < recorded_run.CHUNK_BYTES + 1000 for event in found)


def pieces(events: list[Event]) -> list[bytes]:
    """Return the audio before and after the stop."""
    stop = [event.type for event in events].index("audio-stop")
    return [b"".join(event.payload or b"" for event in part) for part in (events[:stop], events[stop + 1 :])]


@given(st.binary(max_size=300))
def test_any_other_bytes_are_no_run(body: bytes) -> None:
    with pytest.raises(BadEventError):
        recorded_run.decode_run(body)
