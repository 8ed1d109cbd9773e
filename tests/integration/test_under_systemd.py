"""Daemons do what systemd expects of Type=notify, WatchdogSec=, LoadCredential= and socket activation."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemons import command
from wyoming_rosie.protocol.client import describe
from wyoming_rosie.runtime.secrets import read_secret_variable

SECONDS = 60.0


class Supervisor:
    """The socket on which systemd hears its services."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    async def hear(self, wanted: str) -> None:
        async with asyncio.timeout(SECONDS):
            while (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode() != wanted:
                pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "notify")
    yield made
    made.close()


@asynccontextmanager
async def service(
    *words: str, environment: Mapping[str, str], opened: socket.socket | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a daemon as systemd would, with a socket as descriptor 3; it must end with status 0."""
    fd = opened.fileno() if opened else -1
    line = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{fd}' if opened else 'exec "$@"'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, "service", *words, env={**os.environ, **environment}, pass_fds=[fd] if opened else []
    )
    try:
        yield process
    finally:
        process.terminate()
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0


async def test_it_says_when_it_is_ready_and_that_its_loop_runs_and_when_it_stops(supervisor: Supervisor) -> None:
    environment = {"NOTIFY_SOCKET": str(supervisor.path), "WATCHDOG_USEC": "300000"}
    async with service(command("wyoming-rosie-vad"), "--uri", "tcp://127.0.0.1:0", environment=environment):
        await supervisor.hear("READY=1")
        await supervisor.hear("WATCHDOG=1")
        await supervisor.hear("WATCHDOG=1")
    await supervisor.hear("STOPPING=1")


async def test_it_serves_the_socket_that_was_opened_for_it(supervisor: Supervisor) -> None:
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    opened.listen()
    environment = {"NOTIFY_SOCKET": str(supervisor.path)}
    async with service(command("wyoming-rosie-vad"), environment=environment, opened=opened):
        port = opened.getsockname()[1]
        opened.close()
        async with asyncio.timeout(SECONDS):
            assert await describe(f"tcp://127.0.0.1:{port}", SECONDS)


@pytest.mark.parametrize("name", ["mqtt-password", "rosie_mqtt-password"])
def test_a_secret_comes_from_a_credential_where_the_environment_has_none(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text("open sesame\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret_variable("MQTT_PASSWORD") == "open sesame"
    assert read_secret_variable("REDIS_PASSWORD") is None
    monkeypatch.setenv("MQTT_PASSWORD", "other")
    assert read_secret_variable("MQTT_PASSWORD") == "other"
