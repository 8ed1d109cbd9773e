"""The hub as a process, with a scripted satellite and scripted daemons: whole turns, and all their failures."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import SPEECH_DATA, AnswerFunction, FakeDaemon, FakeSatellite
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.voice_activity.endpointing import CONDUCTED, SPECULATION, SPEECH_BOUNDARIES
from wyoming_rosie_hub.core import TRANSCRIPT_TIMEOUT_SECONDS
from wyoming_rosie_hub.late_answers import LATE_ANSWERS

TONE = bytes([0, 40]) * 1600
CHUNK_MS = 20
"""Of the scripted satellite."""


async def vad(event: Event, send: Send) -> None:
    """Report speech from 100 ms to 300 ms."""
    if event.type == "audio-start":
        await send(Event("voice-started", {"timestamp": 100}))
        await send(Event("voice-stopped", {"timestamp": 300}))


async def asr(event: Event, send: Send) -> None:
    if event.type == "audio-stop":
        await send(Event("transcript", {"text": "turn on the light"}))


async def intent(event: Event, send: Send) -> None:
    if event.type == "transcript":
        await send(Event("handled", {"text": "Turned on the light.", "context": {"expects_reply": False}}))


async def tts(event: Event, send: Send) -> None:
    if event.type == "synthesize":
        await send(Event("audio-start", dict(SPEECH_DATA)))
        for _ in range(3):
            await send(Event("audio-chunk", dict(SPEECH_DATA), TONE))
        await send(Event("audio-stop"))


async def storyteller(event: Event, send: Send) -> None:
    """Answer in chunks, as a language model does, and then with the whole text."""
    if event.type == "transcript":
        await send(Event("handled-start", {"context": {"expects_reply": True}}))
        for part in ("Once upon ", "a time. ", "The end?"):
            await send(Event("handled-chunk", {"text": part}))
        await send(Event("handled-stop"))
        await send(Event("handled", {"text": "Once upon a time. The end?"}))


def thinker(until: Callable[[], Awaitable[object]]) -> AnswerFunction:
    """Return a daemon that offers a filler, and answers when the wait is over."""

    async def think(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("user-event", {"name": "filler", "data": {"text": "Checking the lights…"}}))
            await until()
            await send(Event("handled", {"text": "They are on."}))

    return think


class SentenceVoice:
    """Synthesizes each chunk as a segment of its own and reports the end; ignores whole texts inside a stream."""

    async def answer(self, event: Event, send: Send) -> None:
        if event.type == "synthesize-chunk":
            await tts(Event("synthesize"), send)
        elif event.type == "synthesize-stop":
            await send(Event("synthesize-stopped"))


class HubHarness:
    """A scripted satellite and scripted daemons, and a hub once `begin` is called."""

    def __init__(self, start: StartDaemon, stack: AsyncExitStack, data_dir: Path) -> None:
        self._start = start
        self._stack = stack
        self._data_dir = data_dir
        self.satellite = FakeSatellite()
        self.stages = {
            role: FakeDaemon(answer) for role, answer in (("vad", vad), ("asr", asr), ("intent", intent), ("tts", tts))
        }
        self.down: set[str] = set()

    async def begin(self, *flags: str) -> Daemon:
        await self._stack.enter_async_context(self.satellite.serving(info=self.satellite.info))
        uris = []
        for role, stage in self.stages.items():
            await self._stack.enter_async_context(stage.serving())
            uris += [f"--{role}-uri", "tcp://127.0.0.1:9" if role in self.down else stage.uri]
        flags = ("--satellite", self.satellite.uri, *uris, "--no-zeroconf", "--data-dir", str(self._data_dir), *flags)
        hub = await self._start("hub", *flags)
        await hub.wait_for_line("satellite connected")
        return hub

    async def turn(self) -> list[Event]:
        """Wake, speak, and return the satellite's events until the end of the answer."""
        heard = len(self.satellite.heard)
        await self.satellite.wake()
        await self.satellite.speak(1.6)
        await self.satellite.wait_for("audio-stop", after=heard)
        await self.satellite.send(Event("played"))
        return self.satellite.heard[heard:]

    def utterance_ms(self) -> float:
        """Return how much audio the last utterance has."""
        kinds = [event.type for event in self.stages["asr"].heard]
        begin = len(kinds) - kinds[::-1].index("audio-start")
        return CHUNK_MS * kinds[begin : kinds.index("audio-stop", begin)].count("audio-chunk")


@pytest.fixture
async def harness(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[HubHarness]:
    async with AsyncExitStack() as stack:
        yield HubHarness(daemon, stack, tmp_path / "state")


def types(events: list[Event]) -> list[str]:
    """Return the events' types in order, with successive equal ones as one."""
    return [event.type for index, event in enumerate(events) if index == 0 or event.type != events[index - 1].type]


async def test_the_speaker_whom_asr_names_reaches_intent_and_the_timeline(harness: HubHarness) -> None:
    async def ada(event: Event, send: Send) -> None:
        if event.type == "audio-stop":
            context = {"speaker": "Ada", "speaker_score": 0.7}
            await send(Event("transcript", {"text": "turn on the light", "context": context}))

    harness.stages["asr"] = FakeDaemon(ada)
    hub = await harness.begin()
    await harness.turn()
    (told,) = [event for event in harness.stages["intent"].heard if event.type == "transcript"]
    assert told.data["context"]["speaker"] == "Ada"
    assert (await hub.wait_for_line("turn", step="transcript"))["detail"] == "Ada"


async def test_a_command_ends_where_asr_hears_another_voice_go_on(harness: HubHarness) -> None:
    async def endless_speech(event: Event, send: Send) -> None:
        if event.type == "audio-start":
            await send(Event("voice-started", {"timestamp": 100}))

    async def first_voice(event: Event, send: Send) -> None:
        if event.type == "voice-started":
            await send(Event("voice-stopped", {"timestamp": 300}))
        await asr(event, send)

    harness.stages["vad"], harness.stages["asr"] = FakeDaemon(endless_speech), FakeDaemon(first_voice)
    hub = await harness.begin()
    await harness.turn()
    told = [event for event in harness.stages["asr"].heard if event.type == "voice-stopped"]
    assert told[0].data["timestamp"] == 300
    await hub.wait_for_line("turn", step="done")


async def test_a_turn_looks_to_the_satellite_as_home_assistants_does(harness: HubHarness) -> None:
    hub = await harness.begin()
    told = await harness.turn()
    assert types(told) == [
        "transcribe", "voice-started", "voice-stopped", "transcript", "synthesize", "audio-start", "audio-chunk", "audio-stop",
    ]  # fmt: skip
    assert told[3].data["text"] == "turn on the light"
    assert b"".join(event.payload or b"" for event in told if event.type == "audio-chunk") == TONE * 3
    await hub.wait_for_line("turn", step="done")
    steps = [(line["step"], line["turn_id"]) for line in hub.lines("turn")]
    order = ("wake", "speech-start", "speech-end", "decided", "transcript", "intent", "first-audio", "done")
    assert steps == [(step, "turn-1") for step in order]


@pytest.mark.parametrize(("streams", "times"), [(True, 3), (False, 1)], ids=["in parts", "whole"])
async def test_an_answer_stream_is_spoken_before_its_end(harness: HubHarness, streams: bool, times: int) -> None:
    harness.stages["intent"].answer = storyteller
    if streams:
        harness.stages["tts"].answer = SentenceVoice().answer
    hub = await harness.begin()
    told = await harness.turn()
    assert b"".join(event.payload or b"" for event in told if event.type == "audio-chunk") == times * 3 * TONE
    assert types(told).count("audio-start") == types(told).count("audio-stop") == 1
    assert [event.data["text"] for event in told if event.type == "synthesize"] == ["Once upon a time. The end?"]
    assert "listen-again" in [event.data.get("name") for event in told]
    sent = types(harness.stages["tts"].heard)
    assert sent[-4:] == ["synthesize-start", "synthesize-chunk", "synthesize", "synthesize-stop"]
    await hub.wait_for_line("turn", step="done")


async def test_a_filler_plays_until_the_answer_comes(harness: HubHarness) -> None:
    harness.stages["intent"].answer = thinker(partial(harness.satellite.wait_for, "audio-stop"))
    hub = await harness.begin()
    heard = len(harness.satellite.heard)
    await harness.satellite.wake()
    await harness.satellite.speak(1.6)
    await harness.satellite.wait_for("synthesize", after=heard)
    answer = [event.type for event in harness.satellite.heard].index("synthesize")
    await harness.satellite.wait_for("audio-stop", after=answer)
    told = harness.satellite.heard[heard:]
    filler = types(told)[types(told).index("user-event") :]
    assert filler[:4] == ["user-event", "audio-start", "audio-chunk", "audio-stop"]
    assert filler[-4:] == ["synthesize", "audio-start", "audio-chunk", "audio-stop"]
    spoken = [event.data["text"] for event in harness.stages["tts"].heard if event.type == "synthesize"]
    assert spoken[-2:] == ["Checking the lights…", "They are on."]
    await hub.wait_for_line("turn", step="filler")


async def test_no_filler_plays_when_disabled(harness: HubHarness) -> None:
    harness.stages["intent"].answer = thinker(partial(asyncio.sleep, 0.4))
    await harness.begin("--no-filler")
    told = await harness.turn()
    assert not [event for event in told if event.type == "user-event" and event.data["name"] == "filler"]


async def test_a_complete_command_ends_the_utterance_sooner(harness: HubHarness) -> None:
    async def guessing(event: Event, send: Send) -> None:
        if event.type == "voice-stopped":
            await send(Event("user-event", {"name": SPECULATION, "data": {"text": "stop", "completeness": "complete"}}))
        await asr(event, send)

    await harness.begin()
    await harness.turn()
    late = harness.utterance_ms()
    harness.stages["asr"].answer = guessing
    await harness.turn()
    assert harness.utterance_ms() < late - 200


async def test_one_turn_id_area_and_conversation_reach_every_daemon(harness: HubHarness) -> None:
    await harness.begin()
    await harness.turn()
    requests = {"vad": "user-event", "asr": "transcribe", "intent": "transcript", "tts": "synthesize"}
    contexts = {role: harness.stages[role].of_type(name)[-1].data["context"] for role, name in requests.items()}
    expected = {
        "turn_id": "turn-1",
        "conversation_id": "turn-1",
        "satellite_id": "kitchen satellite",
        "area": "Kitchen",
    }
    assert contexts == {
        **dict.fromkeys(requests, expected),
        "asr": {**expected, CONDUCTED: True, SPEECH_BOUNDARIES: True},
        "intent": {**expected, "arrivals": True, "caller": expected["satellite_id"], LATE_ANSWERS: True},
    }
    assert harness.stages["intent"].of_type("detection")[0].data["name"] == "okay_nabu"


async def test_vad_and_asr_receive_the_same_audio_and_asr_where_speech_is(harness: HubHarness) -> None:
    await harness.begin()
    await harness.turn()
    to_vad = harness.stages["vad"].of_type("audio-chunk")
    to_asr = harness.stages["asr"].of_type("audio-chunk")
    assert to_vad
    assert to_vad == to_asr[: len(to_vad)]
    boundaries = [event for event in harness.stages["asr"].heard if event.type.startswith("voice-")]
    assert [(event.type, event.data["timestamp"]) for event in boundaries] == [
        ("voice-started", 100),
        ("voice-stopped", 300),
    ]


async def test_what_people_say_is_not_in_the_log(harness: HubHarness) -> None:
    hub = await harness.begin()
    await harness.turn()
    assert "turn on the light" not in json.dumps(hub.log).lower()
    assert "turned on the light" not in json.dumps(hub.log).lower()


@pytest.mark.parametrize("down", ["vad", "asr", "intent"])
async def test_an_unreachable_daemon_is_reported_aloud(harness: HubHarness, down: str) -> None:
    harness.down = {down}
    await harness.begin()
    told = await harness.turn()
    spoken = [event.data["text"] for event in told if event.type == "synthesize"]
    assert len(spoken) == 1
    assert "does not answer" in spoken[0]
    assert any(event.payload for event in told if event.type == "audio-chunk")


async def test_a_satellite_of_another_make_that_got_no_transcript_is_told_to_wait_for_its_word(
    harness: HubHarness,
) -> None:
    """wyoming-satellite 1.0 sends audio until one of the two comes, and hears no wake word meanwhile."""
    harness.down.add("asr")
    await harness.begin()
    heard = len(harness.satellite.heard)
    told = await harness.turn()
    await harness.satellite.wait_for("run-satellite", after=heard)
    assert "run-satellite" not in types(told)


async def test_stored_phrases_replace_a_failed_voice(harness: HubHarness) -> None:
    phrases = harness._data_dir / "phrases"
    hub = await harness.begin()
    async with asyncio.timeout(60):
        while not (phrases / "en" / "tts.wav").is_file():
            await asyncio.sleep(0.05)
    harness.stages["tts"].answer = silent_then_gone
    told = await harness.turn()
    assert b"".join(event.payload or b"" for event in told if event.type == "audio-chunk") == TONE * 3
    await hub.wait_for_line("turn", step="failed")
    assert [line["detail"] for line in hub.lines("turn") if line["step"] == "failed"] == ["tts"]


async def silent_then_gone(event: Event, send: Send) -> None:
    await send(Event("error", {"text": "out of breath", "code": "engine"}))


async def test_tones_replace_a_voice_that_never_answered(harness: HubHarness) -> None:
    harness.down = {"tts"}
    await harness.begin()
    told = await harness.turn()
    assert (
        len(b"".join(event.payload or b"" for event in told if event.type == "audio-chunk")) == 16000
    )  # half a second


async def test_an_error_of_a_daemon_is_reported_aloud_and_not_waited_out(harness: HubHarness) -> None:
    async def broken(event: Event, send: Send) -> None:
        if event.type == "audio-stop":
            await send(Event("error", {"text": "no model", "code": "engine"}))

    harness.stages["asr"].answer = broken
    hub = await harness.begin()
    await harness.turn()
    await hub.wait_for_line("turn", step="first-audio")
    times = {line["step"]: line["ms"] for line in hub.lines("turn")}
    assert times["first-audio"] - times["decided"] < 1000 * TRANSCRIPT_TIMEOUT_SECONDS


async def test_the_next_turn_works_when_the_daemon_is_back(harness: HubHarness) -> None:
    working = harness.stages["asr"].answer
    harness.stages["asr"].answer = silent_then_gone
    await harness.begin()
    assert "does not answer" in str([event.data for event in await harness.turn() if event.type == "synthesize"])
    harness.stages["asr"].answer = working
    assert "Turned on" in str([event.data for event in await harness.turn() if event.type == "synthesize"])


async def test_a_question_lets_the_satellite_listen_again_in_the_same_conversation(harness: HubHarness) -> None:
    async def asks(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("handled", {"text": "Shall I lock it?", "context": {"expects_reply": True}}))

    harness.stages["intent"].answer = asks
    await harness.begin()
    told = await harness.turn()
    assert [event.data["name"] for event in told if event.type == "user-event"] == ["listen-again"]
    await harness.satellite.wake("turn-2")
    async with asyncio.timeout(60):
        while len(harness.stages["asr"].of_type("transcribe")) < 2:
            await asyncio.sleep(0.02)
    context = harness.stages["asr"].of_type("transcribe")[-1].data["context"]
    assert (context["turn_id"], context["conversation_id"]) == ("turn-2", "turn-1")


async def test_a_timer_is_kept_across_a_restart_and_rings_the_satellite_that_asked(
    harness: HubHarness, daemon: StartDaemon
) -> None:
    async def timer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("intent", {"name": "HassStartTimer", "entities": [{"name": "seconds", "value": 4}]}))

    harness.stages["intent"].answer = timer
    hub = await harness.begin()
    told = await harness.turn()
    assert [event.data["text"] for event in told if event.type == "synthesize"] == ["4 second timer started."]
    started = next(event for event in told if event.type == "timer-started")
    heard = len(harness.satellite.heard)
    assert await hub.stop() == 0
    flags = ("--satellite", harness.satellite.uri, "--no-zeroconf", "--data-dir", str(harness._data_dir))
    await daemon("hub", *flags)
    finished = await harness.satellite.wait_for("timer-finished", after=heard, seconds=60)
    assert finished.data["id"] == started.data["id"]


async def test_several_intents_are_all_carried_out_and_answered_together(harness: HubHarness) -> None:
    async def two(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("intents-start"))
            for minutes in (3, 7):
                slots = [{"name": "minutes", "value": minutes}]
                await send(Event("intent", {"name": "HassStartTimer", "entities": slots}))
            await send(Event("intents-stop"))

    harness.stages["intent"].answer = two
    await harness.begin()
    told = await harness.turn()
    assert [event.data["text"] for event in told if event.type == "synthesize"] == [
        "3 minute timer started. 7 minute timer started."
    ]


async def test_the_volume_of_the_room_is_changed_and_reported(harness: HubHarness) -> None:
    async def set_volume(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("intent", {"name": "HassSetVolume", "entities": [{"name": "volume_level", "value": 40}]}))

    harness.stages["intent"].answer = set_volume
    await harness.begin()
    turn = asyncio.create_task(harness.turn())
    order = await harness.satellite.wait_for("user-event", name="volume")
    assert order.data == {"name": "volume", "percent": 40}
    await harness.satellite.send(Event("user-event", {"name": "volume", "percent": 40}))
    told = await turn
    assert [event.data["text"] for event in told if event.type == "synthesize"] == ["The volume is at 40 percent."]


async def test_never_mind_ends_the_turn_without_a_word(harness: HubHarness) -> None:
    async def never_mind(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("intent", {"name": "HassNevermind", "entities": []}))

    harness.stages["intent"].answer = never_mind
    await harness.begin()
    heard = len(harness.satellite.heard)
    await harness.satellite.wake()
    await harness.satellite.speak(1.6)
    await harness.satellite.wait_for("error", after=heard)
    assert not [event for event in harness.satellite.heard[heard:] if event.type in ("synthesize", "audio-start")]


async def test_the_wake_word_of_a_streaming_satellite_is_detected_remotely(harness: HubHarness) -> None:
    async def wake(event: Event, send: Send) -> None:
        if event.type == "audio-chunk" and (event.payload or b"")[0] == 7:
            await send(Event("detection", {"name": "okay_nabu", "timestamp": 320}))

    stage = FakeDaemon(wake)
    await harness._stack.enter_async_context(stage.serving())
    await harness.begin("--wake-uri", stage.uri)
    await harness.satellite.send(Event("run-pipeline", {"start_stage": "wake", "end_stage": "tts"}))
    await harness.satellite.speak(0.3)
    await harness.satellite.speak(0.02, bytes([7]) * 640)
    await harness.satellite.speak(1.6, bytes([9]) * 640)
    await harness.satellite.wait_for("audio-stop")
    audio = b"".join(event.payload or b"" for event in harness.stages["asr"].of_type("audio-chunk"))
    assert len(audio) > 16000
    assert set(audio) == {9}


async def test_a_satellite_that_comes_back_is_connected_again(daemon: StartDaemon, tmp_path: Path) -> None:
    satellite = FakeSatellite()
    async with satellite.serving(info=satellite.info):
        uri = satellite.uri
        await daemon("hub", "--satellite", uri, "--no-zeroconf", "--data-dir", str(tmp_path))
        await satellite.wait_for("run-satellite")
    again = FakeSatellite()
    async with again.serving(uri, info=again.info):
        await again.wait_for("run-satellite", seconds=60)


async def test_health_and_metrics_are_served(harness: HubHarness) -> None:
    hub = await harness.begin("--http-port", "0")
    await harness.turn()
    await hub.wait_for_line("turn", step="done")
    where = (await hub.wait_for_line("health"))["uri"]
    async with aiohttp.ClientSession() as session:
        async with session.get(where) as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        async with session.get(where.replace("/health", "/metrics")) as answer:
            text = await answer.text()
    assert 'wyoming_rosie_stage_milliseconds_count{stage="first-audio"} 1.0' in text
    assert 'wyoming_rosie_turns_total{outcome="done"} 1.0' in text
    assert "wyoming_rosie_peers 1.0" in text
