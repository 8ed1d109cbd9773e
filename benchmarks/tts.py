"""Our TTS daemon beside wyoming-piper with the same voice: latency, alone and under load, and memory.

    scripts/peers                                  once: creates the environment of wyoming-piper
    python benchmarks/tts.py [--rounds 3] [--memory 100] [--voice FILE.onnx] [--out FILE.json]

(a) is wyoming-piper 2.5.2. Unless a voice is given, both use one with random weights, whose size and speech rate are those
of a real one. The servers take turns, A B B A; each run has a new process, and the median of the rounds counts. Our cache
is off, except where it is measured.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wyoming.tts import Synthesize

from benchmarks import load
from benchmarks.load import DescribeClient, loop_time, percentile
from benchmarks.peers.processes import CpuMeter, PeerServer, RunningServer, run_server
from benchmarks.peers.rounds import alternate, describe_machine, print_run, write_json
from benchmarks.peers.tables import OURS, TableRow, format_table, medians
from tests import piper_voice
from wyoming_rosie.protocol import client

REPOSITORY = Path(__file__).parents[1]
PEER_PROGRAM = REPOSITORY / ".venv-peers" / "piper" / "bin" / "wyoming-piper"
PACKAGE = "wyoming-piper"
WORD = "Done."
SHORT = "The light is on."
LONG = (
    "The kitchen light is on and the heating in the living room stays at twenty one degrees until the evening when "
    "everybody comes home and dinner is ready to be served to all of the guests in the house."
)
LONGEST = (
    "The kitchen light is on and the heating in the living room stays at twenty one degrees until the evening when "
    "everybody comes home and dinner is ready to be served to all of the guests in the house and in the garden where the "
    "lamps along the path will be turned on as soon as it gets dark and turned off again when the last of the guests has "
    "left"
)
LONG_SENTENCES = 10
TIMES = 5
BESIDE_TIMES = 12
BESIDE_PAUSE_SECONDS = 0.31
DESCRIBE_SECONDS = 0.02
MAX_SECONDS = 600.0


@dataclass(frozen=True)
class Synthesis:
    """One reply: the time to the first audio, the silence a listener would have heard within it, and time per audio."""

    first_ms: float
    gaps_ms: float
    real_time_factor: float


@dataclass(frozen=True)
class LatencyResult:
    """A server's latencies in milliseconds."""

    server: str
    longest_first: float
    longest_gaps: float
    longest_factor: float
    long_first: float
    long_gaps: float
    short_first: float
    word_first: float
    beside_first: float
    describe_p99: float
    others_percent: float

    def __str__(self) -> str:
        longest = f"longest {self.longest_first:.0f} ms, factor {self.longest_factor:.2f}"
        alone = (
            f"{longest}, long {self.long_first:.0f} ms, short {self.short_first:.0f} ms, word {self.word_first:.0f} ms"
        )
        beside = f"beside others {self.beside_first:.0f} ms, describe {self.describe_p99:.1f} ms"
        return f"{self.server}: {alone}, {beside}; others {self.others_percent:.0f} % of a core"


@dataclass(frozen=True)
class CacheResult:
    """The latency of a repeated phrase in milliseconds."""

    server: str
    first: float


@dataclass(frozen=True)
class MemoryResult:
    """RSS in MB after one long sentence, and after many."""

    server: str
    first: float
    last: float

    @property
    def growth(self) -> float:
        return self.last / self.first

    def __str__(self) -> str:
        return f"{self.server}: {self.first:.0f} MB, then {self.last:.0f} MB"


async def synthesize(port: int, text: str) -> Synthesis:
    """Request a text and read the whole reply."""
    async with client.connect(f"tcp://127.0.0.1:{port}") as peer:
        asked = loop_time()
        await peer.send(Synthesize(text).event())
        first, ends, gaps, seconds = 0.0, 0.0, 0.0, 0.0
        while (event := await peer.wait_for("audio-chunk", "audio-stop", seconds=MAX_SECONDS)).type != "audio-stop":
            now = loop_time()
            first = first or now - asked
            gaps += max(0.0, now - ends) if ends else 0.0
            duration = len(event.payload or b"") / (event.data["rate"] * event.data["width"])
            ends = max(ends, now) + duration
            seconds += duration
        return Synthesis(1000 * first, 1000 * gaps, (loop_time() - asked) / seconds)


async def synthesize_repeatedly(port: int, text: str, times: int, pause: float = 0.0) -> list[Synthesis]:
    found = []
    for _ in range(times):
        found.append(await synthesize(port, text))
        await asyncio.sleep(pause)
    return found


async def measure_latency(server: PeerServer) -> LatencyResult:
    async with run_server(server) as found:
        await synthesize(found.port, f"{SHORT} {LONG}")
        await found.wait_until_idle()
        meter = CpuMeter(found)
        longest = await synthesize_repeatedly(found.port, LONGEST, TIMES)
        long = await synthesize_repeatedly(found.port, LONG, TIMES)
        short = await synthesize_repeatedly(found.port, SHORT, TIMES)
        word = await synthesize_repeatedly(found.port, WORD, TIMES)
        beside, describe_p99 = await synthesize_during_load(found)
        return LatencyResult(
            server=server.name,
            longest_first=_first(longest),
            longest_gaps=max(one.gaps_ms for one in longest),
            longest_factor=statistics.median(one.real_time_factor for one in longest),
            long_first=_first(long),
            long_gaps=max(one.gaps_ms for one in long),
            short_first=_first(short),
            word_first=_first(word),
            beside_first=_first(beside),
            describe_p99=describe_p99,
            others_percent=meter.read().others_percent,
        )


async def synthesize_during_load(found: RunningServer) -> tuple[list[Synthesis], float]:
    """Request a short text repeatedly while another client gets a long one; also return `describe`'s 99th percentile."""
    asker = await load.connect(found.port, DescribeClient())
    reading = asyncio.create_task(synthesize(found.port, " ".join([LONG] * LONG_SENTENCES)))
    asking = asyncio.create_task(asker.send_requests(DESCRIBE_SECONDS, MAX_SECONDS))
    await asyncio.sleep(BESIDE_PAUSE_SECONDS)
    beside: list[Synthesis] = []
    while not reading.done() and len(beside) < BESIDE_TIMES:
        beside += await synthesize_repeatedly(found.port, SHORT, 1, BESIDE_PAUSE_SECONDS)
    asking.cancel()
    waits = asker.response_times()
    asker.close()
    await reading
    return beside, 1000 * percentile(waits, 99)


async def measure_cache(server: PeerServer) -> CacheResult:
    async with run_server(server) as found:
        await synthesize_repeatedly(found.port, SHORT, 2)
        return CacheResult(server.name, _first(await synthesize_repeatedly(found.port, SHORT, TIMES)))


async def measure_memory(server: PeerServer, sentences: int) -> MemoryResult:
    async with run_server(server) as found:
        await synthesize(found.port, LONG)
        first, _ = found.memory()
        for number in range(sentences):
            await synthesize(found.port, f"{number} {LONG}")
        return MemoryResult(server.name, first, found.memory()[0])


def servers(voice: Path, cache: Path, *, keeps: bool) -> list[PeerServer]:
    ours = (
        *(str(Path(sys.executable).with_name("wyoming-rosie-tts")), "--engine", "piper", "--piper.voice", str(voice)),
        *(
            "--data-dir",
            str(cache / "data"),
            "--cache.dir",
            str(cache),
            "--cache.memory-megabytes",
            "16" if keeps else "0",
        ),
    )
    theirs = (str(PEER_PROGRAM), "--voice", voice.stem, "--data-dir", str(voice.parent))
    return [PeerServer(OURS, ours), PeerServer(PACKAGE, theirs)]


async def measure(
    voice: Path, folder: Path, rounds: int, sentences: int
) -> list[LatencyResult | CacheResult | MemoryResult]:
    plain, keeping = (servers(voice, folder / name, keeps=name == "keeping") for name in ("plain", "keeping"))
    found: list[LatencyResult | CacheResult | MemoryResult] = []
    for server in alternate(plain, rounds):
        found.append(print_run(await measure_latency(server)))
    for server in alternate(keeping, rounds):
        found.append(print_run(await measure_cache(server)))
    for server in plain if sentences else ():
        found.append(print_run(await measure_memory(server, sentences)))
    return found


def rows(found: Sequence[LatencyResult | CacheResult | MemoryResult]) -> list[TableRow]:
    waits = [one for one in found if isinstance(one, LatencyResult)]
    again = [one for one in found if isinstance(one, CacheResult)]
    memory = [one for one in found if isinstance(one, MemoryResult)]
    others = max(one.others_percent for one in waits)
    made = [
        TableRow("a sentence of 17 s, first sound, ms", medians(waits, lambda one: one.longest_first), others),
        TableRow("its gaps, ms", medians(waits, lambda one: one.longest_gaps), others),
        TableRow("its seconds of time per second of sound", medians(waits, lambda one: one.longest_factor), others),
        TableRow("one long sentence, first sound, ms", medians(waits, lambda one: one.long_first), others),
        TableRow("one long sentence, gaps, ms", medians(waits, lambda one: one.long_gaps), others),
        TableRow("short request, first sound, ms", medians(waits, lambda one: one.short_first), others),
        TableRow("one word, first sound, ms", medians(waits, lambda one: one.word_first), others),
        TableRow(
            "the same while another gets ten long sentences, ms", medians(waits, lambda one: one.beside_first), others
        ),
        TableRow("describe meanwhile, 99 %, ms", medians(waits, lambda one: one.describe_p99), others),
        TableRow("a phrase said before, first sound, ms", medians(again, lambda one: one.first)),
    ]
    if memory:
        made.append(TableRow("MB after one long sentence", medians(memory, lambda one: one.first)))
        made.append(TableRow("growth with many more, times", medians(memory, lambda one: one.growth)))
    return made


def _first(replies: Sequence[Synthesis]) -> float:
    return statistics.median(one.first_ms for one in replies)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--memory", type=int, default=0, metavar="N", help="number of long sentences to measure memory after"
    )
    parser.add_argument("--voice", type=Path, help="a Piper voice's .onnx file")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        voice = given.voice or piper_voice.build(folder, "en_US-random-medium", piper_voice.MEDIUM)
        found = asyncio.run(measure(voice, folder, given.rounds, given.memory))
    print(format_table(rows(found), [PACKAGE]))
    if given.out is not None:
        write_json(given.out, {"machine": describe_machine(), "runs": [asdict(one) for one in found]})


if __name__ == "__main__":
    main()
