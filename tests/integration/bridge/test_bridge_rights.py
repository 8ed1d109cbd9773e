"""The installed bridge as a member of the house: what a device may order over the bus, by its room and by the bridge's scopes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, Nats, Redis, free_port
from tests.conftest import StartDaemon
from tests.houses import House
from tests.integration.bridge.scripted_daemons import ScriptedAsr, ScriptedVad, audio_of, serve_daemon
from tests.integration.test_forbidden_actions import HOME, is_lit
from tests.waiting import wait_until
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.messages import AudioFormatData, Say
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

SECONDS = 60.0
COMMAND = "turn on the bed lamp"


@dataclass(frozen=True)
class BusHouse:
    """Brokers, daemons that hear, an intent daemon that is a member, and a device in the kitchen."""

    node: VoiceNode
    said: "asyncio.Queue[Say]"
    audit_file: Path
    intent_uri: str

    async def order(self) -> str:
        """Have the device say that it is the bedroom, and order something there; return what it is told."""
        await self.node.send_audio(
            audio_of(COMMAND), AudioFormatData(), area="Bedroom", wake="okay_nabu", language="en"
        )
        async with asyncio.timeout(SECONDS):
            return (await self.said.get()).text

    async def audit(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await asyncio.to_thread(self.audit_file.read_text)).splitlines()]


@asynccontextmanager
async def running(daemon: StartDaemon, folder: Path, scopes: frozenset[Scope], *flags: str) -> AsyncIterator[BusHouse]:
    """Run all of it, with a bridge of these scopes."""
    brokers = {"mqtt": Mosquitto(folder / "mosquitto"), "redis": Redis(folder / "redis"), "nats": Nats(folder / "nats")}
    house = House(folder / "house")
    bridge = await asyncio.to_thread(house.add, "bridge", "bridge", scopes=scopes)
    own = ("--identity", str(await asyncio.to_thread(house.add, "intent", "thinker")), "--tls-port", "0")
    (folder / "home.toml").write_text(HOME)
    home = ("--home", str(folder / "home.toml"), "--audit-file", str(folder / "audit"))
    async with AsyncExitStack() as stack:
        for broker in brokers.values():
            stack.callback(broker.kill)
            await broker.started()
        intent = await daemon("intent", *own, *home)
        members = str(intent.lines("ready")[0]["tls"])
        uris = {"vad": await stack.enter_async_context(serve_daemon(ScriptedVad, free_port()))}
        uris["asr"] = await stack.enter_async_context(serve_daemon(ScriptedAsr, free_port()))
        urls = [part for name, broker in brokers.items() for part in (f"--broker.{name}", broker.url)]
        daemons = [part for role, uri in (uris | {"intent": members}).items() for part in (f"--voice.{role}-uri", uri)]
        started = await daemon("bridge", "--role", "voice", "--identity", str(bridge), *urls, *daemons, *flags)
        await started.wait_for_line("ready")
        mqtt, said = PahoMqtt(BrokerUrl(brokers["mqtt"].url), "device", is_persistent=False), asyncio.Queue[Say]()
        node = VoiceNode(mqtt, "kitchen", folder / "outbox", lambda _, say: said.put_nowait(say))
        await stack.enter_async_context(run_beside(mqtt.run()))
        await wait_until(lambda: mqtt.problem is None)
        await stack.enter_async_context(run_beside(node.run()))
        yield BusHouse(node, said, folder / "audit", intent.uri)


@pytest.mark.long
@pytest.mark.parametrize(
    ("device", "room", "told"),
    [
        ("kitchen", "Kitchen", "may not be changed from the Kitchen"),
        ("office", None, "I do not know which room you are in"),
    ],
    ids=["its room", "none"],
)
async def test_once_the_bridge_knows_rooms_a_device_has_the_rights_of_its_own(
    daemon: StartDaemon, tmp_path: Path, device: str, room: str | None, told: str
) -> None:
    async with running(daemon, tmp_path, TALK_SCOPES, f"--voice.room.{device}", "Kitchen") as house:
        assert told in await house.order()
        [entry] = await house.audit()
        assert (entry["caller"], entry["room"], entry["outcome"]) == ("bridge (bridge)", room, "refused")
        assert COMMAND not in json.dumps(entry)
        assert not await is_lit(house.intent_uri)


@pytest.mark.parametrize(
    ("scopes", "told"),
    [({Scope.AUDIO, Scope.TEXT}, "Sorry, I cannot do that."), ({Scope.AUDIO, Scope.ACT}, "Sorry, that went wrong.")],
    ids=["no act", "no text"],
)
async def test_what_the_bridge_may_not_is_refused_aloud(
    daemon: StartDaemon, tmp_path: Path, scopes: set[Scope], told: str
) -> None:
    async with running(daemon, tmp_path, frozenset(scopes)) as house:
        assert await house.order() == told
        assert not await is_lit(house.intent_uri)
