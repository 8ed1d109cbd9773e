import asyncio
import math
from array import array
from collections.abc import AsyncIterator

import pytest

from tests.unit.vad.fakes import FRAME_BYTES, SPEECH_DATA, LoudnessEngine, Speaker
from wyoming_rosie.audio import SPEECH, AudioFormat, Converter
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_vad.conversation import FRAMES_IN_A_ROW
from wyoming_rosie_vad.segmenter import Rules
from wyoming_rosie_vad.together import Together

FRAME_MS = 32
QUIET, LOUD = 32, 12_000


def tone(milliseconds: int, loudness: int) -> bytes:
    return array("h", (int(loudness * math.sin(at / 5)) for at in range(16 * milliseconds))).tobytes()


AUDIO = tone(960, QUIET) + tone(640, LOUD) + tone(960, QUIET)
EDGES = [("voice-started", 960), ("voice-stopped", 1600)]


@pytest.fixture
async def worker() -> AsyncIterator[ThreadWorker]:
    worker = ThreadWorker("test")
    yield worker
    worker.close()


@pytest.fixture
def engine() -> LoudnessEngine:
    return LoudnessEngine()


@pytest.fixture
def together(engine: LoudnessEngine, worker: ThreadWorker) -> Together:
    return Together(engine, worker, Rules())


@pytest.fixture
def speaker(together: Together, worker: ThreadWorker) -> Speaker:
    return Speaker(together, worker)


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
        busy.append(speaker.conversation.busy)
    assert busy == [False, True, False]


async def test_speech_that_the_streams_end_cuts_off_is_stopped_there(speaker: Speaker) -> None:
    await speaker.start()
    await speaker.chunk(AUDIO[: SPEECH.bytes_in(1.28)])
    await speaker.send("audio-stop")
    assert speaker.edges == [("voice-started", 960), ("voice-stopped", 1280)]
    assert not speaker.conversation.busy


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
    engine: LoudnessEngine, together: Together, worker: ThreadWorker
) -> None:
    hasty, steady = Speaker(together, worker), Speaker(together, worker)
    await hasty.start()
    await steady.start()
    flood = asyncio.create_task(hasty.chunk(bytes(100 * FRAME_BYTES)))
    await asyncio.sleep(0)
    await steady.chunk(bytes(FRAME_BYTES))
    first = engine.heard[0]
    turn = next(at for at, detector in enumerate(engine.heard) if detector is not first)
    assert turn <= 2 * FRAMES_IN_A_ROW
    await flood


async def test_a_peer_that_leaves_drops_its_work(engine: LoudnessEngine, speaker: Speaker) -> None:
    await speaker.start()
    listening = asyncio.create_task(speaker.chunk(bytes(1000 * FRAME_BYTES)))
    await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait({listening})
    await speaker.conversation.close()
    assert len(engine.heard) <= 2 * FRAMES_IN_A_ROW
    assert engine.open == 0
    assert speaker.heard == []
