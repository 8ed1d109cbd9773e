"""A backup over the hub's HTTP API, and by the command, while the hub runs."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import StartDaemon
from tests.daemons import command
from tests.web_client import Credentials, bearer, create_credentials, page_of, start_web
from wyoming_rosie.backup.archive import open_backup, write_backup
from wyoming_rosie.backup.parts import BackupPart

pytestmark = pytest.mark.long

BACKUP, RESTORE, TIMERS = "/api/v1/backup", "/api/v1/restore", "/api/v1/timers"
TIMER = {
    "id": "1",
    "satellite_id": "kitchen",
    "seconds": 600.0,
    "name": "pasta",
    "ends_at": 4e9,
    "left_when_paused": 0.0,
    "area": "Kitchen",
    "command": None,
}
SETTINGS = '[hub]\nlanguage = "de"\n'


@dataclass(frozen=True)
class RunningHub:
    """A hub with keys, its folder, its settings, and a client without a key."""

    credentials: Credentials
    folder: Path
    settings: Path
    client: aiohttp.ClientSession


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    """Keys of a hub that has timers and settings."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "rosie.toml").write_text(SETTINGS)
    created = create_credentials(tmp_path / "hub")
    (tmp_path / "hub" / "timers.json").write_text('{"timers": [], "gone": []}')
    return created


@pytest.fixture
async def hub(daemon: StartDaemon, credentials: Credentials, tmp_path: Path) -> AsyncIterator[RunningHub]:
    settings = tmp_path / "etc" / "rosie.toml"
    running = await start_web(daemon, "--data-dir", str(tmp_path / "hub"), "--config", str(settings))
    async with aiohttp.ClientSession(await page_of(running), timeout=aiohttp.ClientTimeout(60)) as client:
        yield RunningHub(credentials, tmp_path / "hub", settings, client)


async def download(hub: RunningHub) -> bytes:
    async with hub.client.get(BACKUP, headers=bearer(hub.credentials.admin)) as answer:
        assert (answer.status, answer.content_type) == (200, "application/gzip")
        assert "rosie-" in answer.headers["Content-Disposition"]
        return await answer.read()


async def parts_of(file: Path) -> dict[str, bytes]:
    def read() -> dict[str, bytes]:
        with open_backup(file) as opened:
            return {name: path.read_bytes() for name, path in opened.files.items()}

    return await asyncio.to_thread(read)


async def test_a_downloaded_backup_is_restored_and_keeps_what_it_replaced(hub: RunningHub, tmp_path: Path) -> None:
    content = await download(hub)
    (tmp_path / "b").write_bytes(content)
    assert {"settings/rosie.toml", "hub/timers.json", "hub/access.json"} <= set(await parts_of(tmp_path / "b"))
    hub.settings.write_text('[hub]\nlanguage = "fr"\n')
    async with hub.client.post(RESTORE, data=content, headers=bearer(hub.credentials.admin)) as answer:
        assert answer.status == 200, await answer.text()
        restored = await answer.json()
    assert hub.settings.read_text() == SETTINGS
    assert "settings/rosie.toml" in restored["restored"]
    assert "hub" in restored["needs_restart"]
    assert b"fr" in (await parts_of(Path(restored["replaced"])))["settings/rosie.toml"]
    assert [path for path in hub.folder.rglob(".*") if path.is_file()] == []  # nothing of the download is left
    async with hub.client.get(TIMERS, headers=bearer(hub.credentials.tablet)) as answer:
        assert answer.status == 200


async def test_a_running_hub_goes_on_with_the_timers_that_were_restored(hub: RunningHub, tmp_path: Path) -> None:
    content = await asyncio.to_thread(create_backup_of_timer, tmp_path)
    async with hub.client.post(RESTORE, data=content, headers=bearer(hub.credentials.admin)) as answer:
        assert answer.status == 200, await answer.text()
    assert await names_of_timers(hub) == ["pasta"]
    async with hub.client.delete(f"{TIMERS}/{TIMER['id']}", headers=bearer(hub.credentials.admin)) as answer:
        assert answer.status in (200, 204), await answer.text()
    assert json.loads((hub.folder / "timers.json").read_text())["timers"] == []


def create_backup_of_timer(folder: Path) -> bytes:
    (folder / "timers.json").write_text(json.dumps({"timers": [TIMER], "gone": []}))
    write_backup([BackupPart("hub/timers.json", folder / "timers.json")], folder / "timers.tar.gz")
    return (folder / "timers.tar.gz").read_bytes()


async def names_of_timers(hub: RunningHub) -> list[str]:
    async with hub.client.get(TIMERS, headers=bearer(hub.credentials.admin)) as answer:
        return [timer["name"] for timer in await answer.json()]


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [(b"hello", 422, "no backup"), (b"", 422, "no backup"), (bytes(1 << 20), 422, "no backup")],
    ids=["text", "nothing", "zeros"],
)
async def test_a_file_that_is_none_is_refused_with_a_sentence(
    hub: RunningHub, content: bytes, status: int, sentence: str
) -> None:
    async with hub.client.post(RESTORE, data=content, headers=bearer(hub.credentials.admin)) as answer:
        assert answer.status == status
        assert sentence in (await answer.json())["error"]
    assert hub.settings.read_text() == SETTINGS


async def test_a_file_that_is_too_large_is_refused(hub: RunningHub) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield bytes(1 << 20)

    async with hub.client.post(RESTORE, data=endless(), headers=bearer(hub.credentials.admin)) as answer:
        assert answer.status == 413


async def test_only_the_administrator_makes_and_restores_backups(hub: RunningHub) -> None:
    for headers, status in (({}, 401), (bearer(hub.credentials.tablet), 403)):
        async with hub.client.get(BACKUP, headers=headers) as answer:
            assert answer.status == status
        async with hub.client.post(RESTORE, data=b"x", headers=headers) as answer:
            assert answer.status == status


async def test_the_command_backs_up_a_running_hub_and_restores_on_another_machine(
    hub: RunningHub, tmp_path: Path
) -> None:
    old = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    settings = tmp_path / "config" / "wyoming-rosie" / "rosie.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[hub]\ndata_dir = "{hub.folder}"\n')
    secret = {**old, "BACKUP_PASSPHRASE": "correct horse"}
    file = await run(secret, "backup", "--secrets", str(tmp_path))
    assert file.startswith(str(tmp_path / "rosie-"))
    (hub.folder / "timers.json").write_text('{"timers": ["newer"]}')
    assert "passphrase is wrong" in await run({**old, "BACKUP_PASSPHRASE": "wrong horse"}, "restore", file, status=1)
    assert "newer" in (hub.folder / "timers.json").read_text()
    assert "Restart: " in await run(secret, "restore", file)
    assert json.loads((hub.folder / "timers.json").read_text())["timers"] == []


async def run(environment: dict[str, str], *arguments: str, status: int = 0) -> str:
    """Return the last line that a command prints."""
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"),
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == status, err.decode()
    return (out or err).decode().splitlines()[-1]
