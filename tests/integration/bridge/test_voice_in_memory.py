"""Utterances go through all stages of the voice role in one process without brokers."""

import asyncio
import json
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from wyoming.event import Event

from tests.brokers import free_port
from tests.integration.bridge.scripted_daemons import (
    POISON,
    SILENCE,
    TTS_RATE,
    ScriptedAsr,
    ScriptedTts,
    audio_of,
    read_effects,
    serve_daemon,
    serve_daemons,
    speech_of,
)
from tests.waiting import wait_until
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import decode
from wyoming_rosie.bus.interface import Buses, Consumer, MqttMessage
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import (
    MAX_AUDIO_META_BYTES,
    MAX_INLINE_BYTES,
    MAX_SPEECH_BYTES,
    AudioFormatData,
    AudioMeta,
    RawAudio,
    Receipt,
    Result,
    Say,
    SpeechData,
)
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.voice.audio import AudioStore
from wyoming_rosie_bridge.voice.pipeline import VoicePipeline
from wyoming_rosie_bridge.voice.role import VoiceRole
from wyoming_rosie_bridge.voice.settings import VoiceSettings
from wyoming_rosie_bridge.worker import run_stage

SECONDS = 60.0
RESULTS = Consumer(names.RESULTS_STREAM, "test", "automation.result.>")


class Home:
    """A bridge in memory, one device, and what became of its utterances."""

    def __init__(self, buses: Buses, node: VoiceNode, database: Path, said: "asyncio.Queue[Say]") -> None:
        self.buses, self.node, self.said, self._database = buses, node, said, database
        self._results = buses.events.source(RESULTS)
        self.ends: dict[str, list[Result]] = {}

    async def speak(self, text: str, **changes: Any) -> str:
        return await self.node.send_audio(audio_of(text), AudioFormatData(), wake="okay_nabu", **changes)

    async def end(self, key: str) -> Result:
        """Return the only end of an utterance."""
        async with asyncio.timeout(SECONDS):
            while key not in self.ends:
                for delivery in await self._results.take(10, 0.5):
                    result = schema.unwrap(Result, delivery.envelope)
                    self.ends.setdefault(delivery.envelope.key, []).append(result)
                    await delivery.ack()
        (only,) = self.ends[key]
        return only

    async def heard(self) -> Say:
        async with asyncio.timeout(SECONDS):
            return await self.said.get()

    async def effects(self) -> list[tuple[str, str]]:
        return await asyncio.to_thread(read_effects, self._database)


@asynccontextmanager
async def home_with(folder: Path, **changes: Any) -> AsyncIterator[Home]:
    buses = create_memory_buses()
    said: asyncio.Queue[Say] = asyncio.Queue()
    database = folder / "effects.db"
    async with AsyncExitStack() as stack:
        ports = (free_port(), free_port(), free_port(), free_port())
        uris = await stack.enter_async_context(serve_daemons(database, ports))
        settings = replace(VoiceSettings(), **{**uris, **changes})
        context = BridgeContext(buses, StageMetrics(Metrics()))
        node = VoiceNode(buses.mqtt, "kitchen", folder / "outbox", lambda _, say: said.put_nowait(say))
        home = Home(buses, node, database, said)
        await home._results.take(1, 0.01)
        for stage in VoiceRole(settings, context).stages():
            await stack.enter_async_context(run_beside(run_stage(stage, context.metrics)))
        await stack.enter_async_context(run_beside(node.run()))
        yield home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with home_with(tmp_path) as made:
        yield made


async def test_a_command_is_executed_once_and_its_answer_is_spoken(home: Home) -> None:
    key = await home.speak("turn on the lamp")
    result = await home.end(key)
    assert (result.outcome, result.ok, result.message) == ("done", True, "Done: turn on the lamp.")
    assert await home.effects() == [(key, "turn on the lamp")]
    assert (await home.heard()).text == "Done: turn on the lamp."
    assert await home.node.count_waiting() == 0  # the receipt has come


async def test_a_question_is_answered_without_an_executor(home: Home) -> None:
    result = await home.end(await home.speak("is it raining?"))
    assert (result.outcome, result.message) == ("done", "You asked: is it raining?")
    assert await home.effects() == []


async def test_what_nobody_understands_gets_a_spoken_word(home: Home) -> None:
    result = await home.end(await home.speak("brumm"))
    assert (result.outcome, result.ok) == ("failed", False)
    assert (await home.heard()).priority == "failure"


async def test_silence_is_dropped_without_a_word(home: Home) -> None:
    result = await home.end(await home.node.send_audio(SILENCE, AudioFormatData()))
    assert (result.outcome, result.detail, result.message) == ("dropped", "silence", None)
    assert home.said.empty()


async def test_poison_becomes_a_dead_letter_and_the_person_is_told(home: Home) -> None:
    key = await home.speak(POISON)
    assert (await home.end(key)).outcome == "dead"
    (letter,) = await home.buses.dead_letters[0].list(10)
    assert (letter.place, letter.reason) == (names.AUDIO_INCOMING, "engine")
    assert (await home.heard()).priority == "failure"
    assert (await home.end(await home.speak("turn on the lamp"))).outcome == "done"


@pytest.mark.parametrize(
    ("recorded", "age", "outcome"),
    [
        (-11.0, None, "expired"),
        (-300.0, None, "expired"),
        (-300.0, 1.0, "dropped"),  # the device's clock is five minutes late
        (0.0, 11.0, "expired"),
        (-1_000_000_000.0, None, "dropped"),  # the device's clock was never set
        (300.0, None, "dropped"),
    ],
    ids=["late", "very late", "a late clock", "an old one", "a clock that was never set", "a clock ahead"],
)
async def test_what_is_too_old_is_not_obeyed_and_a_wrong_clock_is_forgiven(
    home: Home, recorded: float, age: float | None, outcome: str
) -> None:
    meta = AudioMeta(inline=b64encode(SILENCE).decode(), age=age)
    envelope = schema.wrap(meta, key="kitchen:1:1", source="kitchen", now=time.time() + recorded)
    await home.buses.mqtt.publish("voice/kitchen/audio_meta", envelope.encode())
    assert (await home.end("kitchen:1:1")).outcome == outcome


@pytest.mark.parametrize(
    ("ahead", "outcome"), [(0.0, "expired"), (-300.0, "done")], ids=["clocks agree", "a late clock"]
)
async def test_what_a_broker_kept_too_long_is_not_obeyed_if_the_clocks_agree(
    home: Home, tmp_path: Path, ahead: float, outcome: str
) -> None:
    """The device learns from receipts whether its clock, which is `ahead` of the bridge's, is right."""
    sent: list[MqttMessage] = []
    answers: list[MqttMessage] = []

    async def keep(message: MqttMessage) -> None:
        (answers if message.topic.endswith("say") else sent).append(message)

    home.buses.mqtt.subscribe("voice/office/audio_meta", keep)
    home.buses.mqtt.subscribe("voice/office/say", keep)
    office = VoiceNode(home.buses.mqtt, "office", tmp_path / "office")
    receipt = schema.wrap(Receipt("stored"), key="office:1:1", source="bridge", now=time.time() - ahead)
    await home.buses.mqtt.publish("voice/office/receipt", receipt.encode())
    async with run_beside(office.run()):
        key = await office.send_audio(audio_of("turn on the lamp"), AudioFormatData(), wake="okay_nabu")
        await wait_until(lambda: sent)
    envelope = decode(sent[0].payload)
    late = replace(envelope, key=f"{key}0", trace=f"{key}0", ts=envelope.ts - 20.0)
    await home.buses.mqtt.publish("voice/office/audio_meta", late.encode())
    assert (await home.end(late.key)).outcome == outcome
    await wait_until(lambda: answers)


async def test_an_utterance_that_comes_twice_has_one_end(home: Home) -> None:
    key = await home.speak("toggle the lamp")
    meta = schema.wrap(AudioMeta(inline="AAAA"), key=key, source="kitchen", now=time.time())
    await home.end(key)
    await home.buses.mqtt.publish("voice/kitchen/audio_meta", meta.encode())
    await home.end(await home.speak("turn on the lamp"))
    assert len(home.ends[key]) == 1
    assert [text for _, text in await home.effects()] == ["toggle the lamp", "turn on the lamp"]


async def test_an_expired_payload_is_a_dead_letter_that_says_so(home: Home) -> None:
    key = await home.speak("turn on the lamp", uri="memory:kitchen:no-such-payload")
    result = await home.end(key)
    assert (result.outcome, result.detail) == ("dead", "payload_expired")


async def test_an_answer_goes_with_its_audio_in_numbered_pieces(tmp_path: Path) -> None:
    async with serve_daemon(ScriptedTts, free_port()) as tts, home_with(tmp_path, tts_uri=tts) as home:
        await home.speak("is it raining?")
        says = await heard_pieces(home)
    assert [say.text for say in says] == ["You asked: is it raining?", *[""] * (len(says) - 1)]
    assert [audio.number for audio in audio_in(says)] == list(range(len(says)))
    pieces = [b64decode(audio.inline) for audio in audio_in(says)]
    assert b"".join(pieces) == speech_of("You asked: is it raining?")
    assert max(map(len, pieces)) <= MAX_SPEECH_BYTES
    assert audio_in(says)[0].fmt == AudioFormatData(TTS_RATE)


async def test_an_answer_whose_synthesis_breaks_off_ends_there(tmp_path: Path) -> None:
    broken = partial(ScriptedTts, most=60_000)
    async with serve_daemon(broken, free_port()) as tts, home_with(tmp_path, tts_uri=tts) as home:
        await home.speak("is it raining?")
        says = await heard_pieces(home)
    spoken = b"".join(b64decode(audio.inline) for audio in audio_in(says))
    assert spoken
    assert speech_of("You asked: is it raining?").startswith(spoken)


async def test_an_answer_without_a_voice_is_a_text(tmp_path: Path) -> None:
    async with home_with(tmp_path, tts_uri="tcp://127.0.0.1:1") as home:
        await home.speak("is it raining?")
        assert await home.heard() == Say("You asked: is it raining?")


async def test_fifteen_seconds_fit_into_a_message(home: Home) -> None:
    content = audio_of("turn on the lamp").ljust(MAX_INLINE_BYTES, b"\0")
    key = await home.node.send_audio(content, AudioFormatData(), wake="hey")
    assert (await home.end(key)).outcome == "done"


async def test_inline_audio_of_another_device_that_is_too_large_is_rejected(home: Home) -> None:
    meta = AudioMeta(inline=b64encode(bytes(MAX_INLINE_BYTES + 2)).decode())
    envelope = schema.wrap(meta, key="kitchen:1:1", source="kitchen", now=time.time())
    await home.buses.mqtt.publish("voice/kitchen/audio_meta", envelope.encode(MAX_AUDIO_META_BYTES))
    async with asyncio.timeout(SECONDS):
        while not home.node.rejected:
            await asyncio.sleep(0.01)


async def heard_pieces(home: Home) -> list[Say]:
    """Return all messages of an answer."""
    says = [await home.heard()]
    while not (audio := says[-1].audio) or not audio.is_last:
        says.append(await home.heard())
    return says


def audio_in(says: list[Say]) -> list[SpeechData]:
    return [say.audio for say in says if say.audio is not None]


async def test_a_grammar_that_is_sure_saves_the_recogniser(tmp_path: Path) -> None:
    async with serve_daemon(ScriptedAsr, free_port()) as grammar:
        nothing = "tcp://127.0.0.1:1"
        async with home_with(tmp_path, grammar_uri=grammar, asr_uri=nothing) as home:
            assert (await home.end(await home.speak("turn on the lamp"))).outcome == "done"


async def test_a_daemon_that_is_away_ends_in_a_spoken_word_at_the_deadline(tmp_path: Path) -> None:
    async with home_with(tmp_path, asr_uri="tcp://127.0.0.1:1", deadline_seconds=1.0) as home:
        result = await home.end(await home.speak("turn on the lamp"))
        assert result.outcome == "expired"
        assert (await home.heard()).text == "Sorry, that took too long."


@pytest.mark.parametrize("uri", ["memory:cellar:1", "redis:audio:blob:cellar:1", "redis:audio:blob:voice/kitchen:1:1"])
async def test_a_device_cannot_name_the_audio_of_another(home: Home, uri: str) -> None:
    await home.speak("turn on the lamp", uri=uri)
    async with asyncio.timeout(SECONDS):
        while not home.node.rejected:
            await asyncio.sleep(0.02)
    assert await home.effects() == []


async def test_whoever_comes_after_a_decision_publishes_it_however_late(tmp_path: Path) -> None:
    """A worker that died after its decision, before it was published, is followed by one after the deadline."""
    buses = create_memory_buses()
    context = BridgeContext(buses, StageMetrics(Metrics()))
    source = buses.events.source(RESULTS)
    raw = RawAudio("memory:kitchen:1", "kitchen")
    envelope = schema.wrap(raw, key="kitchen:1:1", source="test", now=time.time(), deadline=time.time() - 60)
    result = Result("done", ok=True, message="Done.")
    value = {"schema": schema.schema_of(Result), "data": schema.to_data(result)}
    await buses.jobs.decide("classify:kitchen:1:1", json.dumps(value))  # and then it died
    pipeline = VoicePipeline(VoiceSettings(), context, AudioStore(buses.jobs, VoiceSettings()))
    await pipeline.classify(envelope)
    await pipeline.classify(envelope)
    results = [schema.unwrap(Result, one.envelope) for one in await source.take(10, 0.1)]
    assert results == [result]
    assert not await buses.jobs.add(names.AUDIO_CLASSIFIED, envelope, "classify:kitchen:1:1")


async def test_audio_is_fetched_whole_from_a_host_that_was_named(tmp_path: Path) -> None:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(body=audio_of("turn on the lamp").ljust(600_000, b"\0"))

    app = web.Application()
    app.router.add_get("/{name}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", free_port())
    await site.start()
    host = site.name.removeprefix("http://")
    try:
        async with home_with(tmp_path, audio_host=(host,)) as home:
            content = audio_of("turn on the lamp").ljust(600_000, b"\0")
            key = await home.node.send_audio(content, AudioFormatData(), uri=f"http://{host}/1")
            assert (await home.end(key)).outcome == "done"
            for uri in (f"http://{host}1/1", "http://[", "file:///etc/passwd", "file://["):
                assert (await home.end(await home.speak("x", uri=uri))).detail == "bad-uri"
    finally:
        await runner.cleanup()


async def test_a_daemon_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    asked: list[int] = []

    class BusyAtFirst(ScriptedAsr):
        async def handle_event(self, event: Event) -> bool:
            if event.type == "audio-stop":
                asked.append(1)
                if len(asked) < 6:
                    await self.write_event(Event("error", {"text": "too many requests", "code": "busy"}))
                    return True
            return await super().handle_event(event)

    async with (
        serve_daemon(BusyAtFirst, free_port()) as busy,
        home_with(tmp_path, asr_uri=busy, deadline_seconds=60.0) as home,
    ):
        assert (await home.end(await home.speak("turn on the lamp"))).outcome == "done"
