"""Servers under measurement as child processes, with their CPU time and memory."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import psutil
from wyoming.event import Event

from benchmarks import load
from benchmarks.load import DescribeClient

READY_SECONDS = 60.0
STOP_SECONDS = 5.0
IDLE_CPU = 0.1  # of a core
LONGEST_IDLE_WAIT_SECONDS = 120.0
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class PeerServer:
    """A program to measure, which takes `--uri`; `alone` excludes its child processes."""

    name: str
    command: tuple[str, ...]
    alone: bool = False


@dataclass(frozen=True)
class CpuUsage:
    """CPU time of the server in seconds, and of all programs but it and this client in % of a core."""

    seconds: float
    server: float
    others_percent: float

    def __str__(self) -> str:
        return f"others {self.others_percent:.0f} % of a core"


class RunningServer:
    """A server's process tree."""

    def __init__(self, server: PeerServer, port: int, pid: int) -> None:
        self.port = port
        self.models: list[str] = []
        self._server = server
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        return sum(_cpu_seconds(process.pid) for process in self._tree())

    def memory(self) -> tuple[float, float]:
        """Return RSS and PSS in MB; PSS counts shared memory proportionally."""
        every = [process.memory_full_info() for process in self._tree()]
        return sum(one.rss for one in every) / MEBIBYTE, sum(one.pss for one in every) / MEBIBYTE

    async def wait_until_idle(self) -> None:
        """Wait until the server uses less than IDLE_CPU."""
        for _ in range(round(2 * LONGEST_IDLE_WAIT_SECONDS)):
            before = self.cpu_seconds()
            await asyncio.sleep(0.5)
            if self.cpu_seconds() - before < 0.5 * IDLE_CPU:
                return

    async def wait_until_installed(self) -> None:
        """Wait until the server's info has installed models, and store their names."""
        async with asyncio.timeout(READY_SECONDS):
            while not self.models:
                if not self._process.is_running():
                    raise ChildProcessError(f"the server ended before it was ready: {' '.join(self._server.command)}")
                await asyncio.sleep(0.1)
                with suppress(OSError):
                    self.models = await _fetch_models(self.port)

    def _tree(self) -> list[psutil.Process]:
        return [self._process, *([] if self._server.alone else self._process.children(recursive=True))]


class CpuMeter:
    """Measures CPU usage from its creation on."""

    def __init__(self, running: RunningServer) -> None:
        self._running = running
        self._begun = self._now()

    def read(self) -> CpuUsage:
        wall, server, own, machine = (now - begun for now, begun in zip(self._now(), self._begun, strict=True))
        return CpuUsage(wall, server, max(0.0, 100 * (machine - server - own) / wall))

    def _now(self) -> tuple[float, float, float, float]:
        machine = psutil.cpu_times()
        busy = sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice  # those are in user
        return time.monotonic(), self._running.cpu_seconds(), time.process_time(), busy


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its threads; psutil's resolution of 10 ms is too coarse here."""
    return time.clock_gettime(~pid << 3 | 2)  # Linux' number for clock_getcpuclockid(pid)


async def _fetch_models(port: int) -> list[str]:
    asker = await load.connect(port, DescribeClient())
    try:
        await asker.send_requests(0.1, 0.1)
        await asyncio.sleep(0.2)
        return [name for info in asker.infos for name in _installed_names(info)]
    finally:
        asker.close()


def _installed_names(info: Event) -> list[str]:
    """Return the names of a server's models and voices, or of a satellite."""
    if satellite := info.data.get("satellite"):
        return [satellite["name"]]
    programs = [program for role in info.data.values() if isinstance(role, list) for program in role]
    offered = [one for program in programs for one in (*program.get("models", ()), *program.get("voices", ()))]
    return [one["name"] for one in offered if one["installed"]]


@asynccontextmanager
async def run_server(server: PeerServer, core: int | None = None) -> AsyncIterator[RunningServer]:
    """Run a server during the block, on one core if one is given."""
    port = _free_port()
    command = (*server.command, "--uri", f"tcp://127.0.0.1:{port}")
    quiet = asyncio.subprocess.DEVNULL
    with pin_to_core(core):  # a child inherits it
        child = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        found = RunningServer(server, port, child.pid)
        await found.wait_until_installed()
        yield found
    finally:
        await _stop(child)


async def _stop(child: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
    except TimeoutError:
        with suppress(ProcessLookupError):  # it has just ended
            child.kill()
        await child.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def pin_to_core(core: int | None) -> Iterator[None]:
    """Pin this process, and the children started in the block, to one core if one is given."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
