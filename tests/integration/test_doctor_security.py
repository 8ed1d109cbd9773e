"""`wyoming-rosie doctor --security` beside running programs, with files and settings of the test's own."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import command
from tests.houses import House

CANARY = "canary-5e21f0-must-not-be-shown"


async def examine(folder: Path, *flags: str) -> tuple[int, str]:
    places = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
    process = await asyncio.create_subprocess_exec(
        *(command("wyoming-rosie"), "doctor", "--security", *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **places, "MQTT_PASSWORD": CANARY, "HOME_ASSISTANT_TOKEN": CANARY},
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def write_settings(folder: Path, text: str) -> None:
    place = folder / "config" / "wyoming-rosie" / "rosie.toml"
    place.parent.mkdir(parents=True)
    place.write_text(text, "utf-8")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(CANARY, "utf-8")
    file.chmod(0o604)
    write_settings(
        tmp_path,
        f'[intent]\nactor = "home-assistant"\n[intent.home_assistant]\ntoken_file = "{file}"\n'
        f'[bridge.broker]\nmqtt = "mqtt://user:{CANARY}@192.0.2.77"\n',
    )
    return file


async def test_a_listener_is_listed_with_what_answers_there(tmp_path: Path, daemon: StartDaemon) -> None:
    running = await daemon("vad")
    port = int(running.uri.rpartition(":")[2])
    _, printed = await examine(tmp_path, "--json")
    report: dict[str, Any] = json.loads(printed)
    (listener,) = [one for one in report["listeners"] if one["port"] == port]
    assert (listener["role"], listener["protection"], listener["open_to"]) == ("vad", "plain", "this machine")


async def test_the_plain_port_of_a_member_is_told_with_the_machines_that_it_admits(
    tmp_path: Path, daemon: StartDaemon
) -> None:
    folder = await asyncio.to_thread(House(tmp_path / "house").add, "vad", "vad")
    running = await daemon(
        "vad", "--uri", "tcp://0.0.0.0:0", "--tls-port", str(free_port()), "--identity", str(folder), "--no-zeroconf",
        "--plain", "192.0.2.8",
    )  # fmt: skip
    port = int(running.uri.rpartition(":")[2])
    _, printed = await examine(tmp_path, "--json")
    report: dict[str, Any] = json.loads(printed)
    (listener,) = [one for one in report["listeners"] if one["port"] == port]
    assert (listener["protection"], listener["open_to"]) == ("plain", "this machine, 192.0.2.8")
    (finding,) = [one for one in report["findings"] if f"port {port} " in one["fault"]]
    assert finding["severity"] == "low"


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
async def test_faults_of_files_and_brokers_end_with_status_1_and_no_secret_is_shown(
    tmp_path: Path, secret: Path, flags: tuple[str, ...]
) -> None:
    status, printed = await examine(tmp_path, *flags)
    assert status == 1
    assert f"chmod 600 {secret}" in printed
    assert "mqtt broker on another machine without TLS" in printed
    assert "writes no audit file" in printed
    assert CANARY not in printed


async def test_settings_that_cannot_be_read_are_told_without_their_content(tmp_path: Path) -> None:
    write_settings(tmp_path, f'[intent]\ntoken = "{CANARY}\n')
    _, printed = await examine(tmp_path)
    assert "cannot be read as settings" in printed
    assert CANARY not in printed
