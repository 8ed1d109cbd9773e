"""With the example configuration each service does what it must and nothing else, and whoever is refused says why."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

import nats
import pytest
from nats.aio.client import Client as NatsClient

from tests.integration.bus.house import House, open_house
from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Consumer, MqttMessage
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.runtime.tasks import run_beside

SECONDS = 60.0
BRIDGES = ("bridge", "bridge-voice", "bridge-vision", "bridge-mind")
PROGRAM = "wyoming-rosie-bridge"
NatsStep: TypeAlias = Callable[[NatsClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(params=["nats 2.9", "newer nats"], scope="module")
def each_house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house"), newer_nats=request.param == "newer nats") as one:
        yield one


def envelope(key: str) -> Envelope:
    return Envelope("rosie.v1.test", key, time.time(), "test", key, {})


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def events_of(house: House, user: str) -> AsyncIterator[NatsEvents]:
    events = NatsEvents(house.url(house.nats), PROGRAM, nkey_seed=house.nkey_file(user))
    async with run_beside(events.run()):
        await until(lambda: events.problem is None)
        yield events


@asynccontextmanager
async def mqtt_of(house: House, user: str, *filters: str) -> AsyncIterator[tuple[PahoMqtt, list[MqttMessage]]]:
    """Connect to MQTT; yields the client, and what it hears."""
    heard: list[MqttMessage] = []
    mqtt = PahoMqtt(house.mqtt_url(user), f"test-{user}-{time.monotonic_ns()}")

    async def hear(message: MqttMessage) -> None:
        heard.append(message)

    for topic_filter in filters:
        mqtt.subscribe(topic_filter, hear)
    async with run_beside(mqtt.run()):
        await until(lambda: mqtt.problem is None)
        yield mqtt, heard


# What each service must be able to do.

WORK = {
    "bridge": (names.VOICE_STREAM, "voice.intent.>", "voice.intent.light.turn_on", names.AUDIO_RAW),
    "bridge-voice": (names.RESULTS_STREAM, "automation.result.>", "automation.result.k", names.AUDIO_INCOMING),
    "bridge-vision": (names.VISION_STREAM, "vision.event.>", "vision.event.zone.door.entered", names.VISION_JOBS),
    "bridge-mind": (names.JOBS_STREAM, "llm.route.tools", "llm.route.tools", names.LLM_INCOMING),
}


@pytest.mark.parametrize("user", BRIDGES)
async def test_a_bridge_passes_events_and_jobs_on_and_buries_them(each_house: House, user: str) -> None:
    stream, pattern, subject, jobs_stream = WORK[user]
    async with events_of(each_house, user) as events, open_redis(each_house.redis_url(user)) as jobs:
        source = events.source(Consumer(stream, f"test-{user}", pattern))
        assert await source.take(1, 0.05) == []
        await events.publish(subject, envelope(user), f"test:{user}")
        (event,) = await source.take(1, SECONDS)
        assert await event.extend()
        assert (await source.backlog()).pending == 1
        await event.bury("poison", "a test")
        await jobs.add(jobs_stream, envelope(user), f"test:{user}")
        (job,) = await jobs.source(jobs_stream, 10).take(1, SECONDS)
        assert await job.extend()
        await job.bury("poison", "a test")
        assert (await jobs.source(jobs_stream, 10).backlog()).waiting == 0
        assert await jobs.decide(f"other:{user}", "passed") == "passed"


async def test_the_sinks_get_what_cameras_saw_and_how_requests_ended(each_house: House) -> None:
    async with events_of(each_house, "bridge") as bridge, events_of(each_house, "bridge-sinks") as sinks:
        for stream, subject in (
            (names.VISION_STREAM, "vision.event.car"),
            (names.RESULTS_STREAM, "automation.result.s"),
        ):
            source = sinks.source(Consumer(stream, f"export-{stream}", subject))
            assert await source.take(1, 0.05) == []
            for number in range(2):
                await bridge.publish(subject, envelope(f"sink{number}"), f"sink:{stream}:{number}")
            (kept,) = await source.take(1, SECONDS)
            await kept.ack()
            (bad,) = await source.take(1, SECONDS)
            assert (await source.backlog()).pending == 1
            await bad.bury("poison")


async def test_the_bridge_lists_dead_letters_and_puts_them_back(each_house: House) -> None:
    async with events_of(each_house, "bridge") as events, open_redis(each_house.redis_url("bridge")) as jobs:
        source = events.source(Consumer(names.VISION_STREAM, "letters", "vision.event.door"))
        assert await source.take(1, 0.05) == []
        await events.publish("vision.event.door", envelope("letter"), "letter")
        await (await source.take(1, SECONDS))[0].bury("poison")
        await jobs.add(names.VISION_RAW, envelope("letter"))
        await (await jobs.source(names.VISION_RAW, 10).take(1, SECONDS))[0].bury("poison")
        for letters in (events, jobs):
            letter = next(one for one in await letters.list(100) if b'"letter"' in one.raw)
            await letters.replay(letter)


async def test_an_executor_takes_commands_and_answers_them(each_house: House) -> None:
    async with (
        events_of(each_house, "bridge-voice") as events,
        raw_nats(each_house, "executor") as (executor, refusals),
    ):
        await events.publish("voice.intent.lock.turn_on", envelope("lock"), "lock")
        js = executor.jetstream()
        subscription = await js.pull_subscribe("voice.intent.lock.>", "execute", stream=names.VOICE_STREAM)
        (message,) = await subscription.fetch(1, timeout=SECONDS)
        await message.ack_sync()
        result = events.source(Consumer(names.RESULTS_STREAM, "say", "automation.result.lock"))
        await result.take(1, 0.05)
        await executor.publish("automation.result.lock", envelope("lock").encode())
        (answer,) = await result.take(1, SECONDS)
        assert (answer.envelope.key, refusals) == ("lock", [])


async def test_devices_cameras_and_frigate_reach_the_bridge_and_hear_it(house: House) -> None:
    async with AsyncExitStack() as stack:
        bridge, heard = await stack.enter_async_context(
            mqtt_of(house, "bridge", "voice/+/audio_meta", "voice/+/status", "cameras/+/motion_raw", "frigate/#")
        )
        kitchen, receipts = await stack.enter_async_context(mqtt_of(house, "kitchen", "voice/kitchen/receipt"))
        frigate, _ = await stack.enter_async_context(mqtt_of(house, "frigate"))
        for topic in ("voice/kitchen/audio_meta", "voice/kitchen/status", "cameras/kitchen/motion_raw"):
            await kitchen.publish(topic, b"1")
        await frigate.publish("frigate/events", b"1")
        await bridge.publish("voice/kitchen/receipt", b"1")
        await until(lambda: len(heard) == 4 and receipts)


# What each service must not be able to do.

FOREIGN_SUBJECTS = [
    ("bridge-sinks", "vision.event.person"), ("bridge-sinks", "automation.result.k"),
    ("bridge-sinks", "$JS.API.CONSUMER.MSG.NEXT.VOICE.execute"), ("bridge-sinks", "$JS.API.STREAM.DELETE.VISION"),
    ("bridge-voice", "vision.event.person"), ("bridge-voice", "llm.route.tools"), ("bridge-voice", "dead.vision.x"),
    ("bridge-voice", "$JS.API.STREAM.DELETE.VOICE"), ("bridge-voice", "$JS.API.STREAM.PURGE.VOICE"),
    ("bridge-voice", "$JS.API.CONSUMER.CREATE.LLM_JOBS.VOICE.llm.>"), ("bridge-voice", "$JS.API.STREAM.MSG.GET.VISION"),
    ("bridge-vision", "voice.intent.lock.turn_off"), ("bridge-vision", "automation.result.k"),
    ("bridge-vision", "$JS.ACK.VOICE.execute.1.1.1.1.1"), ("bridge-mind", "voice.intent.lock.turn_off"),
    ("bridge-mind", "$JS.API.CONSUMER.MSG.NEXT.VOICE.execute"), ("bridge", "$JS.API.STREAM.DELETE.VOICE"),
    ("bridge", "$SYS.REQ.SERVER.PING"), ("intent", "automation.result.k"), ("intent", "$JS.API.INFO"),
    ("executor", "voice.intent.lock.turn_off"), ("executor", "$JS.API.CONSUMER.CREATE.VOICE.mine.voice.>"),
    ("executor", "$JS.API.STREAM.CREATE.VOICE"), ("reader", "vision.event.person"), ("reader", "anything"),
]  # fmt: skip
FOREIGN_PATTERNS = [
    ("bridge-sinks", ">"), ("bridge-sinks", "voice.intent.>"),
    ("bridge-voice", ">"), ("bridge-voice", "vision.>"), ("bridge-voice", "_INBOX.>"), ("bridge-vision", "voice.>"),
    ("bridge-mind", "voice.intent.>"), ("intent", "voice.intent.>"), ("intent", "_INBOX.>"), ("executor", "llm.>"),
    ("executor", "_INBOX.wyoming-rosie-bridge.>"), ("reader", ">"), ("reader", "voice.intent.>"),
    ("reader", "llm.response.>"), ("reader", "automation.result.>"), ("reader", "_INBOX.>"),
]  # fmt: skip


@asynccontextmanager
async def raw_nats(house: House, user: str) -> AsyncIterator[tuple[NatsClient, list[str]]]:
    """Connect to NATS as a user; yields the client, and what the server refuses."""
    refusals: list[str] = []

    async def on_error(err: Exception) -> None:
        refusals.append(str(err))

    client = await nats.connect(
        house.url(house.nats).url,
        tls=house.url(house.nats).ssl_context(),
        nkeys_seed=str(house.nkey_file(user)),
        inbox_prefix=f"_INBOX.{user}",
        error_cb=on_error,
        allow_reconnect=False,
    )
    try:
        yield client, refusals
    finally:
        await client.close()


async def assert_nats_refuses(house: House, user: str, named: str, step: NatsStep) -> None:
    async with raw_nats(house, user) as (client, refusals):
        await step(client)
        await client.flush()
        await until(lambda: refusals)
    assert "permissions violation" in refusals[0]
    assert named in refusals[0]


@pytest.mark.parametrize(("user", "subject"), FOREIGN_SUBJECTS)
async def test_nats_takes_no_foreign_subject(each_house: House, user: str, subject: str) -> None:
    await assert_nats_refuses(each_house, user, subject.lower(), lambda client: client.publish(subject, b"{}"))


@pytest.mark.parametrize(("user", "pattern"), FOREIGN_PATTERNS)
async def test_nats_lets_nobody_listen_to_others(each_house: House, user: str, pattern: str) -> None:
    await assert_nats_refuses(each_house, user, pattern.lower(), lambda client: client.subscribe(pattern))


async def test_a_bridge_that_nats_refuses_says_what_it_may_not_do(house: House) -> None:
    async with events_of(house, "bridge-vision") as events:
        with pytest.raises(BusError, match=r"permissions do not allow it.*voice\.intent\.lock\.turn_off"):
            await events.publish("voice.intent.lock.turn_off", envelope("k"), "k")


FOREIGN_COMMANDS = [
    ("bridge-voice", "XADD", "vision:raw", "*", "a", "1"), ("bridge-voice", "GET", "other"),
    ("bridge-voice", "XREVRANGE", "dead:audio:raw", "+", "-"), ("bridge-voice", "DEL", "seen:k"),
    ("bridge-vision", "GET", "audio:blob:kitchen:1:1"), ("bridge-vision", "XADD", "audio:raw", "*", "a", "1"),
    ("bridge-mind", "XADD", "audio:raw", "*", "a", "1"), ("bridge-mind", "GET", "audio:blob:kitchen:1:1"),
    *(("bridge", *command) for command in (
        ("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("DEL", "seen:k"), ("XTRIM", "audio:raw", "MAXLEN", "0"),
        ("ACL", "LIST"), ("SHUTDOWN",), ("EVAL", "return 1", "0"), ("PUBLISH", "a", "b"),
        ("EXPIRE", "seen:k", "1"), ("RENAME", "seen:k", "seen:l"), ("SET", "other", "1"),
        ("XGROUP", "DESTROY", "audio:raw", "classify"), ("MONITOR",), ("REPLICAOF", "NO", "ONE"),
    )),
]  # fmt: skip


@pytest.mark.parametrize("words", FOREIGN_COMMANDS, ids=" ".join)
async def test_redis_takes_no_foreign_command_or_key(house: House, words: tuple[str, ...]) -> None:
    from redis.exceptions import NoPermissionError

    user, *command = words
    async with open_redis(house.redis_url(user)) as jobs:
        with pytest.raises(NoPermissionError):
            await jobs.client.execute_command(*command)
        with pytest.raises(BusError, match="its ACL does not allow it"), jobs.errors():
            await jobs.client.execute_command(*command)


FOREIGN_TOPICS = [
    ("kitchen", "voice/office/audio_meta"), ("kitchen", "voice/office/status"), ("kitchen", "voice/kitchen/receipt"),
    ("kitchen", "frigate/door/detect/set"), ("kitchen", "cameras/office/motion_raw"), ("kitchen", "other"),
    ("bridge", "frigate/door/detect/set"), ("bridge", "frigate/events"), ("bridge", "voice/kitchen/audio_meta"),
    ("bridge-voice", "frigate/restart"), ("bridge-voice", "cameras/door/motion_raw"),
    ("bridge-vision", "frigate/door/recordings/set"), ("bridge-vision", "voice/kitchen/say"),
    ("frigate", "voice/kitchen/say"), ("frigate", "cameras/door/motion_raw"),
]  # fmt: skip

ALLOWED_TOPICS = [
    ("office", "voice/office/status"), ("frigate", "frigate/events"),
    ("bridge", "voice/kitchen/say"), ("bridge", "voice/office/say"),
]  # fmt: skip
"""Each listener hears one of them, after all that was sent before."""


async def test_mqtt_delivers_nothing_on_foreign_topics(house: House) -> None:
    """mosquitto confirms what it refuses, so that only those who would hear it can tell."""
    async with AsyncExitStack() as stack:
        listeners = {
            user: await stack.enter_async_context(mqtt_of(house, user, "voice/#", "cameras/#", "frigate/#", "other"))
            for user in ("kitchen", "office", "bridge", "bridge-voice", "bridge-vision", "frigate")
        }
        for user, topic in FOREIGN_TOPICS:
            await listeners[user][0].publish(topic, b"foreign")
        for user, topic in ALLOWED_TOPICS:
            await listeners[user][0].publish(topic, b"allowed")

        def heard() -> dict[str, list[str]]:
            return {user: [message.topic for message in messages] for user, (_, messages) in listeners.items()}

        await until(lambda: all(heard().values()) and len(heard()["bridge"]) >= 2)
        assert heard() == {
            "kitchen": ["voice/kitchen/say"],
            "office": ["voice/office/say"],
            "bridge": ["voice/office/status", "frigate/events"],
            "bridge-voice": ["voice/office/status"],
            "bridge-vision": ["frigate/events"],
            "frigate": ["frigate/events"],
        }
