"""What TLS between members costs: CPU time of streamed audio, of a round trip and of a handshake, and a satellite's memory.

TLS and plain take turns in one run; medians. CPU time is that of both ends, except at the wake daemon, which runs alone.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from wyoming.event import Event
from wyoming.info import Info

from benchmarks.describe import load_recording
from tests.daemons import Daemon
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.protocol.server import DaemonServer, Send
from wyoming_rosie.trust import membership
from wyoming_rosie.trust.issuing import issue_local
from wyoming_rosie.trust.membership import Membership

CHUNK_SECONDS = 0.02
STREAMS = 8
STREAM_SECONDS = 8.0
ROUNDS = 5
ROUND_TRIPS = 500
HANDSHAKES = 60
MEBIBYTE = 1024 * 1024
ABOUT = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}


class EchoHandler:
    """Sends each event back, except audio."""

    is_busy = False

    def __init__(self, send: Send) -> None:
        self._send = send

    async def on_event(self, event: Event) -> None:
        if event.type != "audio-chunk":
            await self._send(event)

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Comparison:
    """The same measurements with and without TLS."""

    name: str
    unit: str
    plain: Sequence[float]
    tls: Sequence[float]

    def __str__(self) -> str:
        plain, tls = statistics.median(self.plain), statistics.median(self.tls)
        return f"| {self.name} | {plain:.3f} {self.unit} | {tls:.3f} {self.unit} | {tls - plain:+.3f} {self.unit} |"


async def compare(
    name: str, unit: str, rounds: int, measure: Callable[[str], Awaitable[float]], plain: str, tls: str
) -> Comparison:
    """Measure at both addresses in turn."""
    found: dict[str, list[float]] = {plain: [], tls: []}
    for _ in range(rounds):
        for uri in (plain, tls):
            found[uri].append(await measure(uri))
    return Comparison(name, unit, found[plain], found[tls])


async def stream_audio(uri: str) -> None:
    """Stream a recording in real time."""
    pcm, step = load_recording(), SPEECH.bytes_in(CHUNK_SECONDS)
    pieces = [pcm[start : start + step] for start in range(0, len(pcm) - step, step)]
    loop = asyncio.get_running_loop()
    async with connect(uri) as peer:
        await peer.send(Event("detect"))
        await peer.send(Event("audio-start", ABOUT))
        started = loop.time()
        for number in range(round(STREAM_SECONDS / CHUNK_SECONDS)):
            await peer.send(Event("audio-chunk", ABOUT, pieces[number % len(pieces)]))
            await asyncio.sleep(max(0, started + (number + 1) * CHUNK_SECONDS - loop.time()))


async def measure_stream(uri: str) -> float:
    """Return the milliseconds of CPU time of this process for a second of one stream."""
    before = time.process_time()
    await asyncio.gather(*(stream_audio(uri) for _ in range(STREAMS)))
    return (time.process_time() - before) / STREAMS / STREAM_SECONDS * 1000


async def measure_round_trips(uri: str) -> float:
    """Return the milliseconds of CPU time of a chunk there and back, at both ends."""
    event = Event("echo", ABOUT, bytes(SPEECH.bytes_in(CHUNK_SECONDS)))
    async with connect(uri) as peer:
        before = time.process_time()
        for _ in range(ROUND_TRIPS):
            await peer.send(event)
            await peer.receive()
        return (time.process_time() - before) / ROUND_TRIPS * 1000


async def measure_latency(uri: str) -> float:
    """Return the median of the milliseconds on the clock of a chunk there and back."""
    event = Event("echo", ABOUT, bytes(SPEECH.bytes_in(CHUNK_SECONDS)))
    took = []
    async with connect(uri) as peer:
        for _ in range(ROUND_TRIPS):
            before = time.perf_counter()
            await peer.send(event)
            await peer.receive()
            took.append(time.perf_counter() - before)
    return statistics.median(took) * 1000


async def measure_handshake(uri: str) -> float:
    """Return the milliseconds of CPU time of a connection with its first answer, at both ends."""
    before = time.process_time()
    async with connect(uri) as peer:
        await peer.send(Event("echo"))
        await peer.receive()
    return (time.process_time() - before) * 1000


def cpu_of(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


@asynccontextmanager
async def running(role: str, uri: str, identity: Path, *flags: str) -> AsyncIterator[tuple[str, psutil.Process]]:
    given = ("--identity", str(identity)) if uri.startswith("tls") else ()
    server = await Daemon.start(role, "--uri", uri, *given, *flags)
    try:
        yield server.uri, psutil.Process(server.process.pid)
    finally:
        await server.stop()


async def compare_wake(identity: Path) -> Comparison:
    """Compare the milliseconds of CPU time of the wake daemon for a second of one stream."""
    async with AsyncExitStack() as stack:
        processes = {}
        for scheme in ("tcp", "tls"):
            uri, process = await stack.enter_async_context(running("wake", f"{scheme}://127.0.0.1:0", identity))
            processes[uri] = process

        async def measure(uri: str) -> float:
            before = cpu_of(processes[uri])
            await asyncio.gather(*(stream_audio(uri) for _ in range(STREAMS)))
            return (cpu_of(processes[uri]) - before) / STREAMS / STREAM_SECONDS * 1000

        plain, tls = processes
        for uri in processes:
            await measure(uri)
        return await compare("a second of audio at the wake daemon, CPU", "ms", ROUNDS, measure, plain, tls)


async def compare_memory(identity: Path) -> Comparison:
    """Compare the memory of a satellite that a conductor has described, as RSS."""
    devices = ("--mic-command", "sleep 600", "--snd", "wav:/dev/null")

    async def measure(uri: str) -> float:
        async with AsyncExitStack() as stack:
            bound, process = await stack.enter_async_context(running("satellite", uri, identity, *devices))
            peer = await stack.enter_async_context(connect(bound, 20.0))
            await peer.send(Event("describe"))
            await peer.wait_for("info", seconds=20.0)
            return float(process.memory_info().rss) / MEBIBYTE

    return await compare("memory of a satellite", "MB", 3, measure, "tcp://127.0.0.1:0", "tls://127.0.0.1:0")


async def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for role in ("hub", "wake", "satellite", "asr"):
            await asyncio.to_thread(issue_local, folder / "tls", role, role, folder / role)
        membership.use(await asyncio.to_thread(Membership.load, folder / "hub"))
        own = await asyncio.to_thread(Membership.load, folder / "asr")
        server = DaemonServer("echo", Info(), EchoHandler)
        async with server.listening("tcp://127.0.0.1:0") as plain, server.listening("tls://127.0.0.1:0", own) as tls:
            both = str(plain), str(tls)
            print(await compare("a chunk there and back, CPU", "ms", ROUNDS, measure_round_trips, *both))
            print(await compare("a chunk there and back, clock", "ms", ROUNDS, measure_latency, *both))
            print(await compare("a connection and its first answer, CPU", "ms", HANDSHAKES, measure_handshake, *both))
            print(await compare("a second of streamed audio, CPU", "ms", ROUNDS, measure_stream, *both))
        await server.drain(0)
        print(await compare_wake(folder / "wake"))
        print(await compare_memory(folder / "satellite"))


if __name__ == "__main__":
    asyncio.run(main())
