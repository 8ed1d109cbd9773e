import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from functools import partial

import pytest
from wyoming.audio import AudioChunk

from tests.unit.vad.fakes import FRAME_BYTES, SPEECH_DATA, FakeClient, LoudnessEngine
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie.runtime.stream_scheduler import BatchLimits, BatchScheduler
from wyoming_rosie.voice_activity.events import SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import MAX_BATCH_FRAMES, VadStream, process_batch

FRAME_MS = 32
QUIET, LOUD = 32, 12_000


def tone(milliseconds: int, loudness: int) -> bytes:
    return array("h", (int(loudness * math.sin(at / 5)) for at in range(16 * milliseconds))).tobytes()


AUDIO = tone(960, QUIET) + tone(640, LOUD) + tone(960, QUIET)
EDGES = [("voice-started", 960), ("voice-stopped", 1600)]


@pytest.fixture
def engine() -> LoudnessEngine:
    return LoudnessEngine()


@pytest.fixture
async def scheduler(engine: LoudnessEngine) -> AsyncIterator[BatchScheduler[VadStream, VadEvent]]:
    pace = BatchLimits(FRAME_BYTES, MAX_BATCH_FRAMES * FRAME_BYTES, 0.01)
    scheduler = BatchScheduler("test", partial(process_batch, engine), pace, workers=1)
    yield scheduler
    scheduler.close()


@pytest.fixture
def client(engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]) -> FakeClient:
    return FakeClient(engine, scheduler)


@pytest.mark.parametrize("size", [2, 320, 1024, 1500, 2560, len(AUDIO)])
async def test_boundaries_are_reported_in_milliseconds_for_any_chunk_size(client: FakeClient, size: int) -> None:
    pcm = AUDIO if size > 2 else AUDIO[: 2 * 16 * 1900]
    await client.start()
    for at in range(0, len(pcm), size):
        await client.chunk(pcm[at : at + size])
    await client.send("audio-stop")
    assert client.boundaries == EDGES
    assert client.classes[-1] == "speech"


async def test_a_stop_is_reported_before_the_stream_ends(client: FakeClient) -> None:
    await client.start()
    await client.chunk(AUDIO)
    assert client.boundaries == EDGES


async def test_a_handler_is_busy_during_speech_only(client: FakeClient) -> None:
    await client.start()
    busy = []
    for second in range(3):
        await client.chunk(AUDIO[SPEECH.bytes_in(0.85 * second) : SPEECH.bytes_in(0.85 * second + 0.85)])
        busy.append(client.handler.is_busy)
    assert busy == [False, True, False]


async def test_speech_that_the_streams_end_cuts_off_is_stopped_there(client: FakeClient) -> None:
    await client.start()
    await client.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    await client.send("audio-stop")
    assert client.boundaries == [("voice-started", 960), ("voice-stopped", 1280)]
    assert not client.handler.is_busy


async def test_classes_carry_their_probability_their_time_and_the_turn(client: FakeClient) -> None:
    await client.send("user-event", name="turn", context={"turn_id": "t1", "area": "kitchen"})
    await client.start()
    await client.chunk(AUDIO)
    await client.send("audio-stop")
    told = [event.data for event in client.received if event.type == "user-event"]
    assert {event["name"] for event in told} == {"voice-class"}
    assert all(event["context"]["area"] == "kitchen" for event in told)
    assert [event["data"] for event in told] == [
        {"class": "silence", "probability": 0.1, "timestamp": 0},
        {"class": "speech", "probability": 0.9, "timestamp": 992},
        {"class": "silence", "probability": 0.1, "timestamp": 1792},
        {"class": "speech", "probability": pytest.approx(0.65, abs=0.15), "timestamp": 2560, "final": True},
    ]


@pytest.mark.parametrize(
    ("start", "first", "begin"),
    [
        ({}, {}, 0),
        ({"timestamp": 5000}, {"timestamp": 7000}, 5000),
        ({"timestamp": None}, {"timestamp": 7000}, 7000),
        ({}, {"timestamp": 812.6}, 813),
        ({"timestamp": "soon"}, {"timestamp": float("inf")}, 0),
    ],
    ids=["none", "start", "chunk", "fraction", "nonsense"],
)
async def test_times_count_from_where_the_peer_says_the_stream_begins(
    client: FakeClient, start: dict[str, object], first: dict[str, object], begin: int
) -> None:
    await client.start(**start)
    await client.chunk(AUDIO, **first)
    assert client.boundaries == [(edge, begin + time) for edge, time in EDGES]


async def test_a_start_in_a_stream_ends_it_and_begins_another(client: FakeClient, engine: LoudnessEngine) -> None:
    await client.start()
    await client.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    await client.start()
    await client.chunk(AUDIO)
    assert client.boundaries == [("voice-started", 960), ("voice-stopped", 1280), *EDGES]
    assert engine.open == 1


@pytest.mark.parametrize(
    "audio", [AudioFormat(48_000, 2, 2), AudioFormat(44_100, 3, 6), AudioFormat(8_000, 1, 1)], ids=str
)
async def test_other_formats_are_converted(client: FakeClient, audio: AudioFormat) -> None:
    converter = Converter(SPEECH, audio)
    pcm = converter.convert(AUDIO) + converter.finish()
    form = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    await client.start(**form)
    step = audio.bytes_in(0.1)
    for at in range(0, len(pcm), step):
        await client.chunk(pcm[at : at + step], **form)
    await client.send("audio-stop")
    assert [edge for edge, _ in client.boundaries] == ["voice-started", "voice-stopped"]
    assert all(abs(time - wanted) <= FRAME_MS for (_, time), (_, wanted) in zip(client.boundaries, EDGES, strict=True))


async def test_a_stream_without_audio_is_silence(client: FakeClient) -> None:
    await client.start()
    await client.send("audio-stop")
    assert (client.boundaries, client.classes) == ([], ["silence"])


@pytest.mark.parametrize(
    ("data", "payload"),
    [({}, b"odd"), ({"width": 9}, b""), ({"rate": "fast"}, b""), ({"channels": 2}, b"12")],
    ids=["odd bytes", "width", "rate", "half a frame"],
)
async def test_bad_audio_is_rejected_once_and_the_stream_is_dropped(
    client: FakeClient, engine: LoudnessEngine, data: dict[str, object], payload: bytes
) -> None:
    await client.start()
    await client.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    with pytest.raises(BadEventError):
        await client.chunk(payload, **data)
    await client.chunk(AUDIO)
    await client.send("audio-stop")
    assert engine.open == 0
    assert client.boundaries == [("voice-started", 960)]
    await client.start()
    await client.chunk(AUDIO)
    assert client.boundaries[1:] == EDGES


@pytest.mark.parametrize("event_type", ["audio-chunk", "audio-stop"])
async def test_audio_without_a_start_is_rejected(client: FakeClient, event_type: str) -> None:
    with pytest.raises(BadEventError) as refusal:
        await client.send(event_type, bytes(320), **SPEECH_DATA)
    assert refusal.value.code == "no-audio-start"


async def test_streams_take_turns_however_much_of_one_is_waiting(
    engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]
) -> None:
    hasty, steady = FakeClient(engine, scheduler), FakeClient(engine, scheduler)
    await hasty.start()
    await steady.start()
    flood = asyncio.create_task(hasty.chunk(bytes(100 * FRAME_BYTES)))
    await asyncio.sleep(0)
    await steady.chunk(bytes(FRAME_BYTES))
    first = engine.processed[0]
    turn = next(at for at, detector in enumerate(engine.processed) if detector is not first)
    assert turn <= 4 * MAX_BATCH_FRAMES
    await flood


async def test_a_peer_that_leaves_drops_its_work(engine: LoudnessEngine, client: FakeClient) -> None:
    await client.start()
    endpointer = asyncio.create_task(client.chunk(bytes(1000 * FRAME_BYTES)))
    await asyncio.sleep(0)
    endpointer.cancel()
    await asyncio.wait({endpointer})
    await client.handler.close()
    assert engine.open == 0
    heard, told = len(engine.processed), len(client.received)
    assert heard < 500
    await asyncio.sleep(0.05)
    assert (len(engine.processed), len(client.received)) == (heard, told)


async def test_an_engine_failure_is_reported_once_and_the_next_stream_works(
    engine: LoudnessEngine, client: FakeClient
) -> None:
    await client.start()
    engine.broken = True
    with pytest.raises(EngineError):
        await client.chunk(AUDIO)
    with pytest.raises(EngineError):
        await client.chunk(AUDIO)
    await client.chunk(AUDIO)
    assert engine.open == 0
    engine.broken = False
    await client.start()
    await client.chunk(AUDIO)
    assert client.boundaries == EDGES


async def test_audio_that_was_dropped_still_counts(engine: LoudnessEngine) -> None:
    stream = VadStream(engine, SegmenterRules())
    process_batch(engine, [(stream, AUDIO[: SPEECH.bytes_in(0.96)])])
    stream.skip(16 * 500)
    found = process_batch(engine, [(stream, AUDIO[SPEECH.bytes_in(0.96) :])])[0]
    times = [one.time for one in found if isinstance(one, SpeechStart | SpeechStop)]
    assert times == [960 + 500, 1600 + 500]


async def test_plain_audio_takes_the_fast_path(client: FakeClient) -> None:
    event = AudioChunk(16_000, 2, 1, AUDIO[: SPEECH.bytes_in(1.9)], timestamp=3000).event()
    assert not client.handler.on_audio_nowait(event)
    await client.start()
    assert client.handler.on_audio_nowait(event)
    await client.chunk(b"")
    assert client.boundaries == [(edge, 3000 + time) for edge, time in EDGES]
    assert not client.handler.on_audio_nowait(AudioChunk(48_000, 2, 1, AUDIO).event())
