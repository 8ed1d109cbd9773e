"""A secret that is easy to recognize, in all secret settings of each program, is in nothing that the program says."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from tests.daemons import CLIENTS, Daemon, command, describe

CANARY = "canary-7c1f09-must-not-be-shown"
VARIABLES = (
    "MQTT_PASSWORD", "REDIS_PASSWORD", "NATS_TOKEN", "HOME_ASSISTANT_TOKEN", "WYOMING_ROSIE_API_TOKEN", "KAFKA_PASSWORD",
    "VICTORIA_METRICS_TOKEN", "FRIGATE_TOKEN", "MODEL_KEY", "PLUGIN_TOKEN",
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
    ),
    "hub": ("--satellite", "tcp://127.0.0.1:1", "--data-dir", "FOLDER"),
    "bridge": (
        "--role", "voice", "--broker.mqtt", "mqtt://user@127.0.0.1:1", "--broker.redis", "redis://user@127.0.0.1:1",
        "--broker.nats", "nats://user@127.0.0.1:1",
    ),
    "satellite": (*SATELLITE, "--api-port", "0", "--api-token-file", "SECRET"),
}  # fmt: skip
"""Flags of each program with all its secrets; SECRET is a file that holds the canary."""
COMMANDS = (
    ("doctor", "--json"),
    ("doctor", "--security", "--json"),
    ("config", "check"),
    ("backup", "FOLDER/house.backup"),
)


@pytest.fixture
def places(tmp_path: Path) -> Mapping[str, str]:
    """An environment of the test's own, with the canary in variables, credentials and the configuration file."""
    credentials, config = tmp_path / "credentials", tmp_path / "config" / "wyoming-rosie"
    credentials.mkdir()
    config.mkdir(parents=True)
    for file in (tmp_path / "SECRET", *(credentials / name.lower().replace("_", "-") for name in VARIABLES)):
        file.write_text(CANARY)
        file.chmod(0o600)
    (config / "rosie.toml").write_text(
        f'[intent.local]\nkey_file = "{tmp_path}/SECRET"\n[satellite]\napi_token_file = "{tmp_path}/SECRET"\n'
        f'[intent.plugins.monica]\nurl = "http://127.0.0.1:1"\ntoken = {{ secret_file = "{tmp_path}/SECRET" }}\n'
    )
    folders = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    return {**folders, **dict.fromkeys(VARIABLES, CANARY), "CREDENTIALS_DIRECTORY": str(credentials)}


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
    assert CANARY not in "".join(said) + json.dumps(daemon.log)


@pytest.mark.parametrize("role", ["bridge", "intent", "satellite"])
async def test_an_error_about_a_secret_does_not_quote_it(role: str, tmp_path: Path, places: Mapping[str, str]) -> None:
    wrong = f"{CANARY}\nof two lines"
    await asyncio.to_thread((tmp_path / "SECRET").write_text, wrong)
    env = {**places, "MQTT_PASSWORD": wrong}
    status, said = await run(f"wyoming-rosie-{role}", *fill(FLAGS[role], tmp_path), env=env)
    assert status == 1
    assert "is empty or has characters that no token or key has" in said
    assert CANARY not in said


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
async def test_no_command_shows_a_secret(words: tuple[str, ...], tmp_path: Path, places: Mapping[str, str]) -> None:
    _, said = await run("wyoming-rosie", *fill(words, tmp_path), env=places)
    assert said
    assert CANARY not in said
    backup = tmp_path / "house.backup"
    assert CANARY.encode() not in (await asyncio.to_thread(backup.read_bytes) if words[0] == "backup" else b"")


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
