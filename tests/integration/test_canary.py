"""A secret that is easy to recognize, in all secret settings of each program, is in nothing that the program says."""

import asyncio
import json
import os
import tarfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from tests.brokers import Mosquitto, find_program
from tests.daemons import CLIENTS, Daemon, command, describe
from tests.waiting import wait_until
from tests.web_client import bearer, create_credentials, page_of
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie.runtime.tasks import run_beside

pytestmark = pytest.mark.long

CANARY = "canary-7c1f09-must-not-be-shown"
HEX_CANARY = "7c1f09ca" * 8
"""The same as a key of 32 bytes."""
CANARIES = (CANARY, HEX_CANARY, bytes.fromhex(HEX_CANARY).decode("latin-1"))
VARIABLES = (
    "MQTT_PASSWORD", "REDIS_PASSWORD", "NATS_TOKEN", "HOME_ASSISTANT_TOKEN", "WYOMING_ROSIE_API_TOKEN", "KAFKA_PASSWORD",
    "VICTORIA_METRICS_TOKEN", "FRIGATE_TOKEN", "MODEL_KEY", "PLUGIN_TOKEN", "MCP_TOKEN",
)  # fmt: skip
SATELLITE = ("--mic-command", "cat /dev/zero", "--snd-command", "cat")
FLAGS: Mapping[str, tuple[str, ...]] = {
    "wake": (),
    "vad": (),
    "asr": (),
    "tts": (),
    "intent": (
        "--actor", "home-assistant", "--home-assistant.url", "http://127.0.0.1:1", "--home-assistant.token-file", "SECRET",
        "--local.model", "m", "--local.url", "http://127.0.0.1:1", "--local.key-file", "SECRET",
        "--network.model", "m", "--network.url", "http://127.0.0.1:1", "--network.key-variable", "MODEL_KEY",
        "--memory.key-file", "FOLDER/KEY", "--mcp-file", "FOLDER/mcp.toml",
    ),
    "hub": ("--satellite", "tcp://127.0.0.1:1", "--data-dir", "FOLDER", "--web", "--web.port", "0"),
    "bridge": (
        "--role", "voice", "--broker.mqtt", "mqtt://user@127.0.0.1:1", "--broker.redis", "redis://user@127.0.0.1:1",
        "--broker.nats", "nats://user@127.0.0.1:1",
    ),
    "satellite": (
        *SATELLITE, "--api-port", "0", "--api-token-file", "SECRET",
        "--arbitration.port", "47129", "--arbitration.key-file", "SECRET",
    ),
}  # fmt: skip
"""Flags of each program with all its secrets; SECRET and KEY are files that hold the canary, as a text and as a key."""
PLUGINS = """
[intent.plugins.monica]
url = "http://127.0.0.1:1"
token = SECRET
[intent.plugins.mattermost]
url = "http://127.0.0.1:1"
token = SECRET
listen = "127.0.0.1:0"
hub = { url = "http://127.0.0.1:1", key = SECRET }
commands = { rosie = SECRET }
webhooks = { alerts = WEBHOOK }
persons = { ada = { token = SECRET } }
[intent.plugins.calendar]
caldav = { url = "http://127.0.0.1:1", user = "ada", password = SECRET }
google = { account = "house", url = "http://127.0.0.1:1", token_url = "http://127.0.0.1:1/token" }
"""
MCP = """
[weather]
url = "http://127.0.0.1:1/mcp"
tools = ["get_forecast"]
key_variable = "MCP_TOKEN"
[notes]
command = ["false"]
tools = ["search"]
environment = ["MCP_TOKEN"]
"""
STATE: Mapping[str, Mapping[str, str]] = {
    "intent/google-calendar/house.json": {"client_id": "id", "client_secret": CANARY, "refresh_token": CANARY},
    "hub/tls/group-key.json": {"key": HEX_CANARY},
}
"""Files with secrets in the state folders of programs."""
COMMANDS = (
    ("doctor", "--json"),
    ("doctor", "--security", "--json"),
    ("config", "check"),
)


@pytest.fixture
def places(tmp_path: Path) -> Mapping[str, str]:
    """An environment of the test's own, with the canary in variables, credentials, state and the configuration file."""
    contents = {f"credentials/{name.lower().replace('_', '-')}": CANARY for name in VARIABLES}
    contents |= {f"state/wyoming-rosie/{name}": json.dumps(document) for name, document in STATE.items()}
    contents |= {"SECRET": CANARY, "KEY": HEX_CANARY, "WEBHOOK": f"http://127.0.0.1:1/hooks/{CANARY}", "mcp.toml": MCP}
    settings = (
        f'[intent.local]\nkey_file = "{tmp_path}/SECRET"\n[satellite]\napi_token_file = "{tmp_path}/SECRET"\n{PLUGINS}'
    )
    for name in ("SECRET", "WEBHOOK"):
        settings = settings.replace(f"= {name}", f'= {{ secret_file = "{tmp_path}/{name}" }}')
    for name, content in (*contents.items(), ("config/wyoming-rosie/rosie.toml", settings)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    return {**folders, **dict.fromkeys(VARIABLES, CANARY), "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}


def fill(words: tuple[str, ...], folder: Path) -> list[str]:
    return [word.replace("SECRET", str(folder / "SECRET")).replace("FOLDER", str(folder)) for word in words]


@pytest.mark.parametrize("role", FLAGS)
async def test_no_program_shows_a_secret(role: str, tmp_path: Path, places: Mapping[str, str]) -> None:
    flags = fill((*FLAGS[role], "--debug", "--http-port", "0"), tmp_path)
    daemon = await Daemon.start(role, *flags, env=places)
    try:
        said = [] if role in CLIENTS else [str((await describe(daemon.uri)).to_dict())]
        where = (await daemon.wait_for_line("health"))["uri"].removesuffix("/health")
        async with aiohttp.ClientSession(where) as monitor:
            for path in ("/health", "/metrics"):
                async with monitor.get(path) as answer:
                    said.append(await answer.text())
        await asyncio.sleep(0.5)  # the time of some failed connections, which the log tells
    finally:
        await daemon.stop()
    assert all(said)
    assert find_canaries("".join(said) + json.dumps(daemon.log)) == []


async def test_the_page_and_the_log_of_the_hub_show_no_secret(tmp_path: Path, places: Mapping[str, str]) -> None:
    keys = await asyncio.to_thread(create_credentials, tmp_path)
    hub = await Daemon.start("hub", *fill((*FLAGS["hub"], "--debug", "--no-zeroconf"), tmp_path), env=places)
    said = []
    try:
        async with aiohttp.ClientSession(await page_of(hub)) as browser:
            for path in (
                "/",
                *(f"/api/v1/{path}" for path in ("keys", "log", "config/intent", "config/satellite", "status")),
            ):
                async with browser.get(path, headers=bearer(keys.admin)) as answer:
                    assert answer.status == HTTPStatus.OK, path
                    said.append(await answer.text())
            async with browser.get("/api/v1/status", headers=bearer(CANARY)) as answer:
                assert answer.status == HTTPStatus.UNAUTHORIZED
                said.append(await answer.text())
    finally:
        await hub.stop()
    assert f"{tmp_path}/SECRET" in said[3]
    everything = "".join(said) + json.dumps(hub.log)
    assert find_canaries(everything) == []
    assert not any(secret in everything for secret in (keys.tablet, keys.monitor, keys.admin))


async def test_the_bus_carries_no_secret(tmp_path: Path, places: Mapping[str, str]) -> None:
    passwords = await asyncio.create_subprocess_exec(
        find_program("mosquitto_passwd"), "-b", "-c", str(tmp_path / "passwords"), "rosie", CANARY
    )
    assert await passwords.wait() == 0
    broker = Mosquitto(tmp_path / "mosquitto", [f"password_file {tmp_path}/passwords", "allow_anonymous false"])
    await broker.started()
    heard: list[str] = []
    listener = PahoMqtt(
        BrokerUrl(f"mqtt://rosie@127.0.0.1:{broker.port}", Secret(CANARY)), "listener", is_persistent=False
    )

    async def note(message: MqttMessage) -> None:
        heard.append(f"{message.topic} {message.payload.decode('latin-1')}")

    listener.subscribe("#", note)
    flags = fill(
        (
            *SATELLITE,
            "--api-port",
            "0",
            "--api-token-file",
            "SECRET",
            "--mqtt",
            f"mqtt://rosie@127.0.0.1:{broker.port}",
        ),
        tmp_path,
    )
    try:
        async with run_beside(listener.run()):
            satellite = await Daemon.start("satellite", *flags, "--no-zeroconf", env=places)
            try:
                await wait_until(lambda: any("status" in message for message in heard))
            finally:
                await satellite.stop()
            await wait_until(lambda: any("offline" in message for message in heard))
    finally:
        await broker.killed()
    assert find_canaries("".join(heard) + json.dumps(satellite.log)) == []


@pytest.mark.parametrize("role", ["bridge", "intent", "satellite"])
async def test_an_error_about_a_secret_does_not_quote_it(role: str, tmp_path: Path, places: Mapping[str, str]) -> None:
    wrong = f"{CANARY}\nof two lines"
    await asyncio.to_thread((tmp_path / "SECRET").write_text, wrong)
    env = {**places, "MQTT_PASSWORD": wrong}
    status, said = await run(f"wyoming-rosie-{role}", *fill(FLAGS[role], tmp_path), env=env)
    assert status == 1
    assert "is empty or has characters that no token or key has" in said
    assert find_canaries(said) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
async def test_no_command_shows_a_secret(words: tuple[str, ...], tmp_path: Path, places: Mapping[str, str]) -> None:
    _, said = await run("wyoming-rosie", *fill(words, tmp_path), env=places)
    assert said
    assert find_canaries(said) == []


async def test_a_backup_without_secrets_has_none(tmp_path: Path, places: Mapping[str, str]) -> None:
    identity = tmp_path / "state" / "wyoming-rosie" / "satellite" / "identity"
    await asyncio.to_thread(identity.mkdir, parents=True)
    for name in ("group-key.json", "member.pem"):
        await asyncio.to_thread((identity / name).write_text, CANARY)
    backup = tmp_path / "house.backup"
    status, said = await run("wyoming-rosie", "backup", str(backup), env=places)
    assert status == 0, said
    content = await asyncio.to_thread(read_members, backup)
    assert f"{tmp_path}/SECRET" in content  # of the settings: what is in the file is found
    assert find_canaries(said + content) == []


def find_canaries(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def read_members(backup: Path) -> str:
    """Return the names and the contents of all that is in a backup."""
    with tarfile.open(backup, "r:gz") as archive:
        files = [(member.name, archive.extractfile(member)) for member in archive.getmembers()]
        return "".join(f"{name}\n{file.read().decode('latin-1') if file else ''}\n" for name, file in files)


async def run(program: str, *words: str, env: Mapping[str, str]) -> tuple[int | None, str]:
    """Return a command's status and all that it prints."""
    process = await asyncio.create_subprocess_exec(
        command(program),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **env},
    )
    async with asyncio.timeout(120):
        said, _ = await process.communicate()
    return process.returncode, said.decode()
