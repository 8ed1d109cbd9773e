"""Closed connections leave no objects for the garbage collector."""

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from wyoming.event import Event
from wyoming.info import Info

from tests.conftest import OpenPeer
from tests.unit.satellite.fakes import RecordingSpeaker
from tests.unit.vad.fakes import FRAME_BYTES, LoudnessEngine
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.server import ConnectionHandler, DaemonServer, Send
from wyoming_rosie.runtime.stream_scheduler import BatchLimits, BatchScheduler
from wyoming_rosie.voice_activity.events import VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.satellite import Satellite
from wyoming_rosie_vad.handler import VadHandler

GONE_SECONDS = 60.0
FORMAT = {"rate": 16000, "width": 2, "channels": 1}
SOUND = [Event("audio-start", FORMAT), Event("audio-chunk", FORMAT, bytes(SPEECH.bytes_in(0.1)))]
SENT = {"vad": [*SOUND, Event("describe")], "satellite": [Event("run-satellite"), *SOUND, Event("describe")]}


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def vad() -> Callable[[Send], ConnectionHandler]:
    engine = LoudnessEngine()
    scheduler: BatchScheduler[VadStream, VadEvent] = BatchScheduler(
        "test", partial(process_batch, engine), BatchLimits(FRAME_BYTES, 10 * FRAME_BYTES, 0.01), workers=1
    )
    return lambda send: VadHandler(engine, scheduler, SegmenterRules(), send)


def satellite() -> Callable[[Send], ConnectionHandler]:
    one = Satellite(RecordingSpeaker())
    return lambda send: SatelliteHandler(one, send)


@pytest.mark.parametrize(("role", "conversations"), [("vad", vad), ("satellite", satellite)])
async def test_a_closed_connection_is_let_go_without_the_collector(
    role: str, conversations: Callable[[], Callable[[Send], ConnectionHandler]], peer: OpenPeer, no_collector: None
) -> None:
    converse, left = conversations(), list[weakref.ref[ConnectionHandler]]()

    def noted(send: Send) -> ConnectionHandler:
        one = converse(send)
        left.append(weakref.ref(one))
        return one

    async with DaemonServer(role, Info(), noted).listening("tcp://127.0.0.1:0") as where:
        for _ in range(2):
            client = await peer(str(where))
            for event in SENT[role]:
                await client.send(event)
            await client.wait_for("info", seconds=GONE_SECONDS)
            await client._stream.close()
        async with asyncio.timeout(GONE_SECONDS):
            while any(one() is not None for one in left):
                await asyncio.sleep(0.02)
    assert len(left) == 2
