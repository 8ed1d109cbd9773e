"""Latency of `describe` on a separate connection, while other clients keep a daemon's engine busy."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.commands.processes import run_server
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.protocol.wire import EventStream

PEERS = 4
QUESTIONS = 400
PAUSE_SECONDS = 0.01
LONG_TEXT = "The quick brown fox jumps over the lazy dog. " * 40
SENTENCES = (
    "turn on the kitchen light",
    "what time is it",
    "set the bed light to 50 percent",
    "sing me a song of six pence",
)


def load_recording() -> bytes:
    """Return the demo's recording as speech PCM."""
    audio, pcm = read_wav(RECORDING)
    return Converter(audio, SPEECH).convert(pcm)


def audio_events(pcm: bytes, seconds: float = 0.08) -> list[Event]:
    """Return the events of an utterance."""
    about = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
    step = SPEECH.bytes_in(seconds)
    chunks = [Event("audio-chunk", about, pcm[start : start + step]) for start in range(0, len(pcm), step)]
    return [Event("audio-start", about), *chunks, Event("audio-stop")]


async def stream_forever(peer: Client) -> None:
    """Send speech as fast as the daemon takes it."""
    pieces = audio_events(load_recording())[:-1]
    await peer.send(pieces[0])
    while True:
        for piece in pieces[1:]:
            await peer.send(piece)


async def detect_wake_words(peer: Client) -> None:
    await peer.send(Event("detect"))
    await stream_forever(peer)


async def transcribe(peer: Client) -> None:
    for event in (Event("transcribe"), *audio_events(load_recording())):
        await peer.send(event)
    await peer.wait_for("transcript", seconds=60)


async def recognize_intents(peer: Client) -> None:
    for text in SENTENCES:
        await peer.send(Event("transcript", {"text": text}))
        await peer.wait_for("handled", "not-recognized", "not-handled", "intent", seconds=60)


async def synthesize(peer: Client) -> None:
    await peer.send(Event("synthesize", {"text": LONG_TEXT}))
    await peer.wait_for("audio-stop", seconds=60)


WORK: dict[str, Callable[[Client], Awaitable[None]]] = {
    "wake": detect_wake_words,
    "vad": stream_forever,
    "asr": transcribe,
    "intent": recognize_intents,
    "tts": synthesize,
}


async def keep_busy(uri: str, work: Callable[[Client], Awaitable[None]]) -> None:
    while True:
        with suppress(UnreachableError):
            async with connect(uri) as peer:
                while True:
                    await work(peer)


async def measure_describe(uri: str) -> list[float]:
    """Return the latency of each `describe` in milliseconds, on one connection."""
    loop = asyncio.get_running_loop()
    times = []
    host, port = uri.removeprefix("tcp://").rsplit(":", 1)
    _, stream = await loop.create_connection(EventStream, host, int(port))
    for _ in range(QUESTIONS):
        begun = time.perf_counter()
        await stream.write(Event("describe"))
        await stream.read()
        times.append(1000 * (time.perf_counter() - begun))
        await asyncio.sleep(PAUSE_SECONDS)
    stream.abort()
    return times


async def measure(role: str) -> dict[str, object]:
    async with run_server(role) as process:
        idle = await measure_describe(process.uri)
        crowd = await asyncio.create_subprocess_exec(sys.executable, __file__, "--load", role, process.uri)
        await asyncio.sleep(2)
        busy = await measure_describe(process.uri)
        crowd.kill()
        await crowd.wait()
    return {
        "role": role,
        "idle_p50_ms": median(idle),
        "busy_p50_ms": median(busy),
        "busy_p99_ms": percentile_99(busy),
        "busy_max_ms": max(busy),
    }


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


def percentile_99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


async def run_load(role: str, uri: str) -> None:
    await asyncio.gather(*(keep_busy(uri, WORK[role]) for _ in range(PEERS)))


def main() -> None:
    if "--load" in sys.argv:  # the load stands for other machines, so it must not take CPU time from the daemon
        os.nice(10)
        role, uri = sys.argv[sys.argv.index("--load") + 1 :]
        asyncio.run(run_load(role, uri))
        return
    rows = [
        asyncio.run(measure(role)) for role in WORK if not sys.argv[1:] or role in sys.argv[1:] or "--json" in sys.argv
    ]
    if "--json" in sys.argv:
        print(json.dumps(rows))
        return
    print(
        f"| daemon | describe idle, median ms | busy with {PEERS} peers: median | 99 % | worst |\n|---|---|---|---|---|"
    )
    for row in rows:
        figures = " | ".join(
            f"{row[name]:.2f}" for name in ("idle_p50_ms", "busy_p50_ms", "busy_p99_ms", "busy_max_ms")
        )
        print(f"| {row['role']} | {figures} |")


if __name__ == "__main__":
    main()
