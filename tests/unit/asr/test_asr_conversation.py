import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.asr.fakes import SPEECH_DATA, CountingEngine, Speaker
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_asr.engine import UnknownLanguageError

SECOND = bytes(32_000)


@pytest.fixture
def worker() -> Iterator[ThreadWorker]:
    thread = ThreadWorker("test")
    yield thread
    thread.close()


@pytest.fixture
async def engine() -> CountingEngine:
    return CountingEngine()


@pytest.fixture
def speaker(engine: CountingEngine, worker: ThreadWorker) -> Speaker:
    return Speaker(engine, worker)


async def test_what_was_said_comes_back_with_the_turn_and_the_score(speaker: Speaker) -> None:
    await speaker.send("transcribe", language="en", context={"turn_id": "t1", "area": "kitchen"})
    await speaker.say(SECOND)
    (answer,) = speaker.heard
    assert (answer.type, answer.data["text"], answer.data["language"]) == ("transcript", "32000", "en")
    assert answer.data["context"] == {"turn_id": "t1", "area": "kitchen", "score": 0.9}


async def test_a_second_utterance_begins_with_nothing(speaker: Speaker) -> None:
    await speaker.say(SECOND)
    await speaker.say(SECOND)
    assert [answer.data["text"] for answer in speaker.heard] == ["32000", "32000"]


async def test_a_new_start_forgets_what_came_before(speaker: Speaker) -> None:
    await speaker.send("audio-start", None, **SPEECH_DATA)
    await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)
    await speaker.say(SECOND[:320])
    assert [answer.data["text"] for answer in speaker.heard] == ["320"]


async def test_no_audio_is_an_empty_transcript(speaker: Speaker) -> None:
    await speaker.send("transcribe")
    await speaker.send("audio-start", None, **SPEECH_DATA)
    await speaker.send("audio-stop")
    assert [answer.data["text"] for answer in speaker.heard] == [""]


async def test_other_formats_are_heard_as_16_khz_mono(speaker: Speaker) -> None:
    await speaker.say(bytes(48_000 * 2 * 2), rate=48_000, width=2, channels=2)
    assert [answer.data["text"] for answer in speaker.heard] == ["32000"]


async def test_an_unknown_language_is_refused_once_and_its_audio_ignored(speaker: Speaker) -> None:
    with pytest.raises(UnknownLanguageError):
        await speaker.send("transcribe", language="tlh")
    await speaker.say(SECOND)
    assert speaker.heard == []
    await speaker.send("transcribe", language="en")
    await speaker.say(SECOND)
    assert len(speaker.heard) == 1


async def test_a_language_that_is_no_text_is_refused(speaker: Speaker) -> None:
    with pytest.raises(BadEventError):
        await speaker.send("transcribe", language=5)


async def test_an_utterance_that_is_too_long_is_refused_once(speaker: Speaker) -> None:
    await speaker.send("audio-start", None, **SPEECH_DATA)
    await speaker.send("audio-chunk", 2 * SECOND, **SPEECH_DATA)
    with pytest.raises(BadEventError, match="2 s") as refused:
        await speaker.send("audio-chunk", bytes(2), **SPEECH_DATA)
    assert refused.value.code == "too-long"
    await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)
    await speaker.send("audio-stop")
    assert speaker.heard == []
    await speaker.say(SECOND)
    assert [answer.data["text"] for answer in speaker.heard] == ["32000"]


async def test_audio_without_a_start_is_refused(speaker: Speaker) -> None:
    await speaker.send("transcribe")
    with pytest.raises(BadEventError):
        await speaker.send("audio-chunk", SECOND, **SPEECH_DATA)


async def test_a_conversation_is_busy_until_it_has_answered(speaker: Speaker, engine: CountingEngine) -> None:
    engine.go_on.clear()
    busy = [speaker.conversation.busy]
    asking = asyncio.create_task(speaker.say(SECOND))
    await asyncio.sleep(0)
    busy.append(speaker.conversation.busy)
    engine.go_on.set()
    await asking
    assert [*busy, speaker.conversation.busy] == [False, True, False]


async def test_events_for_others_are_ignored(speaker: Speaker) -> None:
    await speaker.send("detect", names=["okay_nabu"])
    assert speaker.heard == []
