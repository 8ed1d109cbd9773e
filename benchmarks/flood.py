"""How much a client that sends too much slows others: `describe` and a whole request, with and without the flood.

Clients are on another host, a network namespace, each at an address of its own. Three cases take turns in one run: no flood,
the flood at a second daemon, which tells what it costs the machine, and the flood at the same daemon; needs root. The
flood has a low priority, since another machine's would take none of this one's processor.

    sudo python benchmarks/flood.py [ROLE ...]       FLOOD_REQUESTS=5 for a short run
    sudo python benchmarks/flood.py --connects       10,000 connections a second
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
from wyoming.event import Event

from benchmarks.describe import WORK, load_recording
from benchmarks.load import percentile
from tests.daemons import Daemon
from tests.two_hosts import FAR, NEAR, NEAR_ADDRESS, ip, on_host, two_hosts
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.protocol.wire import EventStream, encode

ROOT = Path(__file__).parents[1]
PORT, SECOND_PORT = 10_996, 10_995
HONEST, HOSTILE = "10.99.7.3", "10.99.7.4"
ROUNDS = 3
REQUESTS = int(os.environ.get("FLOOD_REQUESTS", "40"))
PAUSE_SECONDS = 0.25
"""With a shorter pause the honest client would be over its own budget of five turns a second."""
CONNECTS_PER_SECOND = 10_000
ABOUT = {"rate": 16_000, "width": 2, "channels": 1}
FIRST = {"wake": Event("detect"), "satellite": Event("run-satellite"), "asr": Event("transcribe")}
HEARS = {"wake": SPEECH.bytes_in(1.0), "vad": SPEECH.bytes_in(1.0), "asr": SPEECH.bytes_in(10.0)}
"""Daemons that are asked with a recording, of which they get so much at once; it has 3.3 s."""
SATELLITE = ("--mic-command", "sleep 600", "--snd-command", "cat")
TURN = {
    "intent": Event("transcript", {"text": "turn on the kitchen light"}),
    "tts": Event("synthesize", {"text": "The light is on."}),
}
ANSWERS = ("handled", "not-handled", "audio-stop", "transcript", "detection", "not-detected", "voice-stopped", "error")


async def flood(connections: int = 32) -> None:
    """Send audio, utterances or sentences without end, and connect again when refused."""
    role, port = sys.argv[2], int(sys.argv[3])
    await asyncio.gather(*(_flood_once(role, port) for _ in range(connections)))


async def _flood_once(role: str, port: int) -> None:
    while True:
        stream = await _connect(HOSTILE, port)
        reading = asyncio.create_task(_discard(stream))
        try:
            if role in TURN:
                while True:
                    await stream.write(TURN[role])
            while role == "asr":
                await _speak(stream, role)
            if role in FIRST:
                await stream.write(FIRST[role])
            await stream.write(Event("audio-start", ABOUT))
            chunk = encode(Event("audio-chunk", ABOUT, load_recording()[:32_000]))
            while True:
                await stream.write_encoded(chunk)
        except ConnectionError:
            await asyncio.sleep(0.1)
        finally:
            reading.cancel()
            stream.abort()


async def _discard(stream: EventStream) -> None:
    while await stream.read() is not None:
        pass
    stream.abort()


async def _connect(source: str, port: int = PORT) -> EventStream:
    loop = asyncio.get_running_loop()
    _, stream = await loop.create_connection(EventStream, NEAR_ADDRESS, port, local_addr=(source, 0))
    return stream


def connect_without_end() -> None:
    """Connect at a fixed rate, and close at once."""
    port = int(sys.argv[3])
    begun, number = time.monotonic(), 0
    while True:
        for _ in range(max(0, int((time.monotonic() - begun) * CONNECTS_PER_SECOND) - number)):
            number += 1
            with socket.socket() as one:
                one.bind((HOSTILE, 0))
                one.setblocking(False)
                one.connect_ex((NEAR_ADDRESS, port))
        time.sleep(0.001)


async def measure(role: str) -> None:
    """Print the milliseconds of `describe` and of a request, and of those that were refused, as JSON."""
    times: dict[str, list[float]] = {"describe": [], "request": [], "refused": []}
    for _ in range(REQUESTS):
        stream = await _connect(HONEST)
        begun = time.perf_counter()
        await stream.write(Event("describe"))
        await stream.read()
        times["describe"].append(1000 * (time.perf_counter() - begun))
        if role in TURN or role in HEARS:
            begun = time.perf_counter()
            await (_speak(stream, role) if role in HEARS else stream.write(TURN[role]))
            while (event := await stream.read()) is not None and event.type not in ANSWERS:
                pass
            kind = "request" if event is not None and event.type != "error" else "refused"
            times[kind].append(1000 * (time.perf_counter() - begun))
        stream.abort()
        await asyncio.sleep(PAUSE_SECONDS)
    print(json.dumps(times))


async def _speak(stream: EventStream, role: str) -> None:
    for event in (
        *([FIRST[role]] if role in FIRST else ()),
        Event("audio-start", ABOUT),
        Event("audio-chunk", ABOUT, load_recording()[: HEARS[role]]),
        Event("audio-stop"),
    ):
        await stream.write(event)


@asynccontextmanager
async def flooding(*arguments: str) -> AsyncIterator[None]:
    program = await asyncio.create_subprocess_exec("nice", *_far(*arguments), cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        await asyncio.sleep(3)
        yield
    finally:
        program.kill()
        await program.wait()


async def ask(role: str) -> dict[str, list[float]]:
    program = await asyncio.create_subprocess_exec(*_far("--ask", role), cwd=ROOT, stdout=subprocess.PIPE)
    printed, _ = await program.communicate()
    found: dict[str, list[float]] = json.loads(printed)
    return found


def _far(*arguments: str) -> Sequence[str]:
    return (*on_host(FAR), sys.executable, "-m", "benchmarks.flood", *arguments)


async def compare(role: str, kind: str, *, extra: Sequence[str] = ()) -> None:
    """Print a line for `describe` and for a request of a daemon, with a flood of this kind."""
    daemons = [await _start(role, port, extra) for port in (PORT, SECOND_PORT)]
    process = psutil.Process(daemons[0].process.pid)
    alone, elsewhere, beside = (defaultdict[str, list[float]](list) for _ in range(3))
    used = wall = 0.0
    try:
        await ask(role)
        for _ in range(ROUNDS):
            _extend(alone, await ask(role))
            async with flooding(kind, role, str(SECOND_PORT)):
                _extend(elsewhere, await ask(role))
            async with flooding(kind, role, str(PORT)):
                cpu, begun = sum(process.cpu_times()[:2]), time.monotonic()
                _extend(beside, await ask(role))
                used += sum(process.cpu_times()[:2]) - cpu
                wall += time.monotonic() - begun
    finally:
        for daemon in daemons:
            await daemon.stop()
    for answer in ("describe", "request"):
        if alone[answer] and beside[answer]:
            found = [times[answer] for times in (alone, elsewhere, beside)]
            cells = " | ".join(f"{percentile(values, 50):.1f}, {percentile(values, 95):.1f}" for values in found)
            medians, ends = ([percentile(values, percent) for values in found] for percent in (50, 95))
            ratios = f"{medians[2] / medians[0]:.2f}, {ends[2] / ends[0]:.2f} | {ends[2] / ends[1]:.2f}"
            print(f"| {role} | {answer} | {cells} | {ratios} | {100 * used / wall:.0f} % |", flush=True)
    asked = len(beside["request"]) + len(beside["refused"])
    if beside["refused"]:
        print(
            f"| {role} | refused | {len(alone['refused'])} | | {len(beside['refused'])} of {asked} | | | |", flush=True
        )


async def _start(role: str, port: int, extra: Sequence[str]) -> Daemon:
    uri = ("--uri", f"tcp://0.0.0.0:{port}", "--no-zeroconf", *extra)
    return await Daemon.start(role, *(SATELLITE if role == "satellite" else ()), *uri, prefix=on_host(NEAR))


def _extend(times: dict[str, list[float]], more: dict[str, list[float]]) -> None:
    for kind, values in more.items():
        times[kind] += values


async def main() -> None:
    print(
        "| daemon | | no flood: median, p95 in ms | at a second daemon | at this one | ratios | p95 to second's | CPU |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with two_hosts():
        for address in (HONEST, HOSTILE):
            ip("-n", FAR, "addr", "add", f"{address}/24", "dev", "cable")
        if "--connects" in sys.argv:
            await compare("vad", "--connect")
            return
        extra = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
        roles = [one for one in sys.argv[1:] if one in WORK or one == "satellite"]
        for role in roles or [*WORK, "satellite"]:
            await compare(role, "--flood", extra=extra)


if __name__ == "__main__":
    match sys.argv[1:2]:
        case ["--flood"]:
            asyncio.run(flood())
        case ["--connect"]:
            connect_without_end()
        case ["--ask"]:
            asyncio.run(measure(sys.argv[2]))
        case _:
            asyncio.run(main())
