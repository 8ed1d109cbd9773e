"""What was said in a private room must stay in the home, whichever way it reaches a plugin."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.integration.bridge.test_voice_in_memory import home_with
from tests.ollama_script import Call, Rule
from tests.ollama_server import OllamaServer
from tests.web_client import Credentials, bearer, create_credentials, page_of, start_web
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.messages import VoiceIntent
from wyoming_rosie.protocol.client import connect

HOME = """
areas = [{ id = "kitchen", name = "Kitchen" }, { id = "bedroom", name = "Bedroom", aliases = ["Den"] }]

[rooms.bedroom]
private = true
"""
PLUGIN = """
from wyoming_rosie_intent.plugins import IntegrationPlugin, PluginResult, PluginTool

class Weather(IntegrationPlugin):
    async def initialize(self, config):
        pass
    def get_intents(self):
        return {"Ask": ["ask the service"]}
    def get_tools(self):
        return [PluginTool("Ask", "Asks the service")]
    async def get_status(self):
        return {"healthy": True}
    async def execute(self, intent, entities, context):
        return PluginResult("it stays" if context.must_stay_home else "it may leave")
"""
MODEL = (Rule("wonder", "", (Call("weather_Ask", {}),)), Rule(after_tool=True, say="I have asked."))
AREAS = {"Kitchen": "it may leave", "Bedroom": "it stays", "den": "it stays", "Attic": "it stays", None: "it stays"}
Ask: TypeAlias = Callable[[str | None], Awaitable[str]]


@pytest.fixture
def flags(tmp_path: Path) -> tuple[str, ...]:
    """Flags of the intent daemon, whose home and plugin are there."""
    plugin = tmp_path / "plugins" / "weather" / "plugin.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN, "utf-8")
    (tmp_path / "home.toml").write_text(HOME)
    return ("--home", str(tmp_path / "home.toml"), "--plugin-folder", str(plugin.parent.parent))


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path / "hub")


def create_context(area: str | None) -> dict[str, str]:
    return {"conversation_id": f"of {area}", **({"area": area} if area else {})}


async def ask_daemon(uri: str, event: Event) -> str:
    async with connect(uri) as peer:
        await peer.send(event)
        return str((await peer.wait_for("handled", "not-handled", "not-recognized", seconds=60)).data["text"])


def by_sentence(uri: str) -> Ask:
    return lambda area: ask_daemon(
        uri, Event("transcript", {"text": "ask the service", "context": create_context(area)})
    )


def by_program(uri: str) -> Ask:
    call = {"name": "plugin-command", "data": {"plugin": "weather", "intent": "Ask"}}
    return lambda area: ask_daemon(uri, Event("user-event", {**call, "context": create_context(area)}))


def by_model(uri: str, server: OllamaServer) -> Ask:
    async def ask(area: str | None) -> str:
        await ask_daemon(uri, Event("transcript", {"text": "i wonder about it", "context": create_context(area)}))
        return str(server.requests_to("/api/chat")[-1].data["messages"][-1]["content"]).splitlines()[-1]

    return ask


async def by_bus(stack: AsyncExitStack, uri: str, folder: Path) -> Ask:
    bus = await stack.enter_async_context(home_with(folder, executor_uri=uri))

    async def ask(area: str | None) -> str:
        command = VoiceIntent("weather.Ask", device_id="satellite", area=area, language="en")
        envelope = schema.wrap(command, key=f"script:{area}", source="script", now=time.time())
        await bus.buses.events.publish(names.intent_subject("weather", "ask"), envelope, envelope.key)
        return str((await bus.end(envelope.key)).message)

    return ask


async def by_rest(stack: AsyncExitStack, daemon: StartDaemon, uri: str, credentials: Credentials) -> Ask:
    hub = await start_web(daemon, "--data-dir", str(credentials.folder), "--intent-uri", uri)
    client = await stack.enter_async_context(aiohttp.ClientSession(await page_of(hub)))

    async def ask(area: str | None) -> str:
        body = {"text": "ask the service", "room": area}
        async with client.post("/api/v1/prompt", json=body, headers=bearer(credentials.admin)) as answer:
            return str((await answer.json())["text"])

    return ask


@pytest.mark.timeout(120)
async def test_each_way_to_a_plugin_tells_it_the_same_about_a_room(
    daemon: StartDaemon, flags: tuple[str, ...], credentials: Credentials, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(OllamaServer(MODEL).run())
        model = ("--local.model", "scripted", "--local.url", server.url, "--no-warm-up", "--no-fillers")
        intent = await daemon("intent", *flags, *model)
        await intent.wait_for_line("plugin status")
        ways = {
            "sentence": by_sentence(intent.uri),
            "program": by_program(intent.uri),
            "model": by_model(intent.uri, server),
            "bus": await by_bus(stack, intent.uri, tmp_path),
            "REST": await by_rest(stack, daemon, intent.uri, credentials),
        }
        told = {name: {area: await ask(area) for area in AREAS} for name, ask in ways.items()}
    assert told == dict.fromkeys(ways, AREAS)
