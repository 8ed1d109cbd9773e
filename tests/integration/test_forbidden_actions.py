"""What a room may not control: refused on every path to the home, and noted with who asked, never with what was said.

| path | whose room counts | how it comes to the intent daemon |
|---|---|---|
| a sentence by rules, of a program of this machine | the context's, as the hub states it | `transcript` |
| a satellite as a member | the roster's | `transcript` over TLS |
| a language model's tool | that of the sentence | the model's call, within the daemon |
| a plugin by name, of a member | the roster's | `plugin-command` over TLS |
| the bus | the device's, as the bridge states it | `transcript` with `delegate` |
| the HTTP API | the key's | `POST /prompt`, then `transcript` of the hub |
| a browser | the key's | the stream, then `transcript` of the hub |
| a timer or a reminder | the satellite's, at which it was set | the hub, with the room of the first sentence |
| Home Assistant | the room of its device; what its own models do is its own | `transcript`; not over us |
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.houses import House
from tests.integration.bridge.test_voice_in_memory import home_with
from tests.integration.test_web_stream import STREAM, message
from tests.ollama_script import Call, Rule
from tests.ollama_server import OllamaServer
from tests.web_client import Credentials, bearer, create_credentials, page_of, start_web
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.trust.membership import Membership

SECONDS = 60.0
HOME = """
areas = [{ id = "kitchen", name = "Kitchen" }, { id = "bedroom", name = "Bedroom" }]
entities = [{ id = "light.bed", name = "Bed Lamp", domain = "light", area = "bedroom" }]

[rooms.kitchen]
may = ["light.stove"]
"""
PLUGIN = """
from wyoming_rosie_intent.plugins import IntegrationPlugin, PluginResult, PluginTool

class Where(IntegrationPlugin):
    async def initialize(self, config):
        pass
    def get_intents(self):
        return {"Ask": ["ask the service"]}
    def get_tools(self):
        return [PluginTool("Ask", "Asks the service")]
    async def get_status(self):
        return {"healthy": True}
    async def execute(self, intent, entities, context):
        return PluginResult(f"asked from the {context.area}")
"""
SECRET = "bed lamp"
FORBIDDEN = {
    "en": ("turn on the bed lamp", "may not be changed from the Kitchen"),
    "de": ("schalte Bed Lamp ein", "nicht verändert werden"),
    "fr": ("allume Bed Lamp", "depuis cette pièce"),
    "es": ("enciende Bed Lamp", "desde esta habitación"),
    "it": ("accendi Bed Lamp", "da questa stanza"),
    "nl": ("zet Bed Lamp aan", "vanuit deze kamer"),
}
MODEL = (
    Rule("gloomy", "", (Call("HassTurnOn", {"name": "Bed Lamp"}),)),
    Rule(after_tool=True, say="It may not be changed from the Kitchen."),
)
Ask: TypeAlias = Callable[[str], Awaitable[str]]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


@pytest.fixture
def kitchen(house: House) -> Membership:
    loaded = Membership.load(house.add("satellite", "kitchen", room="Kitchen"))
    assert loaded is not None
    return loaded


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path / "hub")


@pytest.fixture
def flags(tmp_path: Path, house: House) -> tuple[str, ...]:
    """Flags of the intent daemon, which listens for this machine and for members."""
    (tmp_path / "home.toml").write_text(HOME)
    plugin = tmp_path / "plugins" / "where" / "plugin.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN, "utf-8")
    own = ("--identity", str(house.add("intent", "thinker")), "--tls-port", "0")
    home = ("--home", str(tmp_path / "home.toml"), "--plugin-folder", str(tmp_path / "plugins"))
    return (*own, *home, "--audit-file", str(tmp_path / "audit"))


async def ask_daemon(uri: str, event: Event, membership: Membership | None = None) -> str:
    async with connect(uri, SECONDS, membership=membership) as peer:
        await peer.send(event)
        answer = await peer.wait_for("handled", "not-handled", "not-recognized", seconds=SECONDS)
        return str(answer.data["text"])


def sentence(text: str, area: str, language: str = "en") -> Event:
    context = {"area": area, "conversation_id": f"of {area}"}
    return Event("transcript", {"text": text, "language": language, "context": context})


def by_member(intent: Daemon, member: Membership) -> Ask:
    uri = str(intent.lines("ready")[0]["tls"])
    return lambda text: ask_daemon(uri, sentence(text, "Bedroom"), member)


async def by_bus(stack: AsyncExitStack, uri: str, folder: Path) -> Ask:
    home = await stack.enter_async_context(home_with(folder, intent_uri=uri, executor_uri=uri))

    async def ask(text: str) -> str:
        key = await home.speak(text, area="Kitchen")
        return str((await home.end(key)).message)

    return ask


def by_rest(client: aiohttp.ClientSession, key: str) -> Ask:
    async def ask(text: str) -> str:
        async with client.post("/api/v1/prompt", json={"text": text}, headers=bearer(key)) as answer:
            return str((await answer.json())["text"])

    return ask


def by_browser(client: aiohttp.ClientSession, key: str) -> Ask:
    async def ask(text: str) -> str:
        async with client.ws_connect(STREAM, headers=bearer(key)) as socket:
            await socket.send_str(message("info", satellite={"name": "browser", "area": "Kitchen"}))
            await socket.send_str(message("transcript", text=text))
            while (told := await socket.receive_json(timeout=SECONDS))["type"] != "synthesize":
                pass
            return str(told["data"]["text"])

    return ask


async def read_audit(path: Path, count: int) -> list[dict[str, Any]]:
    """Return the entries of an audit file once there are so many."""
    async with asyncio.timeout(SECONDS):
        while len(lines := await asyncio.to_thread(lambda: path.read_text().splitlines())) < count:
            await asyncio.sleep(0.02)
    return [json.loads(line) for line in lines]


@pytest.mark.timeout(120)
async def test_each_path_refuses_what_the_room_may_not_control(
    daemon: StartDaemon, flags: tuple[str, ...], kitchen: Membership, credentials: Credentials, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(OllamaServer(MODEL).run())
        model = ("--local.model", "scripted", "--local.url", server.url, "--no-warm-up", "--no-fillers")
        intent = await daemon("intent", *flags, *model)
        await intent.wait_for_line("plugin status")
        hub = await start_web(daemon, "--data-dir", str(credentials.folder), "--intent-uri", intent.uri)
        client = await stack.enter_async_context(aiohttp.ClientSession(await page_of(hub)))
        paths: dict[str, tuple[Ask, str]] = {
            "rules": (lambda text: ask_daemon(intent.uri, sentence(text, "Kitchen")), "127.0.0.1"),
            "member": (by_member(intent, kitchen), "kitchen (satellite)"),
            "REST": (by_rest(client, credentials.tablet), "kitchen-tablet"),
            "browser": (by_browser(client, credentials.tablet), "kitchen-tablet"),
            "bus": (await by_bus(stack, intent.uri, tmp_path), "127.0.0.1"),
        }
        text, refusal = FORBIDDEN["en"]
        told = {path: await ask(text) for path, (ask, _) in paths.items()}
        assert all(refusal in answer for answer in told.values()), told
        await ask_daemon(intent.uri, sentence("it is so gloomy today", "Kitchen"))
        entries = await read_audit(tmp_path / "audit", len(paths) + 1)
        assert [entry["caller"] for entry in entries] == [*(caller for _, caller in paths.values()), "127.0.0.1"]
        assert {(entry["outcome"], *entry["entities"], entry["room"].lower()) for entry in entries} == {
            ("refused", "light.bed", "kitchen")
        }
        assert SECRET not in json.dumps(entries)
        states = Event("user-event", {"name": "home-state"})
        async with connect(intent.uri) as peer:
            await peer.send(states)
            answer = await peer.wait_for("user-event", seconds=SECONDS)
        assert answer.data["data"]["entities"]["light.bed"]["state"] == "off"
        assert refusal not in await ask_daemon(intent.uri, sentence(text, "Bedroom"))


async def test_the_refusal_is_a_sentence_in_the_language_of_the_command(
    daemon: StartDaemon, flags: tuple[str, ...]
) -> None:
    intent = await daemon("intent", *flags)
    for language, (text, refusal) in FORBIDDEN.items():
        assert refusal in await ask_daemon(intent.uri, sentence(text, "Kitchen", language)), language


async def test_a_plugin_is_told_the_room_of_the_roster(
    daemon: StartDaemon, flags: tuple[str, ...], kitchen: Membership
) -> None:
    intent = await daemon("intent", *flags)
    await intent.wait_for_line("plugin status")
    ask = by_member(intent, kitchen)
    call = {"name": "plugin-command", "data": {"plugin": "where", "intent": "Ask"}}
    command = Event("user-event", {**call, "context": {"area": "Bedroom"}})
    assert await ask("ask the service") == "asked from the kitchen"
    assert await ask_daemon(str(intent.lines("ready")[0]["tls"]), command, kitchen) == "asked from the kitchen"


async def test_a_key_of_a_room_asks_for_no_other(
    daemon: StartDaemon, flags: tuple[str, ...], credentials: Credentials
) -> None:
    intent = await daemon("intent", *flags)
    hub = await start_web(daemon, "--data-dir", str(credentials.folder), "--intent-uri", intent.uri)
    body = {"text": FORBIDDEN["en"][0], "room": "Bedroom"}
    async with (
        aiohttp.ClientSession(await page_of(hub)) as client,
        client.post("/api/v1/prompt", json=body, headers=bearer(credentials.tablet)) as answer,
    ):
        assert (answer.status, (await answer.json())["code"]) == (403, "room")
