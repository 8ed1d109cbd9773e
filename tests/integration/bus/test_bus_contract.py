"""The buses keep their promises in memory and with real brokers alike."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, Nats, Redis
from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.errors import BacklogFullError, BusError
from wyoming_rosie.bus.interface import Buses, Consumer, DeadLetters, Delivery, MqttMessage, Source
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.runtime.tasks import run_beside

SECONDS = 60.0
INTENT = "voice.intent.light.turn_on"
EXECUTE = Consumer(names.VOICE_STREAM, "execute", "voice.intent.>", ack_seconds=2.0)


def envelope(key: str = "kitchen:1:1", **changes: object) -> Envelope:
    plain = Envelope("rosie.v1.test", key, time.time(), "test", key, {"text": "turn on the light"})
    return replace(plain, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def real_buses(folder: Path, *, newer_nats: bool) -> AsyncIterator[Buses]:
    brokers = (
        Mosquitto(folder / "mosquitto"), Redis(folder / "redis"), Nats(folder / "nats", installed_by_pip=newer_nats),
    )  # fmt: skip
    try:
        for broker in brokers:
            await broker.started()
        mosquitto, redis, nats = (
            parse_broker_url("--url", broker.url, "NO_SUCH_VARIABLE", None, allow_plain=False) for broker in brokers
        )
        async with AsyncExitStack() as stack:
            mqtt = PahoMqtt(mosquitto, "test")
            jobs = await stack.enter_async_context(open_redis(redis))
            events = NatsEvents(nats, "test")
            await stack.enter_async_context(run_beside(events.run()))
            yield Buses(mqtt, jobs, events, (jobs, events))
    finally:
        for broker in brokers:
            await broker.killed()


@pytest.fixture(params=["memory", "nats 2.9", "newer nats"])
async def buses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Buses]:
    if request.param == "memory":
        yield create_memory_buses()
        return
    async with real_buses(tmp_path, newer_nats=request.param == "newer nats") as real:
        while real.events.problem:
            await asyncio.sleep(0.02)
        yield real


async def take(source: Source, count: int = 10, until: int = 1) -> list[Delivery]:
    taken: list[Delivery] = []
    async with asyncio.timeout(SECONDS):
        while len(taken) < until:
            with suppress(BusError):  # a broker on a busy machine may answer late
                taken += await source.take(count, 0.5)
    return taken


async def prepare(source: Source) -> None:
    """Have the consumer made, so that it gets what is published from now on."""
    async with asyncio.timeout(SECONDS):
        while True:
            with suppress(BusError):
                assert await source.take(1, 0.1) == []
                return


def keys(deliveries: Sequence[Delivery]) -> list[str]:
    return [one.envelope.key for one in deliveries]


async def test_a_job_is_added_once_and_delivered_until_it_is_confirmed(buses: Buses) -> None:
    assert await buses.jobs.add(names.AUDIO_RAW, envelope())
    assert not await buses.jobs.add(names.AUDIO_RAW, envelope())
    source = buses.jobs.source(names.AUDIO_RAW, 0.5)
    (first,) = await take(source)
    assert (first.envelope, first.attempt, first.place) == (envelope(ts=first.envelope.ts), 1, names.AUDIO_RAW)
    (again,) = await take(source)  # nobody confirmed it
    assert (again.envelope.key, again.attempt) == (first.envelope.key, 2)
    await again.ack()
    assert await source.take(10, 0.8) == []
    backlog = await source.backlog()
    assert (backlog.waiting, backlog.pending) == (0, 0)
    assert not await buses.jobs.add(names.AUDIO_RAW, envelope())


async def test_a_job_whose_time_is_extended_is_not_taken_over(buses: Buses) -> None:
    await buses.jobs.add(names.AUDIO_RAW, envelope())
    source = buses.jobs.source(names.AUDIO_RAW, 3.0)
    (mine,) = await take(source)
    for _ in range(4):
        await asyncio.sleep(1)
        assert await mine.extend()
        assert await source.take(1, 0.01) == []
    await mine.release(0.0)
    (again,) = await take(source)
    assert again.attempt == 2
    await again.ack()
    assert not await again.extend()


async def test_what_was_decided_counts_for_good(buses: Buses) -> None:
    assert await buses.jobs.decide("asr:k", "expired") == "expired"
    assert await buses.jobs.decide("asr:k", "passed") == "expired"
    assert await buses.jobs.recall("asr:k") == "expired"
    assert not await buses.jobs.add(names.AUDIO_TRANSCRIBED, envelope(), "asr:k")
    assert await buses.jobs.add(names.AUDIO_TRANSCRIBED, envelope("other"), "asr:other")
    assert await buses.jobs.decide("asr:other", "expired") == "passed"
    await buses.jobs.record("note", "1", SECONDS)
    assert await buses.jobs.recall("note") == "1"
    await buses.jobs.record("short note", "1", 0.2)
    await asyncio.sleep(0.3)
    assert await buses.jobs.recall("short note") is None


async def test_a_full_stream_refuses_and_takes_again_when_there_is_room(
    buses: Buses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(names.LIMITS, names.AUDIO_INCOMING, 2)
    for number in range(2):
        assert await buses.jobs.add(names.AUDIO_INCOMING, envelope(f"k{number}"))
    with pytest.raises(BacklogFullError):
        await buses.jobs.add(names.AUDIO_INCOMING, envelope("k2"))
    assert not await buses.jobs.add(names.AUDIO_INCOMING, envelope("k1"))  # a duplicate needs no room
    source = buses.jobs.source(names.AUDIO_INCOMING, 30)
    assert (await source.backlog()).waiting == 2
    first, *_ = await take(source, 1)
    assert (await source.backlog()).pending == 1
    await first.ack()
    assert await buses.jobs.add(names.AUDIO_INCOMING, envelope("k2"))


async def test_payloads_are_there_until_they_expire(buses: Buses) -> None:
    uri = await buses.jobs.put_blob("k", bytes(range(256)), SECONDS)
    assert await buses.jobs.get_blob(uri) == bytes(range(256))
    soon_gone = await buses.jobs.put_blob("l", bytes(range(256)), 0.2)
    await asyncio.sleep(0.3)
    assert await buses.jobs.get_blob(soon_gone) is None


async def test_an_event_is_published_once_and_delivered_until_it_is_confirmed(buses: Buses) -> None:
    source = buses.events.source(EXECUTE)
    await prepare(source)
    assert await buses.events.publish(INTENT, envelope(), "intent:1")
    assert not await buses.events.publish(INTENT, envelope(), "intent:1")
    assert await buses.events.publish("automation.result.1", envelope(), "result:1")  # not for this consumer
    (first,) = await take(source)
    assert (first.envelope.key, first.attempt, first.place) == ("kitchen:1:1", 1, INTENT)
    (again,) = await take(source)
    assert again.attempt == 2
    await again.release(0)
    (third,) = await take(source)
    assert third.attempt == 3
    backlog = await source.backlog()
    assert (backlog.waiting, backlog.pending) == (0, 1)
    await third.ack()
    assert await source.take(1, 2.5) == []
    assert (await source.backlog()).pending == 0


async def test_consumers_of_two_names_get_each_their_own(buses: Buses) -> None:
    both = [buses.events.source(replace(EXECUTE, name=name)) for name in ("one", "two")]
    for source in both:
        await prepare(source)
    await buses.events.publish(INTENT, envelope(), "intent:1")
    for source in both:
        (delivery,) = await take(source)
        await delivery.ack()


async def test_those_who_listen_hear_what_is_sent_and_what_is_published(buses: Buses) -> None:
    async with buses.events.listen("llm.response.>") as heard:
        await buses.events.send(names.delta_subject("s1"), envelope("delta"))
        await buses.events.publish(names.response_subject("s1"), envelope("final"), "final:1")
        await buses.events.publish(INTENT, envelope("other"), "intent:1")
        async with asyncio.timeout(SECONDS):
            assert [(await anext(heard)).key for _ in range(2)] == ["delta", "final"]


@pytest.mark.parametrize("bus", ["jobs", "events"])
async def test_a_dead_letter_is_listed_and_can_be_replayed(buses: Buses, bus: str) -> None:
    source = buses.jobs.source(names.AUDIO_RAW, 30) if bus == "jobs" else buses.events.source(EXECUTE)
    letters: DeadLetters = buses.dead_letters[0 if bus == "jobs" else 1]
    assert list(await letters.list(10)) == []
    if bus == "jobs":
        await buses.jobs.add(names.AUDIO_RAW, envelope())
    else:
        await prepare(source)
        await buses.events.publish(INTENT, envelope(), "intent:1")
    (bad,) = await take(source)
    await bad.bury("poison", "the audio is no audio")
    assert await source.take(1, 0.2) == []
    (letter,) = await letters.list(10)
    assert (letter.place, letter.reason, letter.attempts) == (bad.place, "poison", 1)
    assert letter.detail == "the audio is no audio"
    assert decode(letter.raw) == bad.envelope
    await letters.replay(letter)
    assert list(await letters.list(10)) == []
    (again,) = await take(source)
    assert again.envelope == bad.envelope
    await again.ack()


async def test_mqtt_brings_messages_to_their_handler_and_confirms_what_is_published(buses: Buses) -> None:
    heard: asyncio.Queue[MqttMessage] = asyncio.Queue()
    statuses: asyncio.Queue[MqttMessage] = asyncio.Queue()
    connected = asyncio.Event()
    buses.mqtt.subscribe("voice/+/audio_meta", heard.put)
    buses.mqtt.subscribe("voice/+/status", statuses.put)
    async with AsyncExitStack() as stack:
        buses.mqtt.on_connect(connected.set)
        if isinstance(buses.mqtt, PahoMqtt):
            await stack.enter_async_context(run_beside(buses.mqtt.run()))
        async with asyncio.timeout(SECONDS):
            await connected.wait()
            await buses.mqtt.publish("voice/kitchen/audio_meta", b"1")
            await buses.mqtt.publish("voice/kitchen/status", b"2", retain=True)
            assert (await heard.get()).payload == b"1"
            assert (await statuses.get()).topic == "voice/kitchen/status"


async def test_a_message_of_mqtt_waits_for_the_other_bus(buses: Buses) -> None:
    tries: list[bytes] = []
    done = asyncio.Event()

    async def store(message: MqttMessage) -> None:
        tries.append(message.payload)
        if len(tries) < 3:
            raise BusError("Redis is away")
        done.set()

    if not isinstance(buses.mqtt, PahoMqtt):
        pytest.skip("in memory there is no other bus that can be away")
    connected = asyncio.Event()
    buses.mqtt.subscribe("voice/+/audio_meta", store)
    buses.mqtt.on_connect(connected.set)
    async with run_beside(buses.mqtt.run()), asyncio.timeout(SECONDS):
        await connected.wait()
        await buses.mqtt.publish("voice/kitchen/audio_meta", b"1")
        await done.wait()
    assert tries == [b"1"] * 3
