"""What a room may not control, and what those may who may not act: refused aloud on every path to the home, and noted with
who asked, never with what was said.

| path | whose room counts | how it comes to the intent daemon |
|---|---|---|
| a sentence by rules, of a program of this machine | the context's, as the hub states it | `transcript` |
| a satellite as a member | the roster's | `transcript` over TLS |
| a language model's tool | that of the sentence | the model's call, within the daemon |
| a plugin by name, of a member | the roster's | `plugin-command` over TLS |
| the bus | the device's, as the bridge states it | `transcript` with `delegate`; the installed bridge: `bridge/test_bridge_rights.py` |
| the HTTP API | the key's | `POST /prompt`, then `transcript` of the hub |
| a browser | the key's | the stream, then `transcript` of the hub |
| a timer or a reminder | the satellite's, at which it was set | the hub, with the room of the first sentence |
| Home Assistant, also by our component | the room of its device, which it names | `transcript` |
| Home Assistant's own tools (its LLM API) | none: what it exposes to them is its own | not over us |

With Home Assistant as actor the same holds, before anything is asked of it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeSatellite
from tests.home_assistant_server import TOKEN, HomeAssistantServer
from tests.houses import House
from tests.integration.bridge.test_voice_in_memory import home_with
from tests.integration.test_web_stream import STREAM, message
from tests.ollama_script import Call, Rule
from tests.ollama_server import OllamaServer
from tests.web_client import Credentials, bearer, create_credentials, page_of, start_web
from wyoming_rosie.http import access
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.scopes import Scope

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
def asker(house: House) -> Membership:
    """A satellite of the bedroom that may not act."""
    loaded = Membership.load(house.add("satellite", "asker", room="Bedroom", scopes=frozenset({Scope.TEXT})))
    assert loaded is not None
    return loaded


@pytest.fixture
def reader(credentials: Credentials) -> str:
    """A key of the bedroom that may not act."""
    keys, secret = credentials.access.add_key("reader", (Scope.TEXT, Scope.AUDIO, Scope.READ), "Bedroom")
    access.save(credentials.folder / access.FILE_NAME, keys)
    return secret


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
    """Return the entries of an audit file once there are so many: a daemon writes the file soon after it answers."""

    def lines() -> list[str]:
        return path.read_text().splitlines() if path.exists() else []

    async with asyncio.timeout(SECONDS):
        while len(entries := await asyncio.to_thread(lines)) < count:
            await asyncio.sleep(0.02)
    return [json.loads(entry) for entry in entries]


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
        assert not await is_lit(intent.uri)
        assert refusal not in await ask_daemon(intent.uri, sentence(text, "Bedroom"))


async def is_lit(uri: str) -> bool:
    async with connect(uri) as peer:
        await peer.send(Event("user-event", {"name": "home-state"}))
        answer = await peer.wait_for("user-event", seconds=SECONDS)
    return bool(answer.data["data"]["entities"]["light.bed"]["state"] == "on")


@pytest.mark.timeout(120)
async def test_each_path_without_the_right_to_act_changes_nothing(
    daemon: StartDaemon,
    flags: tuple[str, ...],
    asker: Membership,
    reader: str,
    credentials: Credentials,
    tmp_path: Path,
) -> None:
    """Where everything is allowed in the room. Timers are the hub's, and rings at a satellite that is connected."""
    async with conducted(daemon, flags, FakeSatellite("bedside", "Bedroom"), tmp_path / "hub") as (intent, client):
        timer = {"seconds": 600, "name": "pizza", "satellite": "bedside"}
        async with client.post("/api/v1/timers", json=timer, headers=bearer(credentials.admin)) as answer:
            assert answer.status == 201, await answer.text()
        before = await list_timers(client, credentials.admin)
        asks = (by_member(intent, asker), by_rest(client, reader), by_browser(client, reader))
        for text in (FORBIDDEN["en"][0], "set a timer for five minutes", "cancel the pizza timer", "cancel all timers"):
            told = [await ask(text) for ask in asks]
            assert told == ["Sorry, I cannot do that."] * len(asks), (text, told)
        async with client.delete(f"/api/v1/timers/{before[0]}", headers=bearer(reader)) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "scope")
        assert await list_timers(client, credentials.admin) == before
        assert not await is_lit(intent.uri)
        entries = await read_audit(tmp_path / "audit", 4 * len(asks))
        assert {entry["caller"] for entry in entries} == {"asker (satellite)", "reader"}
        assert {(entry["outcome"], entry["room"].lower()) for entry in entries} == {("refused", "bedroom")}
        assert "pizza" not in json.dumps(entries)


@asynccontextmanager
async def conducted(
    daemon: StartDaemon, flags: tuple[str, ...], satellite: FakeSatellite, state: Path
) -> AsyncIterator[tuple[Daemon, aiohttp.ClientSession]]:
    """Run an intent daemon, a hub and its satellite; yields the daemon, and a client of the hub."""
    async with satellite.serving(info=satellite.info):
        intent = await daemon("intent", *flags)
        uris = ("--intent-uri", intent.uri, "--satellite", satellite.uri)
        hub = await start_web(daemon, "--data-dir", str(state), *uris)
        await hub.wait_for_line("satellite connected")
        async with aiohttp.ClientSession(await page_of(hub)) as client:
            yield intent, client


async def list_timers(client: aiohttp.ClientSession, key: str) -> list[str]:
    async with client.get("/api/v1/timers", headers=bearer(key)) as answer:
        return [timer["id"] for timer in await answer.json()]


async def test_a_command_for_later_needs_the_right_when_it_is_given(
    daemon: StartDaemon, flags: tuple[str, ...], credentials: Credentials, tmp_path: Path
) -> None:
    async with conducted(daemon, flags, FakeSatellite("stove", "Kitchen"), credentials.folder) as (_, client):
        told = await by_rest(client, credentials.tablet)("turn on the bed lamp in ten minutes")
        assert FORBIDDEN["en"][1] in told
        assert await list_timers(client, credentials.admin) == []
    [entry] = await read_audit(tmp_path / "audit", 1)
    assert (entry["caller"], entry["entities"], entry["outcome"]) == ("kitchen-tablet", ["light.bed"], "refused")


async def test_home_assistant_is_asked_for_nothing_that_the_room_may_not(daemon: StartDaemon, tmp_path: Path) -> None:
    """A sentence as Home Assistant's component sends it, with Home Assistant as the actor."""
    (tmp_path / "home.toml").write_text(
        'areas = [{ id = "kitchen", name = "Kitchen" }]\n[rooms.kitchen]\nmay = ["light.kitchen"]\n'
    )
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    async with HomeAssistantServer().serving() as server:
        server.areas.append({"area_id": "hall", "name": "Hall", "aliases": [], "floor_id": "ground"})
        actor = ("--actor", "home-assistant", "--home-assistant.url", server.url)
        secret = ("--home-assistant.token-file", str(tmp_path / "token"))
        files = ("--home", str(tmp_path / "home.toml"), "--audit-file", str(tmp_path / "audit"))
        intent = await daemon("intent", *actor, *secret, *files)
        async with asyncio.timeout(SECONDS):
            while not server.calls:  # until the home is read
                await ask_daemon(intent.uri, sentence("turn on the kitchen light", "Kitchen"))
        server.calls.clear()
        told = await ask_daemon(intent.uri, sentence("turn on the hall light", "Kitchen"))
        assert FORBIDDEN["en"][1] in told
        assert server.calls == []
        [entry] = await read_audit(tmp_path / "audit", 1)
        assert (entry["room"].lower(), entry["entities"], entry["outcome"]) == ("kitchen", ["light.hall"], "refused")
        await ask_daemon(intent.uri, sentence("turn on the hall light", "Hall"))
        assert len(server.calls) == 1


async def test_a_yes_from_a_room_that_may_not_does_not_carry_out_what_another_asked_for(
    daemon: StartDaemon, flags: tuple[str, ...], kitchen: Membership, tmp_path: Path
) -> None:
    intent = await daemon("intent", *flags, "--confirm", "light.bed")
    question = await ask_daemon(intent.uri, sentence("turn on the bed lamp", "Bedroom"))
    assert question.endswith("?")
    told = await ask_daemon(str(intent.lines("ready")[0]["tls"]), sentence("yes", "Bedroom"), kitchen)
    assert FORBIDDEN["en"][1] in told
    assert not await is_lit(intent.uri)
    outcomes = [(entry["caller"], entry["outcome"]) for entry in await read_audit(tmp_path / "audit", 2)]
    assert outcomes == [("127.0.0.1", "asked"), ("kitchen (satellite)", "refused")]


@pytest.mark.long
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
