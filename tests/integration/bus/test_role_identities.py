"""Each role of the installed bridge, and the commands beside it, do their work with their own accounts."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg
from wyoming.event import Event

from tests.brokers import free_port
from tests.daemons import Daemon, command
from tests.integration.bridge.scripted_daemons import audio_of, read_effects, serve_daemons
from tests.integration.bridge.scripted_models import ANSWER, serve_model
from tests.integration.bus.house import House, open_house
from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.messages import AudioFormatData, Say
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.backlogs import LOOK_SECONDS

SECONDS = 60.0
REFUSALS = ("NATS refused", "MQTT refused", "stage waits", "message waits", "delivered again later")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house"), newer_nats=False) as one:
        yield one


@asynccontextmanager
async def bridge(house: House, user: str, role: str, *flags: str) -> AsyncIterator[None]:
    """Run a role with its account; nothing may be refused."""
    given = [*house.flags(user), "--role", role, "--http-port", str(free_port()), *flags]
    daemon = await Daemon.start("bridge", *given, env=house.environment(user))
    try:
        await daemon.wait_for_line("NATS connected")
        await daemon.wait_for_line("MQTT connected")
        yield
        await asyncio.sleep(LOOK_SECONDS + 1)  # until it has looked at its backlogs twice
    finally:
        assert await daemon.stop() == 0
    assert [line for line in daemon.log if line["event"] in REFUSALS or "Traceback" in str(line)] == []


async def test_the_voice_role_does_its_work(house: House, tmp_path: Path) -> None:
    said: asyncio.Queue[Say] = asyncio.Queue()
    mqtt = PahoMqtt(house.mqtt_url("kitchen"), "kitchen")
    node = VoiceNode(mqtt, "kitchen", tmp_path / "outbox", lambda _, say: said.put_nowait(say))
    ports = (free_port(), free_port(), free_port(), free_port())
    async with serve_daemons(tmp_path / "effects.db", ports) as uris:
        flags = [word for name, uri in uris.items() for word in (f"--voice.{name.replace('_', '-')}", uri)]
        async with bridge(house, "bridge-voice", "voice", *flags), run_beside(mqtt.run()), run_beside(node.run()):
            key = await node.send_audio(audio_of("turn on the lamp"), AudioFormatData(), wake="okay_nabu")
            async with asyncio.timeout(SECONDS):
                assert (await said.get()).text == "Done: turn on the lamp."
    assert read_effects(tmp_path / "effects.db") == [(key, "turn on the lamp")]


async def test_the_vision_role_does_its_work(house: House) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    server = house.url(house.nats)
    reader = await nats.connect(server.url, tls=server.ssl_context(), nkeys_seed=str(house.nkey_file("reader")))
    frigate = PahoMqtt(house.mqtt_url("frigate"), "frigate")
    connected = asyncio.Event()
    frigate.on_connect(connected.set)

    async def hear(message: Msg) -> None:
        heard.put_nowait(message.subject)

    await reader.subscribe("vision.event.>", cb=hear)
    try:
        async with bridge(house, "bridge-vision", "vision"), run_beside(frigate.run()), asyncio.timeout(SECONDS):
            await connected.wait()
            await frigate.publish("frigate/events", frigate_event())
            assert await heard.get() == "vision.event.person"
    finally:
        await reader.close()


def frigate_event() -> bytes:
    person = {
        "id": f"{time.time()}-a", "camera": "door", "label": "person", "frame_time": time.time(), "score": 0.9,
        "start_time": time.time(), "end_time": None, "top_score": 0.9, "false_positive": False, "box": [0, 0, 50, 50],
        "current_zones": [], "entered_zones": [], "stationary": False,
    }  # fmt: skip
    return json.dumps({"type": "new", "before": person, "after": person}).encode()


async def test_the_mind_role_answers_the_prompt_command(house: House) -> None:
    async with serve_model() as model, bridge(house, "bridge", "mind", "--mind.intent-uri", model.uri):
        output = await run(house, "bridge-mind", "wyoming-rosie", "prompt", "what is a comet?")
    assert output == f"{ANSWER}\n"


async def test_dead_letters_are_listed_with_the_account_of_the_bridge(house: House) -> None:
    async with open_redis(house.redis_url("bridge-vision")) as jobs:
        await jobs.add(names.VISION_RAW, Envelope("rosie.v1.test", "bad", time.time(), "test", "bad", {}))
        await (await jobs.source(names.VISION_RAW, 10).take(1, SECONDS))[0].bury("poison", "a test")
    output = await run(house, "bridge", "wyoming-rosie-bridge", "dead", "list")
    assert "poison" in output


async def test_the_intent_daemon_has_a_command_carried_out_by_an_executor(house: House) -> None:
    server = house.url(house.nats)
    executor = await nats.connect(server.url, tls=server.ssl_context(), nkeys_seed=str(house.nkey_file("executor")))

    async def act(message: Msg) -> None:
        await executor.publish(json.loads(message.data)["data"]["reply"], b'{"ok": true, "message": "It is on."}')

    await executor.subscribe("voice.intent.light.*", cb=act)
    flags = (
        "--bus.server",
        server.url,
        "--bus.nkey",
        str(house.nkey_file("intent")),
        "--bus.ca-file",
        str(server.ca_file),
    )
    daemon = await Daemon.start("intent", "--actor", "bus", *flags)
    try:
        await daemon.wait_for_line("NATS connected")
        async with connect(daemon.uri) as peer:
            await peer.send(Event("transcript", {"text": "turn on the kitchen light", "context": {"area": "kitchen"}}))
            answer = await peer.wait_for("handled", "not-handled", "error", seconds=SECONDS)
        assert (answer.type, answer.data["text"]) == ("handled", "It is on.")
    finally:
        assert await daemon.stop() == 0
        await executor.close()


async def run(house: House, user: str, program: str, *words: str) -> str:
    """Run a command that finds the brokers in the settings of the bridge."""
    settings = dict(zip(house.flags(user)[::2], house.flags(user)[1::2], strict=True))
    named = {
        f"WYOMING_ROSIE_BRIDGE_{flag[2:].upper().replace('.', '_').replace('-', '_')}": settings[flag]
        for flag in settings
    }
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, **named, **house.environment(user)}
    process = await asyncio.create_subprocess_exec(command(program), *words, stdout=pipe, stderr=pipe, env=environment)
    async with asyncio.timeout(SECONDS):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output.decode()
