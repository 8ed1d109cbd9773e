"""Whatever arrives on the buses, the bridge lives, counts it, buries it, and publishes nothing on foreign subjects."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import nats
import pytest
from nats.aio.client import Client as NatsClient
from nats.js.errors import NotFoundError
from redis.asyncio import Redis as RedisClient

from tests.brokers import Mosquitto, Nats, Redis, free_port
from tests.daemons import Daemon
from tests.hostile_messages import NAMES, HostileMessage, hostile_messages
from tests.integration.bridge.scripted_daemons import audio_of, serve_daemons
from wyoming_rosie.bus import directory, names
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.messages import AudioFormatData, Say
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside

SECONDS = 120.0
AUDIO = {
    "uri": "redis:audio:blob:none",
    "device_id": "kitchen",
    "sha256": "0" * 64,
    "area": "Kitchen",
    "language": "en",
}
SUBJECTS = (
    *(subject.pattern for subject in directory.SUBJECTS if not subject.name.startswith("dead")),
    *("dead.voice.intent.*.*", "dead.automation.result.*", "dead.vision.event.>", "dead.llm.route.>"),
    *("$JS.>", "_INBOX.>"),
)
"""What may be heard on NATS."""
TOPICS = ("voice/+/receipt", "voice/+/say", "voice/+/intent", "cameras/+/motion_filtered")
"""What the bridge may publish over MQTT."""
ON_MQTT: dict[str, tuple[str, dict[str, Any]]] = {
    "voice/kitchen/audio_meta": (
        "voice.audio_meta",
        {"uri": "inline", "inline": "AAAA", "fmt": {}, "sha256": "0" * 64},
    ),
    "voice/kitchen/wake": ("voice.wake", {"model": "okay_nabu", "score": 0.5}),
    "voice/kitchen/status": ("voice.status", {"state": "online", "outbox": 1}),
}
IN_REDIS: dict[str, tuple[str, dict[str, Any]]] = {
    names.AUDIO_RAW: ("audio.raw", AUDIO),
    names.AUDIO_CLASSIFIED: ("audio.classified", {"audio": AUDIO, "category": "noise", "speech_ms": 5.0}),
    names.AUDIO_INCOMING: ("audio.incoming", {"audio": AUDIO}),
    names.AUDIO_TRANSCRIBED: ("audio.transcribed", {"text": "hello?", "device_id": "kitchen", "area": "Kitchen"}),
    names.LLM_INCOMING: ("llm.prompt", {"text": "hello", "session": "s", "origin": "script", "device_id": "kitchen"}),
}
ON_NATS: dict[str, tuple[str, dict[str, Any]]] = {
    "voice.intent.light.turn_on": ("voice.intent", {"intent": "HassTurnOn", "entities": ["light.a"], "reply": "x"}),
    "automation.result.k": ("automation.result", {"outcome": "done", "ok": True, "message": "m", "device_id": "d"}),
    "llm.route.tools": ("llm.job", {"prompt": {"text": "a", "session": "s"}, "route": "tools", "confidence": 1.0}),
}


@dataclass
class Site:
    """The brokers and the bridge, and what was heard on MQTT and NATS."""

    bridge: Daemon
    monitoring: str
    mqtt: PahoMqtt
    redis: RedisClient
    nats: NatsClient
    node: VoiceNode
    said: "asyncio.Queue[Say]"
    subjects: set[str]
    topics: set[str]

    async def assert_lives(self) -> None:
        """Speak to the bridge and wait for its answer."""
        await self.node.send_audio(audio_of("is it raining?"), AudioFormatData(), wake="okay_nabu")
        async with asyncio.timeout(SECONDS):
            while (await self.said.get()).text != "You asked: is it raining?":
                pass

    async def refusals(self) -> float:
        async with aiohttp.ClientSession() as session, session.get(f"{self.monitoring}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        prefixes = ("wyoming_rosie_bridge_refused_total{", "wyoming_rosie_bridge_mqtt_refused ")
        return sum(float(line.split()[-1]) for line in lines if line.startswith(prefixes))


@asynccontextmanager
async def open_site(folder: Path) -> AsyncIterator[Site]:
    brokers = (Mosquitto(folder / "mosquitto"), Redis(folder / "redis"), Nats(folder / "nats"))
    async with AsyncExitStack() as stack:
        for broker in brokers:
            stack.push_async_callback(broker.killed)
            await broker.started()
        mosquitto, redis, nats_server = brokers
        ports = (free_port(), free_port(), free_port(), free_port())
        uris = await stack.enter_async_context(serve_daemons(folder / "effects.db", ports))
        monitoring = free_port()
        bridge = await Daemon.start(
            "bridge", "--broker.mqtt", mosquitto.url, "--broker.redis", redis.url, "--broker.nats", nats_server.url,
            "--http-port", str(monitoring), "--mind.intent-uri", uris["intent_uri"],
            *(word for name, uri in uris.items() for word in (f"--voice.{name.replace('_', '-')}", uri)),
        )  # fmt: skip
        stack.push_async_callback(stop, bridge)
        topics: set[str] = set()
        said: asyncio.Queue[Say] = asyncio.Queue()
        mqtt = PahoMqtt(BrokerUrl(mosquitto.url), "test")
        node = VoiceNode(mqtt, "kitchen", folder / "outbox", lambda _, say: said.put_nowait(say))
        listener = await stack.enter_async_context(listening(mosquitto.url, topics))
        await stack.enter_async_context(run_beside(mqtt.run()))
        await stack.enter_async_context(run_beside(node.run()))
        client = RedisClient.from_url(redis.url)
        stack.push_async_callback(client.aclose)
        events = await nats.connect(nats_server.url)
        stack.push_async_callback(events.close)
        subjects: set[str] = set()

        async def hear(message: Any) -> None:
            subjects.add(message.subject)

        await events.subscribe(">", cb=hear)
        await until(lambda: mqtt.problem is None and listener.problem is None)
        await streams_made(events)
        yield Site(bridge, f"http://127.0.0.1:{monitoring}", mqtt, client, events, node, said, subjects, topics)


@asynccontextmanager
async def listening(url: str, topics: set[str]) -> AsyncIterator[PahoMqtt]:
    """Collect the topics of all messages."""
    listener = PahoMqtt(BrokerUrl(url), "listener")

    async def hear(message: MqttMessage) -> None:
        topics.add(message.topic)

    listener.subscribe("#", hear)
    async with run_beside(listener.run()):
        yield listener


async def streams_made(client: NatsClient) -> None:
    """Wait for the bridge's streams: `hear` takes every subject, so that nothing would tell who publishes earlier that none keeps it."""
    js = client.jetstream()
    async with asyncio.timeout(SECONDS):
        for stream in (names.VOICE_STREAM, names.RESULTS_STREAM, names.JOBS_STREAM, names.DEAD_STREAM):
            while True:
                try:
                    await js.stream_info(stream)
                    break
                except NotFoundError:
                    await asyncio.sleep(0.05)


async def stop(bridge: Daemon) -> None:
    assert await bridge.stop() == 0
    crashes = ("stage failed", "message not handled", "nobody was told of a dead letter")
    assert [line for line in bridge.log if line["event"] in crashes or "Traceback" in str(line)] == []


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as one:
        yield one


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.05)


def table(about: tuple[str, dict[str, Any]], prefix: str) -> list[HostileMessage]:
    schema, data = about
    return list(hostile_messages(f"rosie.v1.{schema}", data, prefix))


def assert_nothing_foreign(site: Site, published: set[str]) -> None:
    heard = {subject for subject in site.subjects if not any(names.matches_subject(one, subject) for one in SUBJECTS)}
    assert heard == set()
    topics = {topic for topic in site.topics - published if not any(names.matches_topic(one, topic) for one in TOPICS)}
    assert topics == set()


async def test_mqtt_brings_nothing_that_harms_the_bridge(site: Site) -> None:
    published = set(ON_MQTT) | {"frigate/events", "frigate/reviews", "frigate/door/motion"}
    messages = [(topic, one.raw) for topic, about in ON_MQTT.items() for one in table(about, "kitchen")]
    messages += [(topic, raw) for topic in published - set(ON_MQTT) for raw in FRIGATE]
    for name in NAMES:
        topic = f"voice/{name}/audio_meta"
        if name.isprintable() and not set(name) & set("+#"):  # the broker ends the connection for the others
            published.add(topic)
            messages.append((topic, b"{}"))
    await asyncio.gather(*(publish_all(site.mqtt, messages[start::8]) for start in range(8)))
    await site.assert_lives()
    async with asyncio.timeout(SECONDS):
        while await site.refusals() < len(messages) / 4:
            await asyncio.sleep(0.1)
    await until(lambda: {"vision.event.person", "vision.event.object.a_b"} <= site.subjects)
    assert_nothing_foreign(site, published)


async def publish_all(mqtt: PahoMqtt, messages: list[tuple[str, bytes]]) -> None:
    for topic, raw in messages:
        await mqtt.publish(topic, raw)


def frigate_event(**changes: Any) -> bytes:
    object_now = {
        "id": "1.5-a", "camera": "door", "label": "person", "frame_time": time.time(), "start_time": time.time(),
        "end_time": None, "score": 0.9, "top_score": 0.9, "false_positive": False, "box": [0, 0, 50, 50],
        "current_zones": [], "entered_zones": [], "stationary": False, **changes,
    }  # fmt: skip
    return json.dumps({"type": "new", "before": object_now, "after": object_now}).encode()


WRONG: tuple[Any, ...] = (None, "x", -1, [[]], 1e300)
FRIGATE = [
    *(one.raw for one in table(("other", {}), "frigate")),
    *(
        frigate_event(**{"id": f"1.5-{number}", field: value})
        for number, name in enumerate(NAMES)
        for field, value in (("label", name), ("camera", name), ("id", name), ("entered_zones", [name]))
    ),
    *(frigate_event(**{name: value}) for name in ("box", "score", "frame_time") for value in WRONG),
]


async def test_redis_brings_nothing_that_harms_the_bridge(site: Site) -> None:
    sent = 0
    for stream, about in IN_REDIS.items():
        messages = table(about, stream.replace(":", "-"))
        async with site.redis.pipeline(transaction=False) as batch:
            for one in messages:
                batch.xadd(stream, {"key": "k", "env": one.raw})
            batch.xadd(stream, {"no": "envelope"})
            batch.xadd(stream, {b"\xff\0": b"\0"})
            await batch.execute()
        sent += len(messages) + 2
    await site.assert_lives()
    async with asyncio.timeout(SECONDS):
        while any([await site.redis.xlen(stream) for stream in IN_REDIS]):
            await asyncio.sleep(0.1)
    buried = [await site.redis.xlen(names.dead_stream(stream)) for stream in IN_REDIS]
    assert all(number > 20 for number in buried), buried
    assert_nothing_foreign(site, {"voice/kitchen/audio_meta"})


@pytest.mark.long
async def test_nats_brings_nothing_that_harms_the_bridge(site: Site) -> None:
    js = site.nats.jetstream()
    for subject, about in ON_NATS.items():
        for one in table(about, subject.replace(".", "-")):
            await js.publish(subject, one.raw, timeout=SECONDS)
    await site.assert_lives()
    consumers = ((names.VOICE_STREAM, "execute"), (names.RESULTS_STREAM, "say"))
    async with asyncio.timeout(SECONDS):
        for stream, consumer in consumers:
            while (info := await js.consumer_info(stream, consumer)).num_pending or info.num_ack_pending:
                await asyncio.sleep(0.1)
        while (await js.stream_info(names.JOBS_STREAM)).state.messages:
            await asyncio.sleep(0.1)
    assert (await js.stream_info(names.DEAD_STREAM)).state.messages > 60
    assert_nothing_foreign(site, {"voice/kitchen/audio_meta"})
