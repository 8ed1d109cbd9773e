"""A real Home Assistant core (scripts/peers) with its demo home, in its own folder, on a free port."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.interop.peers import STOP_SECONDS, find_program, free_port
from tests.two_hosts import on_host
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol import address
from wyoming_rosie.runtime.child_processes import send_signal

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
ASK_SECONDS = 20.0
RUN_SECONDS = 60.0
FRAME_SECONDS = 0.02
CONFIGURATION = """
homeassistant:
  name: Test
  internal_url: http://127.0.0.1:{port}
  time_zone: UTC
  unit_system: metric
http:
  server_host: 127.0.0.1
  server_port: {port}
alarm_control_panel:
  - platform: manual
    name: House
    arming_time: 0
    code_arm_required: false
api:
config:
conversation:
demo:
input_boolean:
  bulb:
    name: Bulb
lawn_mower:
script:
  slow:
    alias: Slow
    sequence:
      - delay: 1
template:
  - light:
      - name: Reading lamp
        unique_id: reading_lamp
        state: "{{{{ is_state('input_boolean.bulb', 'on') }}}}"
        turn_on:
          - action: input_boolean.turn_on
            target: {{entity_id: input_boolean.bulb}}
        turn_off:
          - action: input_boolean.turn_off
            target: {{entity_id: input_boolean.bulb}}
      - name: Dead lamp
        unique_id: dead_lamp
        state: "off"
        turn_on: []
        turn_off: []
"""
"""The demo home, an alarm panel without a code, a light that mirrors another entity's state, and one that never answers."""
_ONBOARDED = {"version": 4, "minor_version": 1, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}  # fmt: skip


OLD, NEWEST = "homeassistant", "homeassistant-newest"
"""Environments of the cores under test."""
STREAMING_AGENT = Path(__file__).with_name("streaming_agent")
"""A component of the newest one; the old one does not stream answers."""
RECORDING_PLAYER = Path(__file__).with_name("recording_player")
HYBRID_LLM = ROOT / "custom_components" / "hybrid_llm"
"""Our component, as a person installs it."""


class HomeAssistant:
    """A running core, its address, and an administrator's token."""

    def __init__(self, folder: Path, port: int, environment: str = OLD, host: str | None = None) -> None:
        self.folder = folder
        self.is_newest = environment == NEWEST
        self._environment = environment
        self._prefix = on_host(host)
        self._relay = None if host is None else folder / "relay.socket"  # to its host's loopback
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""
        self._process: asyncio.subprocess.Process | None = None
        self._relaying: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the core and wait until it has loaded everything."""
        if self._relay is not None:
            command = (sys.executable, "-m", "tests.interop.relay", str(self._relay), self.url.rpartition(":")[2])
            self._relaying = await asyncio.create_subprocess_exec(*self._prefix, *command, cwd=ROOT)
        path = find_program(self._environment, "hass")
        said = await asyncio.to_thread((self.folder / "log").open, "ab")
        self._process = await asyncio.create_subprocess_exec(
            *self._prefix, str(path), "--config", str(self.folder), "--skip-pip", stdout=said, stderr=said,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "PATH": f"{path.parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        said.close()
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():
                await asyncio.sleep(0.2)
            is_new, self.token = not self.token, self.token or await self._onboard()
            while (await self.ask("get_config"))["state"] != "RUNNING":
                await asyncio.sleep(0.2)
        if self.is_newest and is_new:  # else it would forget its port after five minutes
            await self.ask("http/config/promote")

    async def stop(self) -> None:
        for process in (self._relaying, self._process):
            if process is not None:
                await _stop(process)

    async def kill(self) -> None:
        """End the core at once, as a power cut does."""
        assert self._process is not None
        send_signal(self._process, signal.SIGKILL)
        await self._process.wait()

    async def ask(self, kind: str, **fields: Any) -> Any:
        """Return the result of one WebSocket command."""
        async with self.websocket() as socket:
            return await _request(socket, {"id": 1, "type": kind, **fields})

    @asynccontextmanager
    async def websocket(self, token: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open an authenticated WebSocket."""
        url = f"{self.url}/api/websocket"
        async with self._session() as session, session.ws_connect(url, max_msg_size=0) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "auth", "access_token": token or self.token})
            assert (await socket.receive_json())["type"] == "auth_ok"
            yield socket

    def _session(self) -> aiohttp.ClientSession:
        connector = None if self._relay is None else aiohttp.UnixConnector(str(self._relay))
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return aiohttp.ClientSession(connector=connector, headers=headers)

    async def versions(self) -> str:
        """Return its version, and that of its Wyoming package."""
        manifest = await self.ask("manifest/get", integration="wyoming")
        return f"Home Assistant {(await self.ask('get_config'))['version']}, {manifest['requirements'][0]}"

    async def run_pipeline(self, pcm: bytes, wake: str, word: str) -> list[dict[str, Any]]:
        """Say a recording to the preferred pipeline, in real time, from the wake word on; return all its events."""
        run = {"type": "assist_pipeline/run", "start_stage": "wake_word", "end_stage": "tts", "timeout": 60}
        asked = {"sample_rate": 16000, "timeout": 30}
        pipeline = await self.pipeline_with_wake_word(wake, word)
        async with asyncio.timeout(RUN_SECONDS), self.websocket() as socket:
            await _request(socket, {"id": 1, **run, "input": asked, "pipeline": pipeline})
            events = [(await socket.receive_json())["event"]]
            handler = bytes([events[0]["data"]["runner_data"]["stt_binary_handler_id"]])
            speaking = asyncio.create_task(_speak(socket, handler, pcm))
            while events[-1]["type"] != "run-end":
                events.append((await socket.receive_json())["event"])
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        return events

    async def pipeline_with_wake_word(self, entity: str, word: str) -> str:
        """Set the wake word of the preferred pipeline; return the pipeline's id."""
        known = await self.ask("assist_pipeline/pipeline/list")
        preferred = next(one for one in known["pipelines"] if one["id"] == known["preferred_pipeline"])
        fields = {key: value for key, value in preferred.items() if key != "id"}
        changed = {**fields, "wake_word_entity": entity, "wake_word_id": word}
        await self.ask("assist_pipeline/pipeline/update", pipeline_id=preferred["id"], **changed)
        return str(preferred["id"])

    async def add_hybrid_llm(self, url: str, model: str, **options: Any) -> str:
        """Add our component for an Ollama server, through its flows; return the ID of its agent."""
        entry = await self._configure_hybrid_llm({"next_step_id": "ollama"}, {"url": url}, {"model": model})
        if options:
            await self._set_hybrid_llm(entry, options)
        return await self._find_hybrid_llm()

    async def add_hybrid_daemon(self, port: int) -> str:
        """Add our component for an intent daemon on this machine; return the ID of its agent."""
        await self._configure_hybrid_llm({"next_step_id": "daemon"}, {"host": "127.0.0.1", "port": port})
        return await self._find_hybrid_llm()

    async def _configure_hybrid_llm(self, *inputs: dict[str, Any]) -> str:
        """Go through its config flow with these inputs; return the id of the entry."""
        flow = await self.post("config/config_entries/flow", handler="hybrid_llm")
        for given in inputs:
            flow = await self.post(f"config/config_entries/flow/{flow['flow_id']}", **given)
        assert flow["type"] == "create_entry", flow
        return str(flow["result"]["entry_id"])

    async def _find_hybrid_llm(self) -> str:
        entities = await self.ask("config/entity_registry/list")
        ours = {str(one["entity_id"]) for one in entities if one["platform"] == "hybrid_llm"}
        return next(entity for entity in ours if entity.startswith("conversation."))

    async def _set_hybrid_llm(self, entry: str, options: dict[str, Any]) -> None:
        flow = await self.post("config/config_entries/options/flow", handler=entry)
        needed = {
            "tools": ["assist"],
            "history": 6,
            "context_tokens": 8192,
            "native": "strict",
            "cooldown": 10,
            "filler": True,
        }
        flow = await self.post(f"config/config_entries/options/flow/{flow['flow_id']}", **{**needed, **options})
        assert flow["type"] == "menu", flow
        flow = await self.post(f"config/config_entries/options/flow/{flow['flow_id']}", next_step_id="save")
        assert flow["type"] == "create_entry", flow

    async def put_into_area(self, area: str, *, devices: Sequence[str] = (), entities: Sequence[str] = ()) -> None:
        """Create an area with these devices and entities."""
        made = (await self.ask("config/area_registry/create", name=area))["area_id"]
        for device in devices:
            await self.ask("config/device_registry/update", device_id=device, area_id=made)
        for entity in entities:
            await self.ask("config/entity_registry/update", entity_id=entity, area_id=made)

    async def add_wyoming(self, port: int, domain: str = "conversation") -> str:
        """Add a Wyoming program on this machine; return the ID of its entity in the domain."""
        before = await self._wyoming(domain)
        assert (await self._configure_wyoming(port))["type"] == "create_entry"
        async with asyncio.timeout(ASK_SECONDS):
            while not (new := await self._wyoming(domain) - before):
                await asyncio.sleep(0.2)
        return new.pop()

    async def discovered(self, handler: str = "wyoming") -> dict[str, str]:
        """Return the ids of the flows that wait for a confirmation of something discovered, by its title."""
        flows = await self.ask("config_entries/flow/progress")
        return {
            flow["context"]["title_placeholders"]["name"]: flow["flow_id"]
            for flow in flows
            if flow["handler"] == handler and flow["context"]["source"] == "zeroconf"
        }

    async def confirm(self, flow: str) -> str:
        """Confirm a discovered program; return the entry's title."""
        made = await self.post(f"config/config_entries/flow/{flow}")
        assert made["type"] == "create_entry", made
        return str(made["title"])

    async def add_integration(self, handler: str) -> None:
        """Add an integration whose form asks for nothing."""
        flow = await self.post("config/config_entries/flow", handler=handler)
        made = await self.post(f"config/config_entries/flow/{flow['flow_id']}")
        assert made["type"] == "create_entry", made

    async def _wyoming(self, domain: str) -> set[str]:
        entities = await self.ask("config/entity_registry/list")
        ours = {one["entity_id"] for one in entities if one["platform"] == "wyoming"}
        return {entity for entity in ours if entity.startswith(f"{domain}.")}

    async def _configure_wyoming(self, port: int) -> dict[str, Any]:
        flow = await self.post("config/config_entries/flow", handler="wyoming")
        return await self.post(f"config/config_entries/flow/{flow['flow_id']}", host="127.0.0.1", port=port)

    async def device_of(self, entity: str) -> str:
        """Return the id of an entity's device."""
        entities = await self.ask("config/entity_registry/list")
        return str(next(one["device_id"] for one in entities if one["entity_id"] == entity))

    async def entity_of_same_device(self, entity: str, domain: str) -> str:
        """Return the id of the device's entity in another domain."""
        device = await self.device_of(entity)
        entities = await self.ask("config/entity_registry/list")
        of_device = [one["entity_id"] for one in entities if one["device_id"] == device]
        return str(next(one for one in of_device if one.startswith(f"{domain}.")))

    async def use_pipeline(self, name: str = "Test", **engines: str) -> None:
        """Set the pipeline of all satellites to these entities, by domain."""
        spoken = {f"{stage}_language": "en" for stage in ("conversation", "stt", "tts")}
        entities = {f"{domain}_engine": entity for domain, entity in engines.items()}
        nothing = {"tts_voice": None, "wake_word_entity": None, "wake_word_id": None}
        pipeline = {"name": name, "language": "en", **spoken, **entities, **nothing}
        made = await self.ask("assist_pipeline/pipeline/create", **pipeline)
        await self.ask("assist_pipeline/pipeline/set_preferred", pipeline_id=made["id"])

    async def use_agent(self, entity: str) -> None:
        """Change the conversation agent of the preferred pipeline."""
        known = await self.ask("assist_pipeline/pipeline/list")
        preferred = next(one for one in known["pipelines"] if one["id"] == known["preferred_pipeline"])
        fields = {key: value for key, value in preferred.items() if key != "id"} | {"conversation_engine": entity}
        await self.ask("assist_pipeline/pipeline/update", pipeline_id=preferred["id"], **fields)

    async def delete(self, path: str) -> None:
        """Delete something by its REST interface."""
        async with self._session() as session, session.delete(f"{self.url}/api/{path}") as response:
            assert response.status == 200, path

    async def fetch(self, path: str) -> bytes:
        """Return what is at a path of its web server."""
        async with self._session() as session, session.get(f"{self.url}{path}") as response:
            assert response.status == 200, path
            return await response.read()

    async def entries(self) -> dict[str, list[str]]:
        """Return the titles of all Wyoming entries, with the ids of their entities."""
        entities = await self.ask("config/entity_registry/list")
        return {
            entry["title"]: sorted(one["entity_id"] for one in entities if one["config_entry_id"] == entry["entry_id"])
            for entry in await self.ask("config_entries/get", domain="wyoming")
        }

    async def call(self, domain: str, service: str, **fields: Any) -> int:
        """Call a service and wait for its end; return the HTTP status."""
        url = f"{self.url}/api/services/{domain}/{service}"
        async with self._session() as session, session.post(url, json=fields) as response:
            return response.status

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Return the answer to a request to its REST interface."""
        async with self._session() as session, session.post(f"{self.url}/api/{path}", json=fields) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def state(self, entity: str) -> str:
        """Return an entity's state."""
        return str((await self.attributes(entity))["state"])

    async def attributes(self, entity: str) -> dict[str, Any]:
        """Return an entity's attributes, and its state among them."""
        found = next(one for one in await self.ask("get_states") if one["entity_id"] == entity)
        return {**found["attributes"], "state": found["state"]}

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, await asyncio.to_thread(self.log)
        try:
            async with self._session() as session, session.get(f"{self.url}/api/") as response:
                return response.status in {200, 401}
        except aiohttp.ClientError:
            return False

    async def _onboard(self) -> str:
        """Create the first user as the web page does; return a long-lived token."""
        person = {
            "client_id": f"{self.url}/",
            "name": "Test",
            "username": "test",
            "password": "test-test",
            "language": "en",
        }
        made = await self.post("onboarding/users", **person)
        grant = {"client_id": f"{self.url}/", "grant_type": "authorization_code", "code": made["auth_code"]}
        async with self._session() as session, session.post(f"{self.url}/auth/token", data=grant) as granted:
            short = (await granted.json())["access_token"]
        lasting = {"type": "auth/long_lived_access_token", "client_name": "test", "lifespan": 30}
        async with self.websocket(short) as socket:
            return str(await _request(socket, {"id": 1, **lasting}))


@asynccontextmanager
async def run_home_assistant(
    folder: Path, environment: str = OLD, host: str | None = None, more: str = ""
) -> AsyncIterator[HomeAssistant]:
    """Run a core during the block, with `more` configuration, on this machine or on a host that `two_hosts` has made."""
    find_program(environment, "hass")
    port = free_port()
    configuration = CONFIGURATION.format(port=port) + ("zeroconf:\n" if host else "") + more
    await asyncio.to_thread(_configure, folder, configuration, environment)
    core = HomeAssistant(folder, port, environment, host)
    try:
        await core.start()
        yield core
    finally:
        await core.stop()


def port_of(uri: str) -> int:
    """Return the port of a daemon's address."""
    where = address.parse(uri)
    assert isinstance(where, address.Tcp)
    return where.port


def _configure(folder: Path, configuration: str, environment: str) -> None:
    (folder / ".storage").mkdir(parents=True)
    for component in (HYBRID_LLM, RECORDING_PLAYER, *((STREAMING_AGENT,) if environment == NEWEST else ())):
        shutil.copytree(component, folder / "custom_components" / component.name)
        configuration += "" if component is HYBRID_LLM else f"{component.name}:\n"
    (folder / "configuration.yaml").write_text(configuration)
    (folder / ".storage" / "onboarding").write_text(json.dumps(_ONBOARDED))


async def _stop(process: asyncio.subprocess.Process) -> None:
    send_signal(process, signal.SIGTERM)
    try:
        async with asyncio.timeout(2 * STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        send_signal(process, signal.SIGKILL)
        await process.wait()


async def _speak(socket: aiohttp.ClientWebSocketResponse, handler: bytes, pcm: bytes) -> None:
    """Send audio in real time, then silence until the caller has heard enough."""
    step = SPEECH.bytes_in(FRAME_SECONDS)
    for at in itertools.count(0, step):
        await socket.send_bytes(handler + pcm[at : at + step].ljust(step, b"\0"))
        await asyncio.sleep(FRAME_SECONDS)


async def _request(socket: aiohttp.ClientWebSocketResponse, command: dict[str, Any]) -> Any:
    async with asyncio.timeout(ASK_SECONDS):
        await socket.send_json(command)
        answer = await socket.receive_json()
        assert answer["success"], answer
        return answer["result"]
