import asyncio
import math
from array import array
from collections.abc import AsyncIterator
from functools import partial

import pytest
from wyoming.audio import AudioChunk

from tests.unit.vad.fakes import FRAME_BYTES, SPEECH_DATA, LoudnessEngine, Speaker
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
def speaker(engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]) -> Speaker:
    return Speaker(engine, scheduler)


@pytest.mark.parametrize("size", [2, 320, 1024, 1500, 2560, len(AUDIO)])
async def test_edges_are_told_in_milliseconds_of_audio_however_it_is_cut(speaker: Speaker, size: int) -> None:
    pcm = AUDIO if size > 2 else AUDIO[: 2 * 16 * 1900]
    await speaker.start()
    for at in range(0, len(pcm), size):
        await speaker.chunk(pcm[at : at + size])
    await speaker.send("audio-stop")
    assert speaker.edges == EDGES
    assert speaker.classes[-1] == "speech"


async def test_a_stop_is_told_before_the_stream_ends(speaker: Speaker) -> None:
    await speaker.start()
    await speaker.chunk(AUDIO)
    assert speaker.edges == EDGES


async def test_only_speech_is_worth_waiting_for(speaker: Speaker) -> None:
    await speaker.start()
    busy = []
    for second in range(3):
        await speaker.chunk(AUDIO[SPEECH.bytes_in(0.85 * second) : SPEECH.bytes_in(0.85 * second + 0.85)])
        busy.append(speaker.conversation.is_busy)
    assert busy == [False, True, False]


async def test_speech_that_the_streams_end_cuts_off_is_stopped_there(speaker: Speaker) -> None:
    await speaker.start()
    await speaker.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    await speaker.send("audio-stop")
    assert speaker.edges == [("voice-started", 960), ("voice-stopped", 1280)]
    assert not speaker.conversation.is_busy


async def test_classes_carry_their_probability_their_time_and_the_turn(speaker: Speaker) -> None:
    await speaker.send("user-event", name="turn", context={"turn_id": "t1", "area": "kitchen"})
    await speaker.start()
    await speaker.chunk(AUDIO)
    await speaker.send("audio-stop")
    told = [event.data for event in speaker.heard if event.type == "user-event"]
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
    speaker: Speaker, start: dict[str, object], first: dict[str, object], begin: int
) -> None:
    await speaker.start(**start)
    await speaker.chunk(AUDIO, **first)
    assert speaker.edges == [(edge, begin + time) for edge, time in EDGES]


async def test_a_start_in_a_stream_ends_it_and_begins_another(speaker: Speaker, engine: LoudnessEngine) -> None:
    await speaker.start()
    await speaker.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    await speaker.start()
    await speaker.chunk(AUDIO)
    assert speaker.edges == [("voice-started", 960), ("voice-stopped", 1280), *EDGES]
    assert engine.open == 1


@pytest.mark.parametrize(
    "audio", [AudioFormat(48_000, 2, 2), AudioFormat(44_100, 3, 6), AudioFormat(8_000, 1, 1)], ids=str
)
async def test_other_formats_are_heard_as_well(speaker: Speaker, audio: AudioFormat) -> None:
    converter = Converter(SPEECH, audio)
    pcm = converter.convert(AUDIO) + converter.finish()
    form = {"rate": audio.rate, "width": audio.width, "channels": audio.channels}
    await speaker.start(**form)
    step = audio.bytes_in(0.1)
    for at in range(0, len(pcm), step):
        await speaker.chunk(pcm[at : at + step], **form)
    await speaker.send("audio-stop")
    assert [edge for edge, _ in speaker.edges] == ["voice-started", "voice-stopped"]
    assert all(abs(time - wanted) <= FRAME_MS for (_, time), (_, wanted) in zip(speaker.edges, EDGES, strict=True))


async def test_a_stream_without_audio_is_silence(speaker: Speaker) -> None:
    await speaker.start()
    await speaker.send("audio-stop")
    assert (speaker.edges, speaker.classes) == ([], ["silence"])


@pytest.mark.parametrize(
    ("data", "payload"),
    [({}, b"odd"), ({"width": 9}, b""), ({"rate": "fast"}, b""), ({"channels": 2}, b"12")],
    ids=["odd bytes", "width", "rate", "half a frame"],
)
async def test_bad_audio_is_refused_once_and_the_stream_is_dropped(
    speaker: Speaker, engine: LoudnessEngine, data: dict[str, object], payload: bytes
) -> None:
    await speaker.start()
    await speaker.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    with pytest.raises(BadEventError):
        await speaker.chunk(payload, **data)
    await speaker.chunk(AUDIO)
    await speaker.send("audio-stop")
    assert engine.open == 0
    assert speaker.edges == [("voice-started", 960)]
    await speaker.start()
    await speaker.chunk(AUDIO)
    assert speaker.edges[1:] == EDGES


@pytest.mark.parametrize("event_type", ["audio-chunk", "audio-stop"])
async def test_audio_without_a_start_is_refused(speaker: Speaker, event_type: str) -> None:
    with pytest.raises(BadEventError) as refusal:
        await speaker.send(event_type, bytes(320), **SPEECH_DATA)
    assert refusal.value.code == "no-audio-start"


async def test_streams_take_turns_however_much_of_one_is_waiting(
    engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]
) -> None:
    hasty, steady = Speaker(engine, scheduler), Speaker(engine, scheduler)
    await hasty.start()
    await steady.start()
    flood = asyncio.create_task(hasty.chunk(bytes(100 * FRAME_BYTES)))
    await asyncio.sleep(0)
    await steady.chunk(bytes(FRAME_BYTES))
    first = engine.heard[0]
    turn = next(at for at, detector in enumerate(engine.heard) if detector is not first)
    assert turn <= 4 * MAX_BATCH_FRAMES
    await flood


async def test_a_peer_that_leaves_drops_its_work(engine: LoudnessEngine, speaker: Speaker) -> None:
    await speaker.start()
    listening = asyncio.create_task(speaker.chunk(bytes(1000 * FRAME_BYTES)))
    await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait({listening})
    await speaker.conversation.close()
    assert engine.open == 0
    heard, told = len(engine.heard), len(speaker.heard)
    assert heard < 500
    await asyncio.sleep(0.05)
    assert (len(engine.heard), len(speaker.heard)) == (heard, told)


async def test_a_broken_engine_is_told_once_and_the_next_stream_is_a_new_one(
    engine: LoudnessEngine, speaker: Speaker
) -> None:
    await speaker.start()
    engine.broken = True
    with pytest.raises(EngineError):
        await speaker.chunk(AUDIO)
    with pytest.raises(EngineError):
        await speaker.chunk(AUDIO)
    await speaker.chunk(AUDIO)
    assert engine.open == 0
    engine.broken = False
    await speaker.start()
    await speaker.chunk(AUDIO)
    assert speaker.edges == EDGES


async def test_audio_that_was_dropped_still_counts(engine: LoudnessEngine) -> None:
    stream = VadStream(engine, SegmenterRules())
    process_batch(engine, [(stream, AUDIO[: SPEECH.bytes_in(0.96)])])
    stream.skip(16 * 500)
    found = process_batch(engine, [(stream, AUDIO[SPEECH.bytes_in(0.96) :])])[0]
    times = [one.time for one in found if isinstance(one, SpeechStart | SpeechStop)]
    assert times == [960 + 500, 1600 + 500]


async def test_audio_is_taken_at_once_when_it_is_speech_audio(speaker: Speaker) -> None:
    event = AudioChunk(16_000, 2, 1, AUDIO[: SPEECH.bytes_in(1.9)], timestamp=3000).event()
    assert not speaker.conversation.on_audio_nowait(event)
    await speaker.start()
    assert speaker.conversation.on_audio_nowait(event)
    await speaker.chunk(b"")
    assert speaker.edges == [(edge, 3000 + time) for edge, time in EDGES]
    assert not speaker.conversation.on_audio_nowait(AudioChunk(48_000, 2, 1, AUDIO).event())
