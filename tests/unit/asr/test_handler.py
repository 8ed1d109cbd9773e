import asyncio
import contextvars
from array import array
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from wyoming.event import Event

from tests.unit.asr.fakes import SPEECH_DATA, CountingEngine, FakeClient, silence, voice
from tests.unit.vad.fakes import FRAME_BYTES
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.trust.peer import plain_peer
from wyoming_rosie.voice_activity.endpointing import (
    CONDUCTED,
    SPECULATION,
    SPEECH_BOUNDARIES,
    Completeness,
    EndpointingRules,
)
from wyoming_rosie_asr.admission import Priority
from wyoming_rosie_asr.engine import SpeechAudio, UnsupportedLanguageError
from wyoming_rosie_asr.handler import AsrHandler

SECOND = voice(1)
COMMAND, PAUSE, END = voice(0.3), silence(0.15), silence(0.4)


class SendToSatellite:
    """The `send` of a connection of another machine."""

    peer = plain_peer("192.168.1.9")

    async def __call__(self, event: Event) -> None: ...


@pytest.fixture
async def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
async def client(engine: CountingEngine) -> AsyncIterator[FakeClient]:
    one = FakeClient(engine)
    yield one
    await one.close()


async def test_a_transcript_has_the_context_and_the_score(client: FakeClient) -> None:
    await client.send("transcribe", language="en", context={"turn_id": "t1", "area": "kitchen"})
    await client.transcribe(SECOND)
    (answer,) = client.received
    assert (answer.type, answer.data["text"], answer.data["language"]) == ("transcript", "32000", "en")
    assert answer.data["context"] == {"turn_id": "t1", "area": "kitchen", "score": 0.9}


async def test_a_decoding_is_for_the_client_of_the_connection(engine: CountingEngine, client: FakeClient) -> None:
    client.handler = AsrHandler(client.context, SendToSatellite())
    await client.transcribe(SECOND)
    assert {job.client for job in engine.jobs} == {"192.168.1.9"}


async def test_a_second_utterance_starts_empty(client: FakeClient) -> None:
    await client.transcribe(SECOND)
    await client.transcribe(SECOND)
    assert client.texts == ["32000", "32000"]


async def test_audio_start_drops_the_previous_utterance(client: FakeClient) -> None:
    await client.start()
    await client.send("audio-chunk", SECOND, **SPEECH_DATA)
    await client.transcribe(SECOND[:3200])
    assert client.texts == ["3200"]


@pytest.mark.parametrize("pcm", [b"", silence(1)], ids=["nothing", "silence"])
async def test_the_engine_is_not_used_without_speech(client: FakeClient, engine: CountingEngine, pcm: bytes) -> None:
    await client.send("transcribe")
    await client.transcribe(pcm)
    assert (client.texts, engine.decoded) == ([""], [])


async def test_other_formats_are_converted_to_16_khz_mono(client: FakeClient) -> None:
    stereo = array("h", (48 * [20_000] + 48 * [-20_000]) * 1000).tobytes()
    await client.transcribe(stereo, rate=48_000, width=2, channels=2)
    assert client.texts == ["32000"]


async def test_an_unsupported_language_is_rejected_once_and_its_audio_ignored(client: FakeClient) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await client.send("transcribe", language="tlh")
    await client.transcribe(SECOND)
    assert client.received == []
    await client.send("transcribe", language="en")
    await client.transcribe(SECOND)
    assert len(client.received) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"language": 5}, {"name": ["x"]}, {"transcript_names": "lamp"}, {"transcript_terms": [1]}, {"vad_sensitivity": 1}],
    ids=str,
)
async def test_an_invalid_request_is_rejected(client: FakeClient, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        await client.send("transcribe", **wrong)
        await client.start()


async def test_names_and_terms_reach_the_engine(client: FakeClient, engine: CountingEngine) -> None:
    await client.send("transcribe", name="home", transcript_names=["Ada", "Ada", " "], transcript_terms=["play jazz"])
    await client.transcribe(SECOND)
    (request,) = engine.requests
    assert (request.model, request.names, request.terms) == ("home", ("Ada",), ("play jazz",))


async def test_an_utterance_that_is_too_long_is_rejected_once(client: FakeClient) -> None:
    await client.start()
    await client.send("audio-chunk", 2 * SECOND, **SPEECH_DATA)
    with pytest.raises(BadEventError, match="2 s") as refused:
        await client.send("audio-chunk", bytes(2), **SPEECH_DATA)
    assert refused.value.code == "too-long"
    await client.send("audio-chunk", SECOND, **SPEECH_DATA)
    await client.send("audio-stop")
    assert client.received == []
    await client.transcribe(SECOND)
    assert client.texts == ["32000"]


async def test_audio_without_a_start_is_rejected(client: FakeClient) -> None:
    await client.send("transcribe")
    with pytest.raises(BadEventError):
        await client.send("audio-chunk", SECOND, **SPEECH_DATA)


async def test_a_handler_is_busy_until_it_has_answered(client: FakeClient, engine: CountingEngine) -> None:
    engine.may_continue.clear()
    busy = [client.handler.is_busy]
    asking = asyncio.create_task(client.transcribe(SECOND))
    await asyncio.sleep(0.05)
    busy.append(client.handler.is_busy)
    engine.may_continue.set()
    await asking
    assert [*busy, client.handler.is_busy] == [False, True, False]


async def test_other_events_are_ignored(client: FakeClient) -> None:
    await client.send("detect", names=["okay_nabu"])
    await client.send("voice-stopped")
    assert client.received == []


async def test_a_live_utterance_is_answered_once_at_its_endpoint(client: FakeClient, engine: CountingEngine) -> None:
    await client.start()
    await client.stream(COMMAND + END)
    await client.wait_for("transcript")
    await client.stream(COMMAND)
    await client.send("audio-stop")
    assert len(client.texts) == 1
    await client.transcribe(SECOND)
    assert client.texts[1:] == ["32000"]


async def test_the_transcript_comes_from_the_speculation(client: FakeClient, engine: CountingEngine) -> None:
    await client.start()
    await client.stream(COMMAND + END)
    await client.wait_for("transcript")
    ((heard, _),) = engine.decoded
    assert len(COMMAND) < heard < len(COMMAND + END)


async def test_a_speculation_gets_final_priority_at_audio_stop(client: FakeClient, engine: CountingEngine) -> None:
    engine.may_continue.clear()
    await client.start()
    await client.stream(COMMAND + PAUSE)
    stopping = asyncio.create_task(client.send("audio-stop"))
    await wait_until(lambda: engine.jobs[0].priority is Priority.FINAL)
    engine.may_continue.set()
    await stopping
    assert len(engine.decoded) == 1


async def test_a_speculation_is_not_the_transcript_of_resumed_speech(
    client: FakeClient, engine: CountingEngine
) -> None:
    engine.may_continue.clear()
    await client.start()
    await client.stream(COMMAND + PAUSE + COMMAND)
    engine.may_continue.set()
    await client.send("audio-stop")
    assert client.texts == [str(len(COMMAND + PAUSE + COMMAND))]


async def test_a_complete_command_ends_after_a_shorter_silence(engine: CountingEngine) -> None:
    engine.completeness = Completeness.COMPLETE
    client = FakeClient(engine, endpointing=EndpointingRules(50, 50, 100, 10_000, 10_000))
    await client.start()
    await client.stream(COMMAND + END)
    await client.wait_for("transcript")
    await client.close()


async def test_a_complete_command_ends_though_a_television_goes_on(engine: CountingEngine) -> None:
    engine.completeness = Completeness.COMPLETE
    engine.write = lambda audio: f"{len(audio.segments)} segment"
    client = FakeClient(engine, endpointing=EndpointingRules(50, 5_000, 5_000, 5_000, 5_000, after_complete_ms=400))
    await client.start()
    await client.stream(COMMAND + PAUSE + COMMAND + COMMAND)
    await client.wait_for("transcript")
    assert client.texts == ["1 segment"]
    await client.close()


async def test_a_recording_is_transcribed_to_its_end(client: FakeClient) -> None:
    pcm = voice(0.3) + silence(0.5) + voice(0.3) + silence(0.5)
    await client.transcribe(pcm + silence(0.2))
    assert client.texts == [str(len(pcm) + SPEECH.bytes_in(0.2))]


async def test_without_endpointing_the_transcript_waits_for_audio_stop(engine: CountingEngine) -> None:
    client = FakeClient(engine, has_endpointing=False)
    await client.start()
    await client.stream(COMMAND + END)
    assert client.received == []
    await client.send("audio-stop")
    assert len(client.texts) == 1
    await client.close()


async def test_silence_alone_ends_with_an_empty_transcript(engine: CountingEngine) -> None:
    client = FakeClient(engine, endpointing=EndpointingRules(50, 50, 100, 200, 400, no_speech_ms=300))
    await client.start()
    await client.stream(silence(0.5))
    assert (await client.wait_for("transcript")).data["text"] == ""
    await client.close()


async def test_a_conductor_decides_when_an_utterance_may_be_over(client: FakeClient, engine: CountingEngine) -> None:
    await client.start()
    await client.stream(voice(0.2))
    await client.send("voice-started")
    await client.stream(COMMAND[: len(COMMAND) // 3] + END)
    assert (client.received, engine.decoded) == ([], [])
    await client.send("voice-stopped")
    pending = await client.wait_for("user-event")
    assert (pending.data["name"], pending.data["data"]) == (SPECULATION, {"pending": True})
    guess = await client.wait_for("user-event", 2)
    assert (guess.data["name"], guess.data["data"]["completeness"]) == (SPECULATION, "unknown")
    await client.send("audio-stop")
    assert len(engine.decoded) == len(client.texts) == 1


async def test_a_conductor_may_announce_itself_in_the_request(client: FakeClient, engine: CountingEngine) -> None:
    await client.send("transcribe", context={CONDUCTED: True})
    await client.start()
    await client.stream(COMMAND + END)
    assert (client.received, engine.decoded) == ([], [])


async def test_a_conductor_cancels_the_speculation_with_voice_started(
    client: FakeClient, engine: CountingEngine
) -> None:
    await client.start()
    await client.stream(COMMAND)
    await client.send("voice-stopped")
    await client.wait_for("user-event")
    await client.send("voice-started")
    await client.send("audio-stop")
    assert [urgency for _, urgency in engine.decoded] == [Priority.SPECULATION, Priority.FINAL]


async def test_stable_partial_results_are_sent_during_speech(engine: CountingEngine) -> None:
    engine.supports_streaming = True
    guesses = iter(["turn on", "turn on the", "turn on the light", "turn on the light in"])
    engine.write = lambda _: next(guesses, "turn on the light in the kitchen")
    client = FakeClient(engine, partial_seconds=0.1, endpointing=EndpointingRules())
    await client.start()
    await client.stream(voice(0.8))
    await client.send("audio-stop")
    kinds = [event.type for event in client.received]
    chunks = [event.data["text"] for event in client.received if event.type == "transcript-chunk"]
    assert (kinds[0], kinds[-2:]) == ("transcript-start", ["transcript-stop", "transcript"])
    assert "".join(chunks) == client.texts[0] == "turn on the light in the kitchen"
    assert chunks[0] == "turn on"
    await client.close()


async def test_a_slow_engine_gives_no_partial_results(engine: CountingEngine) -> None:
    engine.supports_streaming = True
    client = FakeClient(engine, partial_seconds=0.1, endpointing=EndpointingRules())
    client.context.partial_budget.record(0.05)
    await client.start()
    await client.stream(voice(0.8))
    assert engine.decoded == []
    await client.send("audio-stop")
    assert [event.type for event in client.received] == [
        "transcript-start", "transcript-chunk", "transcript-stop", "transcript",
    ]  # fmt: skip
    await client.close()


async def test_closing_the_handler_cancels_the_decoding(client: FakeClient, engine: CountingEngine) -> None:
    engine.may_continue.clear()
    await client.start()
    await client.stream(COMMAND + PAUSE)
    await client.handler.close()
    assert engine.cancelled == 1


async def test_reported_boundaries_replace_voice_activity_detection(client: FakeClient, engine: CountingEngine) -> None:
    segments = list[tuple[tuple[int, int], ...]]()

    def write(audio: SpeechAudio) -> str:
        segments.append(audio.segments)
        return "turn on the light"

    engine.write = write
    await client.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await client.start()
    await client.stream(COMMAND + PAUSE)
    await client.send("voice-started", timestamp=40)
    await client.send("voice-stopped", timestamp=310)
    await client.wait_for("user-event")
    await client.stream(COMMAND)
    await client.send("voice-started", timestamp=430)
    await client.send("audio-stop")
    assert segments == [((40, 310),), ((40, 310), (430, 750))]
    assert client.texts == ["turn on the light"]
    assert (client.vad.open, client.vad.processed) == (0, [])


@pytest.mark.parametrize("timestamp", [None, "soon", -5, 10**9, float("nan")], ids=str)
async def test_boundaries_without_usable_timestamps_are_at_the_present_position(
    client: FakeClient, engine: CountingEngine, timestamp: object
) -> None:
    await client.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await client.start()
    await client.stream(COMMAND)
    await client.send("voice-stopped", timestamp=timestamp)
    await client.wait_for("user-event")
    await client.send("audio-stop")
    assert client.texts == [str(len(COMMAND))]


@pytest.mark.parametrize(("pcm", "text"), [(PAUSE + COMMAND + END, "27200"), (END, "")], ids=["speech", "silence"])
async def test_audio_is_searched_at_the_end_if_no_boundary_was_reported(
    client: FakeClient, pcm: bytes, text: str
) -> None:
    await client.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await client.start()
    await client.stream(pcm)
    assert client.vad.processed == []
    await client.send("audio-stop")
    assert client.texts == [text]
    assert len(client.vad.processed) == len(pcm) // FRAME_BYTES


def audio_chunk(pcm: bytes, **audio: Any) -> Event:
    return Event("audio-chunk", audio or SPEECH_DATA, pcm)


async def test_plain_audio_takes_the_fast_path(client: FakeClient) -> None:
    taken = [client.handler.on_audio_nowait(audio_chunk(COMMAND))]
    await client.start()
    taken.append(client.handler.on_audio_nowait(audio_chunk(COMMAND)))
    taken.append(client.handler.on_audio_nowait(audio_chunk(COMMAND[:-1])))
    taken.append(client.handler.on_audio_nowait(audio_chunk(COMMAND, rate=48_000, width=2, channels=2)))
    await client.send("audio-stop")
    assert taken == [False, True, False, False]
    assert client.texts == [str(len(COMMAND))]


async def test_audio_that_is_too_long_leaves_the_fast_path(client: FakeClient) -> None:
    await client.start()
    assert client.handler.on_audio_nowait(audio_chunk(SECOND))
    assert not client.handler.on_audio_nowait(audio_chunk(SECOND + bytes(2)))
    with pytest.raises(BadEventError, match="2 s"):
        await client.send("audio-chunk", SECOND + bytes(2), **SPEECH_DATA)
    assert not client.handler.on_audio_nowait(audio_chunk(SECOND))


async def test_an_answer_after_the_fast_path_belongs_to_its_turn(client: FakeClient, engine: CountingEngine) -> None:
    engine.write = lambda _: str(structlog.contextvars.get_contextvars()["turn_id"])
    await client.send("transcribe", context={"turn_id": "t7"})
    await client.start()
    for at in range(0, len(COMMAND + END), FRAME_BYTES):
        elsewhere = contextvars.Context()  # as audio comes from the socket, outside of the handler's task
        elsewhere.run(client.handler.on_audio_nowait, audio_chunk((COMMAND + END)[at : at + FRAME_BYTES]))
        await asyncio.sleep(0.005)
    assert (await client.wait_for("transcript")).data["text"] == "t7"
