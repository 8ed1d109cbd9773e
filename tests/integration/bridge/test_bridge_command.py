"""The installed `wyoming-rosie-bridge`: health, metrics, stages, dead letters, and what it says about wrong settings."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.brokers import Mosquitto, Nats, Redis, free_port
from tests.daemons import command
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.messages import AudioMeta, RawAudio
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside

BRIDGE = command("wyoming-rosie-bridge")
SECONDS = 60.0


async def run(*words: str, program: str = "wyoming-rosie-bridge") -> tuple[int, str, str]:
    """Run a command to its end; return status, output and errors."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(command(program), *words, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def bridge(*words: str) -> AsyncIterator[str]:
    """Run the bridge during the block; yield the URL of its monitoring."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        BRIDGE, *words, "--http-port", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0


async def fetch(url: str) -> tuple[int, str]:
    """Return a page once the program serves it."""
    async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    return response.status, await response.text()
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


async def wait_for_status(url: str, status: int) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        while (answer := await fetch(url))[0] != status:
            await asyncio.sleep(0.1)
    return dict(json.loads(answer[1]))


async def test_without_brokers_it_is_healthy_and_counts() -> None:
    async with bridge() as url:
        assert (await wait_for_status(f"{url}/health", 200))["parts"]["nats"] == "ok"
        _, metrics = await fetch(f"{url}/metrics")
    assert 'wyoming_rosie_bridge_waiting{stage="asr"} 0.0' in metrics
    assert "wyoming_rosie_bridge_oldest_seconds" in metrics


async def test_a_broker_that_is_away_is_named_by_its_health() -> None:
    flags = [
        part for bus in ("mqtt", "redis", "nats") for part in (f"--broker.{bus}", f"{bus}://127.0.0.1:{free_port()}")
    ]
    async with bridge(*flags) as url:
        parts = (await wait_for_status(f"{url}/health", 503))["parts"]
    assert "NATS" in parts["nats"]
    assert "MQTT" in parts["mqtt"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--role", "vice"), "there is no role 'vice'"),
        (("--stage", "asrr"), "there is no stage 'asrr'; there are: ingest, classify, router, asr"),
        (("--broker.redis", "redis://nas:6379"), "use rediss://, or --broker.plain"),
        (("--broker.redis", "redis://:secret@127.0.0.1"), "set REDIS_PASSWORD instead"),
        (("--broker.mqtt", "mosquitto"), "is not SCHEME://HOST:PORT"),
        (("--broker.redis", "redis://127.0.0.1"), "--broker.mqtt: the role voice needs it beside redis"),
        (("--voice.executor", "robot"), "there is no 'robot'; there are: intent, mqtt, none"),
        (("dead", "list"), "give --broker.redis or --broker.nats"),
        (("dead", "replay"), "name the letters to replay"),
        (("dead", "bury"), "bury"),
    ],
)
async def test_wrong_settings_are_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    status, _, err = await run(*words)
    assert status in (1, 2)
    assert sentence in err
    assert "secret" not in err.replace("REDIS_PASSWORD", "")
    assert "Traceback" not in err


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    broker = Redis(tmp_path / "redis")
    await broker.started()
    yield broker
    await broker.killed()


async def bury(url: str, key: str) -> None:
    """Put a dead letter into Redis."""
    async with open_redis(BrokerUrl(url)) as jobs:
        message = RawAudio("redis:audio:blob:gone", "kitchen")
        envelope = schema.wrap(message, key=key, source="test", now=time.time(), deadline=time.time() - 100)
        await jobs.add(names.AUDIO_RAW, envelope)
        (delivery,) = await jobs.source(names.AUDIO_RAW, 30).take(1, 5)
        await delivery.bury("payload_expired", "the audio has expired or was never there")


@pytest.mark.long
async def test_dead_letters_are_listed_shown_and_replayed_with_a_new_key_and_deadline(redis: Redis) -> None:
    flags = ("--broker.redis", redis.url)
    assert "There are no dead letters" in (await run("dead", "list", *flags))[1]
    await bury(redis.url, "kitchen:1:1")
    _, listed, _ = await run("dead", "list", "--json", *flags)
    letter = json.loads(listed)
    assert (letter["place"], letter["reason"]) == (names.AUDIO_RAW, "payload_expired")
    _, shown, _ = await run("dead", "show", letter["id"], *flags)
    assert json.loads(shown)["message"]["key"] == "kitchen:1:1"
    status, replayed, err = await run("dead", "replay", letter["id"], *flags)
    assert (status, replayed) == (0, f"replayed {letter['id']} to audio:raw\n"), err
    assert "There are no dead letters" in (await run("dead", "list", *flags))[1]
    async with open_redis(BrokerUrl(redis.url)) as jobs:
        (delivery,) = await jobs.source(names.AUDIO_RAW, 30).take(1, 5)
    assert delivery.envelope.key.startswith("kitchen:1:1+replay")
    assert not delivery.envelope.is_expired(time.time())
    status, _, err = await run("dead", "show", letter["id"], *flags)
    assert status == 2
    assert "there is no dead letter" in err


async def test_all_dead_letters_of_a_place_are_replayed(redis: Redis) -> None:
    flags = ("--broker.redis", redis.url)
    for number in range(3):
        await bury(redis.url, f"kitchen:1:{number}")
    assert (await run("dead", "replay", "--all", "--place", "vision:", *flags))[1] == ""
    assert len((await run("dead", "replay", "--all", "--place", "audio:", *flags))[1].splitlines()) == 3


@asynccontextmanager
async def brokers_in(folder: Path) -> AsyncIterator[tuple[Mosquitto, Redis, tuple[str, ...]]]:
    """Run three brokers during the block; yield also the flags that name them."""
    mosquitto, redis, nats = Mosquitto(folder / "mosquitto"), Redis(folder / "redis"), Nats(folder / "nats")
    try:
        for broker in (mosquitto, redis, nats):
            await broker.started()
        flags = ("--broker.mqtt", mosquitto.url, "--broker.redis", redis.url, "--broker.nats", nats.url)
        yield mosquitto, redis, flags
    finally:
        for broker in (mosquitto, redis, nats):
            await broker.killed()


async def test_an_utterance_gets_its_receipt_from_a_process_that_only_ingests(tmp_path: Path) -> None:
    async with (
        brokers_in(tmp_path) as (mosquitto, redis, flags),
        bridge(*flags, "--role", "voice", "--stage", "ingest"),
    ):
        mqtt = PahoMqtt(BrokerUrl(mosquitto.url), "device")
        node = VoiceNode(mqtt, "kitchen", tmp_path / "outbox")
        async with run_beside(mqtt.run()), run_beside(node.run()), asyncio.timeout(SECONDS):
            await node.send_audio(bytes(320), AudioMeta().fmt)
            while await node.count_waiting():
                await asyncio.sleep(0.05)
        async with open_redis(BrokerUrl(redis.url)) as jobs:
            assert (await jobs.source(names.AUDIO_RAW, 30).backlog()).waiting == 1


async def test_check_finds_a_bridge_that_works_and_one_that_does_not(tmp_path: Path) -> None:
    async with brokers_in(tmp_path) as (mosquitto, _, flags):
        async with bridge(*flags) as url:
            await wait_for_status(f"{url}/health", 200)
            status, out, err = await run("check", mosquitto.url, program="wyoming-rosie")
            assert status == 0, out + err
            assert "5 ok" in out
        status, out, err = await run("check", mosquitto.url, "--seconds", "3", program="wyoming-rosie")
        assert status == 1
        assert "nothing came on voice/check-" in out


async def test_the_demo_carries_a_command_a_storm_and_a_prompt() -> None:
    status, out, err = await run("--demo")
    assert status == 0, err
    assert "automation.result                     done: Turned on the Kitchen Light." in out
    assert "vision.event: person new" in out
    assert "llm.final" in out
