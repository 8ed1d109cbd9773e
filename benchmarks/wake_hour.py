"""Memory of the wake daemon during an hour of audio from one peer, and after many short streams.

    python benchmarks/wake_hour.py [--engine micro|openwakeword] [--speed 10] [--minutes 60]

The audio is silence, at `speed` times real time. The daemon's last answer is printed.
"""

import argparse
import asyncio
import time

import psutil
from wyoming.audio import AudioChunk, AudioStart, AudioStop

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.commands.processes import run_server
from wyoming_rosie.protocol.client import Client, connect

CHUNK_SECONDS = 0.1
LOOK_MINUTES = (1, 10, 20, 30, 40, 50, 60)
STREAMS = 200
FORM = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="openwakeword")
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--minutes", type=int, default=60)
    given = parser.parse_args()
    started: list[int] = []
    before = set(psutil.pids())
    async with run_server("wake", "--engine", given.engine) as process:
        started = [pid for pid in psutil.pids() if pid not in before and "wyoming-rosie-wake" in _command(pid)]
        daemon = psutil.Process(started[0])
        print(f"| {given.engine}: audio so far | RSS MB |\n|---|---|\n| none | {_megabytes(daemon):.1f} |")
        async with connect(process.uri) as peer:
            answer = await _send(peer, daemon, given.minutes, given.speed)
        for _ in range(STREAMS):
            async with connect(process.uri) as peer:
                await peer.send(AudioStart(**FORM).event())
                await peer.send(AudioChunk(**FORM, audio=bytes(SPEECH.bytes_in(1))).event())
        print(
            f"| {STREAMS} more streams | {_megabytes(daemon):.1f} |\n\nThe answer to {given.minutes} minutes: {answer}"
        )


async def _send(peer: Client, daemon: psutil.Process, minutes: int, speed: float) -> str:
    chunk = AudioChunk(**FORM, audio=bytes(SPEECH.bytes_in(CHUNK_SECONDS))).event()
    await peer.send(AudioStart(**FORM).event())
    begin = time.monotonic()
    for minute in range(1, minutes + 1):
        for number in range(round(60 / CHUNK_SECONDS)):
            await peer.send(chunk)
            at = ((minute - 1) * 60 + (number + 1) * CHUNK_SECONDS) / speed
            await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
        if minute in LOOK_MINUTES:
            print(f"| {minute} min | {_megabytes(daemon):.1f} |", flush=True)
    await peer.send(AudioStop().event())
    return (await peer.wait_for("not-detected", "detection", seconds=60)).type


def _megabytes(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:  # it has exited
        return ""


if __name__ == "__main__":
    asyncio.run(main())
