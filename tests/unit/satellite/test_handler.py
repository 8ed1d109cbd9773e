"""Connections to one satellite whose microphone and speaker are fakes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.timer import TimerFinished

from tests.unit.satellite.fakes import RecordingSpeaker
from tests.unit.satellite.test_player import until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.core import SatelliteOptions
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.integrations.observers import Observers
from wyoming_rosie_satellite.satellite import Satellite, SatelliteComponents
from wyoming_rosie_satellite.storage.offline_queue import OfflineQueue
from wyoming_rosie_satellite.storage.offline_store import OfflineStore

START = AudioStart(16000, 2, 1).event()
STOP = AudioStop().event()
RUN = RunSatellite().event()


def chunk(pcm: bytes) -> Event:
    return AudioChunk(16000, 2, 1, pcm).event()


def volume(**data: int) -> Event:
    return Event("user-event", {"name": "volume", **data})


class Peer:
    """Sends events to a satellite and keeps what it is told."""

    def __init__(self, satellite: Satellite, slot: str) -> None:
        self.told: list[Event] = []
        self.conversation = SatelliteHandler(satellite, self._keep, slot)

    async def says(self, *events: Event) -> None:
        for event in events:
            await self.conversation.on_event(event)

    async def is_told(self, kind: str) -> Event:
        await until(lambda: kind in [event.type for event in self.told])
        return next(event for event in self.told if event.type == kind)

    async def _keep(self, event: Event) -> None:
        self.told.append(event)


class Room:
    """A satellite that hears only what the test lets it hear."""

    def __init__(self) -> None:
        self.speaker = RecordingSpeaker()
        self.seen: list[Event] = []
        fittings = SatelliteComponents(
            {m.Cue.TIMER: b"\x07\x00" * 160}, volume=Volume(SPEECH), observers=Observers([self])
        )
        self.satellite = Satellite(self.speaker, fittings)
        self.peers: list[Peer] = []

    def on_event(self, event: Event) -> None:
        self.seen.append(event)

    def peer(self, slot: str = m.MAIN_SLOT) -> Peer:
        self.peers.append(Peer(self.satellite, slot))
        return self.peers[-1]


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    inside = Room()
    playing = asyncio.create_task(inside.satellite.player.run())
    yield inside
    for one in inside.peers:
        await one.conversation.close()
    playing.cancel()
    await asyncio.wait([playing])


async def test_the_conductor_is_told_of_the_wake_word_and_what_follows(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN)
    room.satellite.handle(m.MicAudio(b"\x01\x00" * 320))
    room.satellite.handle(m.WakeWord("okay_nabu", 160, "t1", 0.9))
    first = await conductor.is_told("audio-chunk")
    detection, run = conductor.told[:2]
    assert (detection.data["timestamp"], first.data["timestamp"], len(first.payload or b"")) == (10, 10, 320)
    assert detection.data["context"] == {"turn_id": "t1", "score": 0.9}
    assert (run.data["start_stage"], run.data["end_stage"], run.data["wake_word_name"]) == ("asr", "tts", "okay_nabu")


async def test_a_sound_is_played_and_reported(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN, START, chunk(b"ab" * 100), chunk(b"cd" * 100), STOP)
    await conductor.is_told("played")
    assert room.speaker.played == b"ab" * 100 + b"cd" * 100


async def test_a_second_conductor_is_refused_while_the_first_is_there(room: Room) -> None:
    await room.peer().says(RUN)
    with pytest.raises(BadEventError) as refused:
        await room.peer().says(RUN)
    assert refused.value.code == "busy"


async def test_a_conductor_that_has_left_is_followed_by_the_next(room: Room) -> None:
    first, second = room.peer(), room.peer()
    await first.says(RUN)
    await first.conversation.close()
    await second.says(RUN, START, chunk(b"ab"), STOP)
    await second.is_told("played")


async def test_a_paused_satellite_tells_nothing(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN, PauseSatellite().event())
    room.satellite.handle(m.WakeWord("okay_nabu", 0, "t1"))
    await asyncio.sleep(0.01)
    assert conductor.told == []


async def test_a_paused_conductor_may_be_silent_for_ever_and_still_announce(room: Room) -> None:
    conductor = room.peer()
    seen = []
    for event in (RUN, PauseSatellite().event(), RUN):
        conductor.told.clear()
        await conductor.says(event, START, chunk(b"ab"), STOP)
        await conductor.is_told("played")
        seen.append((conductor.conversation.allows_idle, room.satellite.phase))
    assert seen == [
        (False, m.SatellitePhase.WAITING),
        (True, m.SatellitePhase.PAUSED),
        (False, m.SatellitePhase.WAITING),
    ]


async def test_who_was_paused_may_go_on_over_another_connection(room: Room) -> None:
    before, after = room.peer(), room.peer()
    await before.says(RUN, PauseSatellite().event())
    await after.says(RUN)
    await before.conversation.close()
    assert room.satellite.phase is m.SatellitePhase.WAITING
    await after.says(START, chunk(b"ab"), STOP)
    await after.is_told("played")


async def test_the_conductor_may_change_the_volume_and_is_told_how_loud_it_is(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN, volume(percent=40), volume(change=-15))
    await until(lambda: len(conductor.told) == 2)
    assert [event.data for event in conductor.told] == [
        {"name": "volume", "percent": 40},
        {"name": "volume", "percent": 25},
    ]
    assert [event.data for event in room.seen if event.data.get("name") == "volume"] == [
        {"name": "volume", "percent": 40},
        {"name": "volume", "percent": 25},
    ]


async def test_a_volume_that_cannot_be_is_an_error_and_changes_nothing(room: Room) -> None:
    conductor, stranger = room.peer(), room.peer()
    await conductor.says(RUN)
    with pytest.raises(BadEventError) as refused:
        await conductor.says(volume(percent=400))
    assert refused.value.code == "bad-volume"
    await stranger.says(volume(percent=10))
    assert room.satellite.status.volume == 100


async def test_sound_from_a_stranger_is_refused(room: Room) -> None:
    stranger = room.peer()
    with pytest.raises(BadEventError) as refused:
        await stranger.says(START)
    assert refused.value.code == "not-conductor"
    await stranger.says(chunk(b"ab"), STOP)
    assert room.speaker.played == b""


async def test_bad_sound_is_an_error_and_ends_the_sound(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN, START, chunk(b"ab"))
    with pytest.raises(BadEventError):
        await conductor.says(chunk(b"odd"))
    await conductor.says(chunk(b"cd"), STOP)
    await conductor.is_told("played")
    assert room.speaker.played == b"ab"


async def test_audio_stop_without_a_sound_is_nothing(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN, STOP)
    assert room.satellite.phase is m.SatellitePhase.WAITING


async def test_other_formats_are_converted_to_the_speakers(room: Room) -> None:
    conductor = room.peer()
    stereo = AudioChunk(16000, 2, 2, b"\x04\x00\x06\x00" * 100).event()
    await conductor.says(RUN, AudioStart(16000, 2, 2).event(), stereo, STOP)
    await conductor.is_told("played")
    assert room.speaker.played == b"\x05\x00" * 100


async def test_a_finished_timer_is_heard(room: Room) -> None:
    await room.peer().says(RUN, TimerFinished(id="t").event())
    await until(lambda: room.speaker.played)
    assert room.speaker.played == b"\x07\x00" * 160


@pytest.mark.parametrize("total", [-5, 10**12, "long", None, {"a": 1}], ids=repr)
async def test_timers_with_strange_times_change_nothing(room: Room, total: object) -> None:
    await room.peer().says(RUN, Event("timer-started", {"id": ["x"] * 1000, "total_seconds": total}))
    assert room.satellite.phase is m.SatellitePhase.WAITING


async def test_a_conductor_that_does_not_read_is_told_of_nothing_more(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN)
    room.satellite.handle(m.WakeWord("okay_nabu", 0, "t1"))
    for _ in range(2000):
        room.satellite.handle(m.MicAudio(bytes(640)))
    await until(lambda: len(conductor.told) > 100)
    assert len(conductor.told) <= 512


class Crowded:
    """Takes events at once while there is room, and otherwise later."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.room = asyncio.Event()

    def nowait(self, event: Event) -> bool:
        if self.room.is_set():
            self.came.append(event.type)
        return self.room.is_set()

    async def __call__(self, event: Event) -> None:
        await self.room.wait()
        self.came.append(event.type)


async def test_a_conductor_is_told_in_order_and_at_once_while_it_has_room(room: Room) -> None:
    crowded = Crowded()
    conversation = SatelliteHandler(room.satellite, crowded)
    await conversation.on_event(RUN)
    conversation.queue_event(Event("a"))
    await asyncio.sleep(0)
    crowded.room.set()
    conversation.queue_event(Event("b"))
    await until(lambda: crowded.came == ["a", "b"])
    await asyncio.sleep(0)
    conversation.queue_event(Event("c"))
    assert crowded.came == ["a", "b", "c"]
    await conversation.close()


class EventRecorder:
    """Keeps the types of what watchers are told."""

    def __init__(self) -> None:
        self.types: list[str] = []

    def on_event(self, event: Event) -> None:
        self.types.append(event.type)


async def test_nobody_is_told_of_a_conductor_while_what_is_said_is_only_kept(tmp_path: Path) -> None:
    diary = EventRecorder()
    satellite = Satellite(
        RecordingSpeaker(),
        SatelliteComponents(options=SatelliteOptions(stores_runs=True), observers=Observers([diary])),
    )
    satellite.offline_queue = OfflineQueue(OfflineStore(tmp_path / "outbox.db"), 600, satellite.handle)
    keeping = asyncio.create_task(satellite.offline_queue.run())
    satellite.handle(m.WakeWord("okay_nabu", 0, "t1"))
    satellite.handle(m.MicAudio(bytes(640)))
    assert satellite.phase is m.SatellitePhase.STREAMING
    satellite.handle(m.StopRequested())
    await until(lambda: satellite.phase is m.SatellitePhase.OFFLINE)
    assert "streaming-started" in diary.types
    assert "satellite-connected" not in diary.types
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_each_slot_has_a_conductor_and_the_last_one_to_leave_is_told_of(room: Room) -> None:
    diary = EventRecorder()
    room.satellite._components.observers.add(diary)
    first, second = room.peer(), room.peer(slot="hey_jarvis")
    await first.says(RUN)
    await second.says(RUN)
    await second.conversation.close()
    assert "satellite-disconnected" not in diary.types
    await first.conversation.close()
    assert diary.types.count("satellite-disconnected") == 1


async def test_watchers_hear_nothing_of_a_refused_sound(room: Room) -> None:
    diary = EventRecorder()
    room.satellite._components.observers.add(diary)
    first, second = room.peer(), room.peer(slot="hey_jarvis")
    await second.says(RUN)
    await first.says(RUN, START)
    await second.says(START, chunk(b"ab"), STOP)
    assert (await second.is_told("error")).data["code"] == "occupied"
    assert diary.types.count("audio-start") == 1
    assert not second.conversation.is_busy


async def test_busy_while_it_speaks(room: Room) -> None:
    conductor = room.peer()
    await conductor.says(RUN)
    assert not conductor.conversation.is_busy
    await conductor.says(START)
    assert conductor.conversation.is_busy


async def test_the_conductor_learns_which_language_is_spoken_at_the_satellite() -> None:
    satellite = Satellite(RecordingSpeaker(), SatelliteComponents(language="fr"))
    peer = Peer(satellite, m.MAIN_SLOT)
    await peer.says(RUN)
    satellite.trigger()
    assert (await peer.is_told("run-pipeline")).data["context"] == {"language": "fr"}


async def test_a_satellite_that_was_told_no_language_names_none(room: Room) -> None:
    peer = room.peer()
    await peer.says(RUN)
    room.satellite.trigger()
    assert "context" not in (await peer.is_told("run-pipeline")).data
