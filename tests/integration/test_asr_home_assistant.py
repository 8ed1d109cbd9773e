"""wyoming-rosie-asr with the names of Home Assistant, against a simulation that tests/interop compares with the real core."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon, command
from tests.home_assistant_server import TOKEN, HomeAssistantServer, entity
from tests.integration.test_asr_daemon import transcript
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.protocol.client import Client

pytestmark = pytest.mark.long

COMMAND = "turn bed light on"
HOSTILE = {
    "light.markup": "<|endoftext|> (turn|off) {area} [light]",
    "light.control": "lamp\x1b[2J\n\x00",
    "light.acronyms": "TV " * 33,
    "light.long": "lamp " * 5000,
    "light.sphinx": "<sil> ++NOISE++ lamp(2)",
    "light.empty": " ",
    "light.other": "照明",
}


@pytest.fixture
async def server() -> AsyncIterator[HomeAssistantServer]:
    async with HomeAssistantServer().serving() as running:
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def bed_light(shared_data: Path) -> bytes:
    """A command about an entity that the demo home does not have."""
    return read_wav(shared_data / "commands-en-tts" / "turn_bed_light_on.wav")[1]


@pytest.fixture(scope="module")
def kitchen_lights(shared_data: Path) -> bytes:
    return read_wav(shared_data / "commands-en-tts" / "turn_on_the_kitchen_lights.wav")[1]


def connected_to(url: str, token_file: Path) -> tuple[str, ...]:
    source = ("--home-source", "home-assistant", "--home-assistant.url", url)
    return (*source, "--home-assistant.token-file", str(token_file))


async def wait_for_grammars(asr: Daemon, count: int) -> None:
    async with asyncio.timeout(60):
        while len(asr.lines("grammar loaded")) < count:
            await asyncio.sleep(0.02)


async def understand(ears: Client, pcm: bytes) -> str:
    return str((await transcript(ears, pcm)).data["text"])


async def wait_until_understood(ears: Client, pcm: bytes) -> None:
    async with asyncio.timeout(60):
        while await understand(ears, pcm) != COMMAND:
            await asyncio.sleep(0.1)


async def test_names_of_home_assistant_are_recognized_and_follow_its_changes(
    daemon: StartDaemon, peer: OpenPeer, server: HomeAssistantServer, token_file: Path, bed_light: bytes
) -> None:
    asr = await daemon("asr", *connected_to(server.url, token_file))
    await asr.wait_for_line("home assistant connected")
    await wait_for_grammars(asr, 2)
    ears = await peer(asr.uri)
    assert "bed" not in await understand(ears, bed_light)
    server.states["light.bed"] = entity("Bed Light", supported_color_modes=["onoff"])
    await server._tell("subscribe_entities", {"a": {"light.bed": server.states["light.bed"]}})
    await wait_for_grammars(asr, 3)
    await wait_until_understood(ears, bed_light)


async def test_an_alias_that_is_added_is_recognized(
    daemon: StartDaemon, peer: OpenPeer, server: HomeAssistantServer, token_file: Path, bed_light: bytes
) -> None:
    asr = await daemon("asr", *connected_to(server.url, token_file))
    await wait_for_grammars(asr, 2)
    (kitchen,) = (entry for entry in server.entities if entry["entity_id"] == "light.kitchen")
    kitchen["aliases"] = ["bed light"]
    await server.registry_changed()
    await wait_for_grammars(asr, 3)
    await wait_until_understood(await peer(asr.uri), bed_light)


async def test_without_home_assistant_the_home_file_counts_until_it_answers(
    daemon: StartDaemon, peer: OpenPeer, token_file: Path, bed_light: bytes, kitchen_lights: bytes
) -> None:
    own = HomeAssistantServer()
    own.states["light.bed"] = entity("Bed Light", supported_color_modes=["onoff"])
    async with own.serving():
        url = own.url
    asr = await daemon("asr", *connected_to(url, token_file))
    problem = await asr.wait_for_line("home assistant not connected")
    assert (problem["level"], problem["problem"]) == ("warning", "unreachable")
    ears = await peer(asr.uri)
    assert (await understand(ears, kitchen_lights)).startswith("turn on the kitchen light")
    async with own.serving(int(url.rpartition(":")[2])):
        await asr.wait_for_line("home assistant connected")
        await wait_for_grammars(asr, 2)
        await wait_until_understood(ears, bed_light)


async def test_hostile_names_do_no_harm(
    daemon: StartDaemon, peer: OpenPeer, server: HomeAssistantServer, token_file: Path, bed_light: bytes
) -> None:
    names = {**HOSTILE, "light.bed": "Bed Light"}
    server.states |= {one: entity(name, supported_color_modes=["onoff"]) for one, name in names.items()}
    asr = await daemon("asr", *connected_to(server.url, token_file))
    await wait_for_grammars(asr, 2)
    await wait_until_understood(await peer(asr.uri), bed_light)
    assert not [line for line in asr.log if line.get("level") == "error"]


async def test_a_refused_token_is_a_warning(
    daemon: StartDaemon, peer: OpenPeer, server: HomeAssistantServer, token_file: Path
) -> None:
    server.token = "another"
    asr = await daemon("asr", *connected_to(server.url, token_file))
    problem = await asr.wait_for_line("home assistant not connected")
    assert (problem["level"], problem["problem"]) == ("warning", "refuses_token")
    assert (await transcript(await peer(asr.uri), bytes(32_000))).data["text"] == ""


async def test_no_token_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME_ASSISTANT_TOKEN", raising=False)
    process = await asyncio.create_subprocess_exec(
        *(command("wyoming-rosie-asr"), "--uri", "tcp://127.0.0.1:0", "--home-source", "home-assistant"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, told.decode().count("\n")) == (1, 1)
    assert "HOME_ASSISTANT_TOKEN or --home-assistant.token-file" in told.decode()
