"""Memory and CPU time of a satellite with a local wake detector, while it waits and after runs with replies."""

import asyncio
import json
import sys
import tempfile
from dataclasses import asdict, dataclass

import psutil
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.commands.processes import run_server
from wyoming_rosie.protocol.client import Client, connect

WAITING_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 20.0
ANSWERS = 5
RATES = 22_050, 48_000  # the speaker's own, and one that has to be converted
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """RSS includes memory shared with other processes, PSS only its share of that; CPU is of one core."""

    state: str
    rss_mb: float
    pss_mb: float
    cpu_percent: float


async def measure_process(state: str, process: psutil.Process, seconds: float) -> Row:
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    cpu = (sum(process.cpu_times()[:2]) - before) / seconds * 100
    memory = process.memory_full_info()
    return Row(state, memory.rss / MEBIBYTE, memory.pss / MEBIBYTE, cpu)


async def run_turn(peer: Client) -> None:
    """Hear a command, then answer several times."""
    await peer.wait_for("detection", seconds=LONGEST_WAIT_SECONDS)
    for rate in RATES * ANSWERS:
        for event in (Transcript(text="").event(), *create_reply(rate)):
            await peer.send(event)
        await peer.wait_for("played", seconds=LONGEST_WAIT_SECONDS)


def create_reply(rate: int) -> list[Event]:
    pcm = AudioChunk(rate, 2, 1, bytes(rate)).event()  # half a second
    return [AudioStart(rate, 2, 1).event(), pcm, pcm, AudioStop().event()]


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        devices = ("--mic", f"wav:{RECORDING}", "--snd", f"wav:{folder}/reply.wav")
        async with run_server("satellite", *devices) as satellite, connect(satellite.uri) as peer:
            (process,) = psutil.Process().children()
            waiting = await measure_process("waiting for its wake word", process, WAITING_SECONDS)
            await peer.send(RunSatellite().event())
            await run_turn(peer)
            return [waiting, await measure_process(f"after a command and {len(RATES) * ANSWERS} answers", process, 1.0)]


def main() -> None:
    rows = asyncio.run(measure())
    if "--json" in sys.argv:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print("| satellite | RSS MB | PSS MB | CPU % of a core |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.state} | {row.rss_mb:.1f} | {row.pss_mb:.1f} | {row.cpu_percent:.1f} |")


if __name__ == "__main__":
    main()
