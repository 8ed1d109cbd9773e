"""A real Home Assistant core (scripts/peers) with its demo home, in its own folder, on a free port."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.interop.peers import STOP_SECONDS, find_program, free_port
from wyoming_rosie.protocol import address
from wyoming_rosie.runtime.child_processes import send_signal

START_SECONDS = 90.0
ASK_SECONDS = 20.0
CONFIGURATION = """
homeassistant:
  name: Test
  time_zone: UTC
  unit_system: metric
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
config:
conversation:
demo:
input_boolean:
  bulb:
    name: Bulb
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
"""The demo home, a light that mirrors the state of another entity, and one that never answers."""
_ONBOARDED = {"version": 4, "minor_version": 1, "key": "onboarding", "data": {"done": ["core_config", "analytics", "integration"]}}  # fmt: skip


OLD, NEWEST = "homeassistant", "homeassistant-newest"
"""Environments of the cores under test."""


class HomeAssistant:
    """A running core, its address, and an administrator's token."""

    def __init__(self, folder: Path, port: int, environment: str = OLD) -> None:
        self.folder = folder
        self.is_newest = environment == NEWEST
        self._environment = environment
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the core and wait until it has loaded everything."""
        path = find_program(self._environment, "hass")
        said = await asyncio.to_thread((self.folder / "log").open, "ab")
        self._process = await asyncio.create_subprocess_exec(
            str(path), "--config", str(self.folder), "--skip-pip", stdout=said, stderr=said,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "PATH": f"{path.parent}:{os.environ['PATH']}"},
        )  # fmt: skip
        said.close()
        async with asyncio.timeout(START_SECONDS):
            while not await self._answers():
                await asyncio.sleep(0.2)
            is_new, self.token = not self.token, self.token or await _onboard(self.url)
            while (await self.ask("get_config"))["state"] != "RUNNING":
                await asyncio.sleep(0.2)
        if self.is_newest and is_new:  # else it would forget its port after five minutes
            await self.ask("http/config/promote")

    async def stop(self) -> None:
        assert self._process is not None
        send_signal(self._process, signal.SIGTERM)
        try:
            async with asyncio.timeout(2 * STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            send_signal(self._process, signal.SIGKILL)
            await self._process.wait()

    async def ask(self, kind: str, **fields: Any) -> Any:
        """Return the result of one WebSocket command."""
        async with aiohttp.ClientSession() as session:
            return await _request(session, self.url, self.token, {"type": kind, **fields})

    async def add_wyoming(self, port: int, domain: str = "conversation") -> str:
        """Add a Wyoming program on this machine; return the ID of its entity in the domain."""
        before = await self._wyoming(domain)
        assert (await self._configure_wyoming(port))["type"] == "create_entry"
        async with asyncio.timeout(ASK_SECONDS):
            while not (new := await self._wyoming(domain) - before):
                await asyncio.sleep(0.2)
        return new.pop()

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

    async def use_pipeline(self, **engines: str) -> None:
        """Set the pipeline of all satellites to these entities, by domain."""
        spoken = {f"{stage}_language": "en" for stage in ("conversation", "stt", "tts")}
        entities = {f"{domain}_engine": entity for domain, entity in engines.items()}
        nothing = {"tts_voice": None, "wake_word_entity": None, "wake_word_id": None}
        pipeline = {"name": "Test", "language": "en", **spoken, **entities, **nothing}
        made = await self.ask("assist_pipeline/pipeline/create", **pipeline)
        await self.ask("assist_pipeline/pipeline/set_preferred", pipeline_id=made["id"])

    async def call(self, domain: str, service: str, **fields: Any) -> int:
        """Call a service and wait for its end; return the HTTP status."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.token}"}) as session,
            session.post(f"{self.url}/api/services/{domain}/{service}", json=fields) as response,
        ):
            return response.status

    async def post(self, path: str, **fields: Any) -> dict[str, Any]:
        """Return the answer to a request to its REST interface."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.token}"}) as session,
            session.post(f"{self.url}/api/{path}", json=fields) as response,
        ):
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
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/api/") as response:
                return response.status in {200, 401}
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def run_home_assistant(folder: Path, environment: str = OLD) -> AsyncIterator[HomeAssistant]:
    """Run a core during the block."""
    find_program(environment, "hass")
    port = free_port()
    await asyncio.to_thread(_configure, folder, port)
    core = HomeAssistant(folder, port, environment)
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


def _configure(folder: Path, port: int) -> None:
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
    (folder / ".storage" / "onboarding").write_text(json.dumps(_ONBOARDED))


async def _onboard(url: str) -> str:
    """Create the first user as the web page does; return a long-lived token."""
    person = {"client_id": f"{url}/", "name": "Test", "username": "test", "password": "test-test", "language": "en"}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/api/onboarding/users", json=person) as made:
            code = (await made.json())["auth_code"]
        grant = {"client_id": f"{url}/", "grant_type": "authorization_code", "code": code}
        async with session.post(f"{url}/auth/token", data=grant) as granted:
            short = (await granted.json())["access_token"]
        lasting = {"type": "auth/long_lived_access_token", "client_name": "test", "lifespan": 30}
        return str(await _request(session, url, short, lasting))


async def _request(session: aiohttp.ClientSession, url: str, token: str, command: dict[str, Any]) -> Any:
    async with asyncio.timeout(ASK_SECONDS), session.ws_connect(f"{url}/api/websocket", max_msg_size=0) as socket:
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": token})
        assert (await socket.receive_json())["type"] == "auth_ok"
        await socket.send_json({"id": 1, **command})
        answer = await socket.receive_json()
        assert answer["success"], answer
        return answer["result"]
