"""Latency and CPU time of our satellite's microphone and speaker beside wyoming-satellite's.

    scripts/peers                                  once: create the peer's environment
    python benchmarks/satellite.py [--rounds 3] [--seconds 8] [--out FILE.json]

(a) is wyoming-satellite 1.0.0, which streams all audio and detects no wake word. "Ours" does the same in a run that was
triggered; "with wake word" also runs its local wake detector, as by default. Microphone and speaker are commands that stamp
their audio; their CPU time is not counted. The satellites take turns, A B B A, each run has a new process, and the median of
the rounds counts.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event

from benchmarks.load import percentile
from benchmarks.peers.processes import CpuMeter, CpuUsage, PeerServer, RunningServer, run_server
from benchmarks.peers.rounds import alternate, describe_machine, print_run, write_json
from benchmarks.peers.tables import OURS, TableRow, format_table, medians
from benchmarks.satellite_devices import create_stamped_silence, find_stamp
from wyoming_rosie.protocol.client import Client, connect

REPOSITORY = Path(__file__).parents[1]
PEER_PYTHON = REPOSITORY / ".venv-peers" / "satellite" / "bin" / "python"
PEER = "wyoming-satellite"
WITH_WAKE_WORD = "with wake word"
FRAMES_MS = 20, 64
NOBODY = "tcp://127.0.0.1:9"  # a wake daemon that is away
WARM_UP_SECONDS = 1.5
CHUNKS = 100
CHUNK_BYTES = 2048
CHUNK_PAUSE_SECONDS = 0.03
SPEAKER_RATE = 22_050
END_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 10.0


@dataclass(frozen=True)
class Run:
    """One satellite's delays in milliseconds, CPU in % of a core, and MB at the end."""

    server: str
    frame_ms: int
    microphone_ms: float
    microphone_p95: float
    speaker_ms: float
    speaker_p95: float
    hearing_cpu: float
    playing_cpu: float
    rss: float
    others_percent: float

    def __str__(self) -> str:
        microphone = f"microphone {self.microphone_ms:.2f} ({self.microphone_p95:.2f}) ms, {self.hearing_cpu:.2f} %"
        speaker = f"speaker {self.speaker_ms:.2f} ({self.speaker_p95:.2f}) ms, {self.playing_cpu:.2f} %"
        about = f"{self.rss:.1f} MB; others {self.others_percent:.0f} % of a core"
        return f"{self.server}, {self.frame_ms} ms: {microphone}; {speaker}; {about}"


class Listener:
    """Conducts a satellite and notes how old the sound is that comes."""

    def __init__(self, peer: Client) -> None:
        self.ages_ms: list[float] = []
        self._peer = peer
        self._streams = asyncio.Event()

    async def receive(self) -> None:
        while True:
            event = await self._peer.receive()
            now = asyncio.get_running_loop().time()
            if event.type == "ping":
                await self._peer.send(Event("pong", event.data))
            if event.type == "audio-chunk" and (made := find_stamp(event.payload or b"")) is not None:
                self.ages_ms.append(1000 * (now - made))
                self._streams.set()

    async def begin(self) -> None:
        """Have the satellite send what it hears: ours listens after a question."""
        await self._peer.send(Event("run-satellite"))
        question = AudioChunk(SPEAKER_RATE, 2, 1, bytes(2 * SPEAKER_RATE // 10)).event()
        await self._peer.send(AudioStart(SPEAKER_RATE, 2, 1).event())
        for event in (Event("synthesize", {"text": "Yes?"}), question, AudioStop().event()):
            await self._peer.send(event)
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            await self._streams.wait()

    async def play(self) -> None:
        await self._peer.send(AudioStart(SPEAKER_RATE, 2, 1).event())
        for _ in range(CHUNKS):
            await self._peer.send(AudioChunk(SPEAKER_RATE, 2, 1, create_stamped_silence(CHUNK_BYTES)).event())
            await asyncio.sleep(CHUNK_PAUSE_SECONDS)
        await self._peer.send(AudioStop().event())


def create_servers(frame_ms: int, notes: Path) -> list[PeerServer]:
    ends = f"{sys.executable} {REPOSITORY / 'benchmarks' / 'satellite_devices.py'}"
    samples = str(16 * frame_ms)
    hears = ("--mic-command", f"{ends} microphone {frame_ms}", "--mic-command-samples-per-chunk", samples)
    devices = (*hears, "--snd-command", f"{ends} speaker {notes}")
    home = ("--no-ends-commands", "--data-dir", str(notes.parent))
    ours = str(Path(sys.executable).with_name("wyoming-rosie-satellite"))
    return [
        PeerServer(OURS, (ours, *devices, *home, "--wake-uri", NOBODY), alone=True),
        PeerServer(PEER, (str(PEER_PYTHON), "-m", "wyoming_satellite", "--name", "bench", "--no-zeroconf", *devices), alone=True),
        PeerServer(WITH_WAKE_WORD, (ours, *devices, *home), alone=True),
    ]  # fmt: skip


async def measure_server(server: PeerServer, frame_ms: int, seconds: float, notes: Path) -> Run:
    await asyncio.to_thread(notes.write_text, "", "ascii")
    async with run_server(server) as satellite, connect(f"tcp://127.0.0.1:{satellite.port}") as peer:
        listener = Listener(peer)
        async with receive_events(listener):
            await asyncio.sleep(WARM_UP_SECONDS)
            listener.ages_ms.clear()
            hearing = await measure_usage(satellite, asyncio.sleep(seconds))
            ages = list(listener.ages_ms)
            playing = await measure_usage(satellite, listener.play())
            await asyncio.sleep(END_SECONDS)
            rss, _ = satellite.memory()
    delays = read_delays_ms(notes)
    return Run(
        server.name, frame_ms,
        statistics.median(ages), percentile(ages, 95), statistics.median(delays), percentile(delays, 95),
        cpu_percent(hearing), cpu_percent(playing), rss, max(hearing.others_percent, playing.others_percent),
    )  # fmt: skip


@asynccontextmanager
async def receive_events(listener: Listener) -> AsyncIterator[None]:
    receiving = asyncio.create_task(listener.receive())
    try:
        await listener.begin()
        yield
    finally:
        receiving.cancel()
        await asyncio.wait([receiving])


async def measure_usage(satellite: RunningServer, work: Awaitable[None]) -> CpuUsage:
    meter = CpuMeter(satellite)
    await work
    return meter.read()


def cpu_percent(used: CpuUsage) -> float:
    return 100 * used.server / used.seconds


def read_delays_ms(notes: Path) -> list[float]:
    lines = [line.split() for line in notes.read_text("ascii").splitlines()]
    return [1000 * (float(came) - float(left)) for left, came in lines]


async def measure(rounds: int, seconds: float, notes: Path) -> list[Run]:
    return [
        print_run(await measure_server(server, frame_ms, seconds, notes))
        for frame_ms in FRAMES_MS
        for server in alternate(create_servers(frame_ms, notes), rounds)
    ]


def create_rows(runs: Sequence[Run], ours: str) -> Iterator[TableRow]:
    """Yield what one of our satellites and the other took."""
    for frame_ms in FRAMES_MS:
        chosen = {ours: OURS, PEER: PEER}
        some = [
            replace(run, server=chosen[run.server]) for run in runs if run.frame_ms == frame_ms and run.server in chosen
        ]
        others = max(run.others_percent for run in some)
        for what, value in FIGURES.items():
            yield TableRow(f"{frame_ms} ms frames: {what}", medians(some, value), others)


FIGURES: dict[str, Callable[[Run], float]] = {
    "microphone to network, median ms": lambda run: run.microphone_ms,
    "95 % within ms": lambda run: run.microphone_p95,
    "network to speaker, median ms": lambda run: run.speaker_ms,
    "speaker, 95 % within ms": lambda run: run.speaker_p95,
    "CPU while it hears, % of a core": lambda run: run.hearing_cpu,
    "CPU while it plays, % of a core": lambda run: run.playing_cpu,
    "RSS, MB": lambda run: run.rss,
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="how long each is heard")
    parser.add_argument("--out", type=Path, help="write every run to this JSON file")
    return parser.parse_args()


def main() -> None:
    given = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        runs = asyncio.run(measure(given.rounds, given.seconds, Path(folder) / "notes"))
    for ours in (OURS, WITH_WAKE_WORD):
        print(f"\n{ours}\n\n{format_table([*create_rows(runs, ours)], [PEER])}")
    if given.out is not None:
        write_json(given.out, {"machine": describe_machine(), "runs": [asdict(one) for one in runs]})


if __name__ == "__main__":
    main()
