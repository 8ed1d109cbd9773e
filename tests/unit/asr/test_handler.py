import asyncio
import contextvars
from array import array
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from wyoming.event import Event

from tests.unit.asr.fakes import SPEECH_DATA, CountingEngine, Speaker, silence, voice
from tests.unit.vad.fakes import FRAME_BYTES
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.voice_activity.endpointing import CONDUCTED, SPECULATION, SPEECH_BOUNDARIES, EndpointingRules
from wyoming_rosie_asr.admission import Priority
from wyoming_rosie_asr.engine import SpeechAudio, UnsupportedLanguageError

SECOND = voice(1)
COMMAND, PAUSE, END = voice(0.3), silence(0.15), silence(0.4)


@pytest.fixture
async def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
async def speaker(engine: CountingEngine) -> AsyncIterator[Speaker]:
    one = Speaker(engine)
    yield one
    await one.close()


async def test_what_was_said_comes_back_with_the_turn_and_the_score(speaker: Speaker) -> None:
    await speaker.send("transcribe", language="en", context={"turn_id": "t1", "area": "kitchen"})
    await speaker.say(SECOND)
    (answer,) = speaker.heard
    assert (answer.type, answer.data["text"], answer.data["language"]) == ("transcript", "32000", "en")
    assert answer.data["context"] == {"turn_id": "t1", "area": "kitchen", "score": 0.9}


async def test_a_second_utterance_begins_with_nothing(speaker: Speaker) -> None:
    await speaker.say(SECOND)
    await speaker.say(SECOND)
    assert speaker.texts == ["32000", "32000"]


async def test_a_new_start_forgets_what_came_before(speaker: Speaker) -> None:
    await speaker.begin()
    await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)
    await speaker.say(SECOND[:3200])
    assert speaker.texts == ["3200"]


@pytest.mark.parametrize("pcm", [b"", silence(1)], ids=["nothing", "silence"])
async def test_where_nobody_speaks_the_engine_is_not_asked(
    speaker: Speaker, engine: CountingEngine, pcm: bytes
) -> None:
    await speaker.send("transcribe")
    await speaker.say(pcm)
    assert (speaker.texts, engine.heard) == ([""], [])


async def test_other_formats_are_heard_as_16_khz_mono(speaker: Speaker) -> None:
    stereo = array("h", (48 * [20_000] + 48 * [-20_000]) * 1000).tobytes()
    await speaker.say(stereo, rate=48_000, width=2, channels=2)
    assert speaker.texts == ["32000"]


async def test_an_unknown_language_is_refused_once_and_its_audio_ignored(speaker: Speaker) -> None:
    with pytest.raises(UnsupportedLanguageError):
        await speaker.send("transcribe", language="tlh")
    await speaker.say(SECOND)
    assert speaker.heard == []
    await speaker.send("transcribe", language="en")
    await speaker.say(SECOND)
    assert len(speaker.heard) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"language": 5}, {"name": ["x"]}, {"transcript_names": "lamp"}, {"transcript_terms": [1]}, {"vad_sensitivity": 1}],
    ids=str,
)
async def test_a_request_that_is_none_is_refused(speaker: Speaker, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadEventError):
        await speaker.send("transcribe", **wrong)
        await speaker.begin()


async def test_names_and_terms_reach_the_engine(speaker: Speaker, engine: CountingEngine) -> None:
    await speaker.send("transcribe", name="home", transcript_names=["Ada", "Ada", " "], transcript_terms=["play jazz"])
    await speaker.say(SECOND)
    (request,) = engine.requests
    assert (request.model, request.names, request.terms) == ("home", ("Ada",), ("play jazz",))


async def test_an_utterance_that_is_too_long_is_refused_once(speaker: Speaker) -> None:
    await speaker.begin()
    await speaker.send("audio-chunk", 2 * SECOND, **SPEECH_DATA)
    with pytest.raises(BadEventError, match="2 s") as refused:
        await speaker.send("audio-chunk", bytes(2), **SPEECH_DATA)
    assert refused.value.code == "too-long"
    await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)
    await speaker.send("audio-stop")
    assert speaker.heard == []
    await speaker.say(SECOND)
    assert speaker.texts == ["32000"]


async def test_audio_without_a_start_is_refused(speaker: Speaker) -> None:
    await speaker.send("transcribe")
    with pytest.raises(BadEventError):
        await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)


async def test_a_conversation_is_busy_until_it_has_answered(speaker: Speaker, engine: CountingEngine) -> None:
    engine.go_on.clear()
    busy = [speaker.conversation.is_busy]
    asking = asyncio.create_task(speaker.say(SECOND))
    await asyncio.sleep(0.05)
    busy.append(speaker.conversation.is_busy)
    engine.go_on.set()
    await asking
    assert [*busy, speaker.conversation.is_busy] == [False, True, False]


async def test_events_for_others_are_ignored(speaker: Speaker) -> None:
    await speaker.send("detect", names=["okay_nabu"])
    await speaker.send("voice-stopped")
    assert speaker.heard == []


async def test_a_live_utterance_is_answered_when_it_is_over_and_once(speaker: Speaker, engine: CountingEngine) -> None:
    await speaker.begin()
    await speaker.speak(COMMAND + END)
    await speaker.hears("transcript")
    await speaker.speak(COMMAND)
    await speaker.send("audio-stop")
    assert len(speaker.texts) == 1
    await speaker.say(SECOND)
    assert speaker.texts[1:] == ["32000"]


async def test_it_is_decided_on_what_was_heard_when_all_may_have_been_said(
    speaker: Speaker, engine: CountingEngine
) -> None:
    await speaker.begin()
    await speaker.speak(COMMAND + END)
    await speaker.hears("transcript")
    ((heard, _),) = engine.heard
    assert len(COMMAND) < heard < len(COMMAND + END)


async def test_a_guess_becomes_urgent_when_the_answer_is_wanted(speaker: Speaker, engine: CountingEngine) -> None:
    engine.go_on.clear()
    await speaker.begin()
    await speaker.speak(COMMAND + PAUSE)
    stopping = asyncio.create_task(speaker.send("audio-stop"))
    await asyncio.sleep(0.05)
    engine.go_on.set()
    await stopping
    assert [urgency for _, urgency in engine.heard] == [Priority.FINAL]


async def test_speech_that_goes_on_throws_the_guess_away(speaker: Speaker, engine: CountingEngine) -> None:
    engine.go_on.clear()
    await speaker.begin()
    await speaker.speak(COMMAND + PAUSE + COMMAND)
    assert engine.dropped == 1
    engine.go_on.set()
    await speaker.send("audio-stop")
    assert speaker.texts == [str(len(COMMAND + PAUSE + COMMAND))]


async def test_a_whole_command_is_over_sooner(engine: CountingEngine) -> None:
    engine.is_complete = True
    speaker = Speaker(engine, endpointing=EndpointingRules(50, 100, 10_000))
    await speaker.begin()
    await speaker.speak(COMMAND + END)
    await speaker.hears("transcript")
    await speaker.close()


async def test_a_recording_that_comes_at_once_is_heard_to_its_end(speaker: Speaker) -> None:
    pcm = voice(0.3) + silence(0.5) + voice(0.3) + silence(0.5)
    await speaker.say(pcm + silence(0.2))
    assert speaker.texts == [str(len(pcm) + SPEECH.bytes_in(0.2))]


async def test_a_peer_that_watches_for_the_end_itself_is_waited_for(engine: CountingEngine) -> None:
    speaker = Speaker(engine, has_endpointing=False)
    await speaker.begin()
    await speaker.speak(COMMAND + END)
    assert speaker.heard == []
    await speaker.send("audio-stop")
    assert len(speaker.texts) == 1
    await speaker.close()


async def test_silence_alone_is_over_in_the_end(engine: CountingEngine) -> None:
    speaker = Speaker(engine, endpointing=EndpointingRules(50, 100, 200, no_speech_ms=300))
    await speaker.begin()
    await speaker.speak(silence(0.5))
    assert (await speaker.hears("transcript")).data["text"] == ""
    await speaker.close()


async def test_a_conductor_knows_better_when_an_utterance_is_over(speaker: Speaker, engine: CountingEngine) -> None:
    await speaker.begin()
    await speaker.speak(voice(0.2))
    await speaker.send("voice-started")
    await speaker.speak(COMMAND[: len(COMMAND) // 3] + END)
    assert (speaker.heard, engine.heard) == ([], [])
    await speaker.send("voice-stopped")
    guess = await speaker.hears("user-event")
    assert (guess.data["name"], guess.data["data"]["complete"]) == (SPECULATION, False)
    await speaker.send("audio-stop")
    assert len(engine.heard) == len(speaker.texts) == 1


async def test_a_conductor_may_say_at_once_that_it_watches(speaker: Speaker, engine: CountingEngine) -> None:
    await speaker.send("transcribe", context={CONDUCTED: True})
    await speaker.begin()
    await speaker.speak(COMMAND + END)
    assert (speaker.heard, engine.heard) == ([], [])


async def test_a_conductor_that_hears_the_voice_again_has_the_guess_thrown_away(
    speaker: Speaker, engine: CountingEngine
) -> None:
    await speaker.begin()
    await speaker.speak(COMMAND)
    await speaker.send("voice-stopped")
    await speaker.hears("user-event")
    await speaker.send("voice-started")
    await speaker.send("audio-stop")
    assert [urgency for _, urgency in engine.heard] == [Priority.SPECULATION, Priority.FINAL]


async def test_what_is_stable_is_told_while_somebody_speaks(engine: CountingEngine) -> None:
    engine.supports_streaming = True
    guesses = iter(["turn on", "turn on the", "turn on the light", "turn on the light in"])
    engine.write = lambda _: next(guesses, "turn on the light in the kitchen")
    speaker = Speaker(engine, partial_seconds=0.1, endpointing=EndpointingRules())
    await speaker.begin()
    await speaker.speak(voice(0.8))
    await speaker.send("audio-stop")
    kinds = [event.type for event in speaker.heard]
    chunks = [event.data["text"] for event in speaker.heard if event.type == "transcript-chunk"]
    assert (kinds[0], kinds[-2:]) == ("transcript-start", ["transcript-stop", "transcript"])
    assert "".join(chunks) == speaker.texts[0] == "turn on the light in the kitchen"
    assert chunks[0] == "turn on"
    await speaker.close()


async def test_an_engine_that_is_too_slow_is_not_asked_while_somebody_speaks(engine: CountingEngine) -> None:
    engine.supports_streaming = True
    speaker = Speaker(engine, partial_seconds=0.1, endpointing=EndpointingRules())
    speaker.ears.partial_budget.record(0.05)
    await speaker.begin()
    await speaker.speak(voice(0.8))
    assert engine.heard == []
    await speaker.send("audio-stop")
    assert [event.type for event in speaker.heard] == [
        "transcript-start", "transcript-chunk", "transcript-stop", "transcript",
    ]  # fmt: skip
    await speaker.close()


async def test_a_peer_that_leaves_wants_nothing_any_more(speaker: Speaker, engine: CountingEngine) -> None:
    engine.go_on.clear()
    await speaker.begin()
    await speaker.speak(COMMAND + PAUSE)
    await speaker.conversation.close()
    assert engine.dropped == 1


async def test_a_conductor_that_tells_of_voices_spares_the_voice_detector(
    speaker: Speaker, engine: CountingEngine
) -> None:
    segments = list[tuple[tuple[int, int], ...]]()

    def write(audio: SpeechAudio) -> str:
        segments.append(audio.segments)
        return "turn on the light"

    engine.write = write
    await speaker.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await speaker.begin()
    await speaker.speak(COMMAND + PAUSE)
    await speaker.send("voice-started", timestamp=40)
    await speaker.send("voice-stopped", timestamp=310)
    await speaker.hears("user-event")
    await speaker.speak(COMMAND)
    await speaker.send("voice-started", timestamp=430)
    await speaker.send("audio-stop")
    assert segments == [((40, 310),), ((40, 310), (430, 750))]
    assert speaker.texts == ["turn on the light"]
    assert (speaker.vad.open, speaker.vad.heard) == (0, [])


@pytest.mark.parametrize("timestamp", [None, "soon", -5, 10**9, float("nan")], ids=str)
async def test_a_conductor_without_usable_times_is_followed_as_it_speaks(
    speaker: Speaker, engine: CountingEngine, timestamp: object
) -> None:
    await speaker.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await speaker.begin()
    await speaker.speak(COMMAND)
    await speaker.send("voice-stopped", timestamp=timestamp)
    await speaker.hears("user-event")
    await speaker.send("audio-stop")
    assert speaker.texts == [str(len(COMMAND))]


@pytest.mark.parametrize(("pcm", "text"), [(PAUSE + COMMAND + END, "27200"), (END, "")], ids=["speech", "silence"])
async def test_a_conductor_that_told_of_no_voice_has_the_audio_searched_at_the_end(
    speaker: Speaker, pcm: bytes, text: str
) -> None:
    await speaker.send("transcribe", context={SPEECH_BOUNDARIES: True})
    await speaker.begin()
    await speaker.speak(pcm)
    assert speaker.vad.heard == []
    await speaker.send("audio-stop")
    assert speaker.texts == [text]
    assert len(speaker.vad.heard) == len(pcm) // FRAME_BYTES


def audio_chunk(pcm: bytes, **audio: Any) -> Event:
    return Event("audio-chunk", audio or SPEECH_DATA, pcm)


async def test_plain_audio_is_taken_without_waiting(speaker: Speaker) -> None:
    taken = [speaker.conversation.on_audio_nowait(audio_chunk(COMMAND))]
    await speaker.begin()
    taken.append(speaker.conversation.on_audio_nowait(audio_chunk(COMMAND)))
    taken.append(speaker.conversation.on_audio_nowait(audio_chunk(COMMAND[:-1])))
    taken.append(speaker.conversation.on_audio_nowait(audio_chunk(COMMAND, rate=48_000, width=2, channels=2)))
    await speaker.send("audio-stop")
    assert taken == [False, True, False, False]
    assert speaker.texts == [str(len(COMMAND))]


async def test_audio_that_is_too_long_is_left_to_be_refused(speaker: Speaker) -> None:
    await speaker.begin()
    assert speaker.conversation.on_audio_nowait(audio_chunk(SECOND))
    assert not speaker.conversation.on_audio_nowait(audio_chunk(SECOND + bytes(2)))
    with pytest.raises(BadEventError, match="2 s"):
        await speaker.send("audio-chunk", SECOND + bytes(2), **SPEECH_DATA)
    assert not speaker.conversation.on_audio_nowait(audio_chunk(SECOND))


async def test_an_answer_that_audio_without_waiting_leads_to_belongs_to_its_turn(
    speaker: Speaker, engine: CountingEngine
) -> None:
    engine.write = lambda _: str(structlog.contextvars.get_contextvars()["turn_id"])
    await speaker.send("transcribe", context={"turn_id": "t7"})
    await speaker.begin()
    for at in range(0, len(COMMAND + END), FRAME_BYTES):
        elsewhere = contextvars.Context()  # as audio comes from the socket, outside of the handler's task
        elsewhere.run(speaker.conversation.on_audio_nowait, audio_chunk((COMMAND + END)[at : at + FRAME_BYTES]))
        await asyncio.sleep(0.005)
    assert (await speaker.hears("transcript")).data["text"] == "t7"
