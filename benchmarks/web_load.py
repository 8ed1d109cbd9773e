"""The hub's HTTP API under load and under attack: how fast it answers, and what that does to the voice loop.

    python -m benchmarks.web_load [--pages 50] [--talking 10] [--seconds 20]

A hub runs with scripted daemons that answer at once, so that all time is the hub's. Each phase asks the API ten times a
second in turn, and takes turns at one Wyoming satellite: their time is that from the end of speech to the first sound.
"""

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
from wyoming.event import Event

from tests.daemons import Daemon
from tests.fakes import FakeDaemon, FakeSatellite
from tests.integration.test_hub import asr, intent, tts, vad
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.trust.scopes import Scope

CALLS_PER_SECOND = 10
CHUNK_SECONDS = 0.02
CHUNK = bytes(640)
ATTACKERS = 8
MAX_PAGES = 100
API = "/api/v1"
CALLS = ("GET /health", f"GET {API}/status", f"GET {API}/turns", f"GET {API}/config", f"POST {API}/prompt")


@dataclass
class Measurement:
    """Milliseconds of calls and turns, and the hub's load, in one phase."""

    name: str
    calls: dict[str, list[float]] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)
    cpu_percent: float = 0.0
    memory_mb: float = 0.0

    def __str__(self) -> str:
        every = [ms for times in self.calls.values() for ms in times]
        prompt = self.calls.get(CALLS[-1], [0.0])
        return (
            f"| {self.name} | {_percentiles(every)} | {_percentiles(prompt)} | {_percentiles(self.turns)} "
            f"| {self.cpu_percent:.0f} | {self.memory_mb:.0f} |"
        )


@dataclass(frozen=True)
class LoadedHub:
    """A hub with one satellite, its API, and the key of an administrator."""

    daemon: Daemon
    url: str
    keys: list[str]
    satellite: FakeSatellite

    def open_client(self, address: str, number: int = 0) -> aiohttp.ClientSession:
        """Return a client with an address and a key of its own, since limits hold for each."""
        return aiohttp.ClientSession(
            self.url,
            connector=aiohttp.TCPConnector(local_addr=(address, 0)),
            headers={"Authorization": f"Bearer {self.keys[number]}"},
            timeout=aiohttp.ClientTimeout(60),
        )


@asynccontextmanager
async def open_hub(folder: Path) -> AsyncIterator[LoadedHub]:
    """Start a hub with scripted daemons and one satellite."""
    granted, keys = Access(), []
    for number in range(MAX_PAGES + 1):
        granted, key = granted.add_key(f"client {number}", tuple(Scope))
        keys.append(key)
    access.save(folder / access.FILE_NAME, granted)
    async with AsyncExitStack() as stack:
        satellite = FakeSatellite()
        await stack.enter_async_context(satellite.serving(info=satellite.info))
        uris = []
        for role, answer in (("vad", vad), ("asr", asr), ("intent", intent), ("tts", tts)):
            stage = FakeDaemon(answer)
            await stack.enter_async_context(stage.serving())
            uris += [f"--{role}-uri", stage.uri]
        flags = ("--no-zeroconf", "--data-dir", str(folder), "--satellite", satellite.uri, "--web", "--web.port", "0")
        daemon = await Daemon.start("hub", *flags, *uris)
        stack.push_async_callback(daemon.stop)
        await daemon.wait_for_line("satellite connected")
        url = (await daemon.wait_for_line("page"))["uri"]
        yield LoadedHub(daemon, url, keys, satellite)


async def measure(hub: LoadedHub, name: str, seconds: float) -> Measurement:
    """Call the API and take turns for so long."""
    found, process = Measurement(name), psutil.Process(hub.daemon.process.pid)
    used, began = sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.gather(call_api(hub, found, seconds), take_turns(hub, found, seconds))
    found.cpu_percent = 100 * (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
    found.memory_mb = process.memory_info().rss / 1e6
    return found


async def call_api(hub: LoadedHub, found: Measurement, seconds: float) -> None:
    """Make the calls in turn, at fixed times."""
    deadline = time.monotonic() + seconds
    async with hub.open_client("127.0.0.3") as client:
        for call in itertools.cycle(CALLS):
            began = time.monotonic()
            method, path = call.split()
            body = {"text": "turn on the light"} if method == "POST" else None
            async with client.request(method, path, json=body) as answer:
                await answer.read()
                assert answer.status in (200, 503), (answer.status, await answer.text())
            ended = time.monotonic()
            found.calls.setdefault(call, []).append(1000 * (ended - began))
            if ended > deadline:
                return
            await asyncio.sleep(max(0.0, began + 1 / CALLS_PER_SECOND - ended))


async def take_turns(hub: LoadedHub, found: Measurement, seconds: float) -> None:
    """Speak to the satellite again and again; the hub's own timeline says how long the answer took."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        heard, turn_id = len(hub.satellite.heard), f"{found.name}-{len(found.turns)}"
        await hub.satellite.wake(turn_id)
        await hub.satellite.speak(1.6)
        await hub.satellite.wait_for("audio-stop", after=heard)
        await hub.satellite.send(Event("played"))
        line = await hub.daemon.wait_for_line("turn", turn_id=turn_id, step="first-audio")
        decided = await hub.daemon.wait_for_line("turn", turn_id=turn_id, step="decided")
        found.turns.append(line["ms"] - decided["ms"])


@asynccontextmanager
async def open_pages(hub: LoadedHub, idle: int, talking: int) -> AsyncIterator[None]:
    """Connect pages, of which some send what their microphone hears."""
    async with AsyncExitStack() as stack:
        tasks = []
        for number in range(idle + talking):
            client = await stack.enter_async_context(hub.open_client(f"127.0.2.{number + 1}", number + 1))
            stream = await stack.enter_async_context(client.ws_connect(f"{API}/stream"))
            await stream.send_json({"type": "info", "data": {"satellite": {"name": f"page {number}"}}})
            tasks.append(asyncio.create_task(read_all(stream)))
            if number < talking:
                tasks.append(asyncio.create_task(talk(stream, number)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def open_readers(hub: LoadedHub, count: int) -> AsyncIterator[None]:
    """Read the events of the house, as the page that runs it does."""
    async with AsyncExitStack() as stack:
        tasks = []
        for number in range(count):
            client = await stack.enter_async_context(hub.open_client(f"127.0.4.{number + 1}", number + 1))
            answer = await stack.enter_async_context(client.get(f"{API}/events"))
            assert answer.status == 200, await answer.text()
            tasks.append(asyncio.create_task(read_events(answer)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def read_events(answer: aiohttp.ClientResponse) -> None:
    async for _ in answer.content:
        pass


async def read_all(stream: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in stream:
        pass


async def talk(stream: aiohttp.ClientWebSocketResponse, number: int) -> None:
    """Take one turn after the other, as fast as their answers come."""
    await asyncio.sleep(number * 0.1)
    while True:
        await stream.send_json({"type": "run-pipeline", "data": {"start_stage": "asr", "end_stage": "tts"}})
        for _ in range(100):
            await stream.send_bytes(CHUNK)
            await asyncio.sleep(CHUNK_SECONDS)
        await stream.send_json({"type": "played", "data": {}})


@asynccontextmanager
async def attack(hub: LoadedHub) -> AsyncIterator[None]:
    """Attack the hub from a process of low priority, since attackers have machines of their own."""
    arguments = ("-m", "benchmarks.web_load", "--attack", hub.url)
    attacker = await asyncio.create_subprocess_exec(sys.executable, *arguments, preexec_fn=lambda: os.nice(15) and None)
    try:
        await asyncio.sleep(2)
        yield
    finally:
        attacker.terminate()
        await attacker.wait()


async def attack_forever(url: str) -> None:
    """Flood a hub: requests without pause, bodies of 100 MB, silent connections, and wrong passwords."""
    kinds = (flood, send_large, hold_open, guess)
    await asyncio.gather(
        *(repeat(kinds[number % len(kinds)], url, f"127.0.3.{number + 1}") for number in range(ATTACKERS))
    )


async def repeat(kind: Callable[[str, str], Awaitable[None]], url: str, address: str) -> None:
    while True:
        with suppress(OSError, aiohttp.ClientError):
            await kind(url, address)
        await asyncio.sleep(0.01)


async def flood(url: str, address: str) -> None:
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(local_addr=(address, 0))) as client:
        for _ in range(100):
            async with client.get(f"{API}/status") as answer:
                await answer.read()
            await asyncio.sleep(0.01)  # a hundred requests a second


async def send_large(url: str, address: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port, local_addr=(address, 0))
    head = f"POST {API}/prompt HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    for _ in range(100):
        writer.write(b"100000\r\n" + bytes(0x100000) + b"\r\n")
        await writer.drain()
    writer.close()


async def hold_open(url: str, address: str) -> None:
    port = urlsplit(url).port
    opened = [await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0)) for _ in range(200)]
    await asyncio.sleep(5)
    for _, writer in opened:
        writer.transport.abort()


async def guess(url: str, address: str) -> None:
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(local_addr=(address, 0))) as client:
        async with client.post(f"{API}/session", json={"secret": "guess"}) as answer:
            await answer.read()
        await asyncio.sleep(0.1)


def _percentiles(values: list[float]) -> str:
    if len(values) < 2:
        return "-"
    return f"{statistics.median(values):.1f} / {statistics.quantiles(values, n=20)[-1]:.1f}"


async def main() -> None:
    """Print one row of a table for each phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=50, help="pages that are only open")
    parser.add_argument("--talking", type=int, default=10, help="pages that send audio")
    parser.add_argument("--readers", type=int, default=10, help="clients that read the events of the house")
    parser.add_argument("--seconds", type=float, default=20, help="length of each phase")
    parser.add_argument("--attack", metavar="URL", help="only attack this hub, until stopped")
    options = parser.parse_args()
    if options.attack:
        await attack_forever(options.attack)
    print("| phase | all calls, median / 95 % (ms) | prompt | decided to first sound | CPU % of the hub | RSS MB |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        async with open_hub(Path(folder)) as hub:
            print(await measure(hub, "alone", options.seconds))
            async with open_pages(hub, options.pages, 0):
                print(await measure(hub, f"{options.pages} pages open", options.seconds))
            async with open_pages(hub, options.pages, options.talking):
                print(await measure(hub, f"and {options.talking} talking", options.seconds))
                async with open_readers(hub, options.readers):
                    print(await measure(hub, f"and {options.readers} readers of events", options.seconds))
            async with attack(hub):
                print(await measure(hub, "under attack", options.seconds))
            print(await measure(hub, "after it", options.seconds))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
