"""Our wake daemon beside two others with the same models: CPU, streams per core, latency of `describe`, memory.

    scripts/peers                                  once: makes the others' environments
    python benchmarks/wake.py [PART ...] [--out FILE.json]
    python benchmarks/wake.py cpu --streams 8 --rounds 1 --engine micro --arguments="--workers 1"

(a) is wyoming-openwakeword 1.8.2, (b) a plain server over pyopen-wakeword 1.1.0, peers/pyopen_server.py. The servers
take turns, A B C C B A, each run has a new process, and the median of the rounds counts. Nothing else should run on the
machine; `others` says what other programs took of its cores meanwhile. All parts take more than an hour.

A server keeps up when every word of every stream is detected within 300 ms of its end. Before a run is measured, each
stream may take its time until that is so: (b) has 8 s of silence to work through for each.
"""

import argparse
import asyncio
import gc
import math
import os
import shlex
import statistics
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import load
from benchmarks.load import CHUNK_SECONDS, AudioTrack, DescribeClient, SatelliteStream, loop_time
from benchmarks.peers.processes import CpuMeter, CpuUsage, PeerServer, pin_to_core, run_server
from benchmarks.peers.rounds import alternate, describe_machine, print_run, write_json
from benchmarks.peers.tables import OURS, Figure, Points, TableRow, distinct, fit_lines, format_table, medians
from wyoming_rosie.audio.formats import SPEECH, read_wav

REPOSITORY = Path(__file__).parents[1]
RECORDINGS = Path(os.environ.get("WYOMING_ROSIE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
CLIP = RECORDINGS / "wake" / "woww_hey_jarvis.wav"
CLIP_SECONDS = 0.3, 1.4  # "hey jarvis" without the words after it
WORD = "hey_jarvis"
PEERS = REPOSITORY / ".venv-peers"
PACKAGE, LOOP = "wyoming-openwakeword", "pyopen-wakeword"
SERVER_CORE, CLIENT_CORE = 0, 1
GROWTH = 1.15
"""Growth in the last steps of the search for the most streams per core."""
DESCRIBE_STREAMS = 4
DESCRIBE_SECONDS = 0.01
NEWCOMER_SECONDS = 0.5
MORE_WORDS = "alexa", "hey_marvin", "hey_rhasspy"
"""A feed-forward network, like those of most words."""
LARGE_WORD = "hey_mycroft"
"""A recurrent network with more than six times the arithmetic of the others."""
WORD_STREAMS = 8
MEMORY_AUDIO_SECONDS = 5.0
CLIENT_LATE = " (client late)"


@dataclass(frozen=True, kw_only=True)
class WakeServer(PeerServer):
    word: str  # what it calls the wake word


@dataclass(frozen=True)
class Plan:
    """The options of the command line."""

    parts: tuple[str, ...]
    servers: tuple[WakeServer, ...]
    track: AudioTrack
    rounds: int
    seconds: float
    warm_up_seconds: float
    streams: tuple[int, ...]
    memory_streams: tuple[int, ...]
    first_streams: int


@dataclass(frozen=True)
class Hearing:
    """A run of several streams: its cost, and whether every word of every stream was detected in time."""

    server: str
    streams: int
    words: tuple[str, ...]  # of each stream
    usage: CpuUsage
    spoken: int
    missed: int
    latest_ms: float | None
    keeps_up: bool
    slip_ms: float
    client_ok: bool

    @property
    def percent_per_stream(self) -> float:
        return 100 * self.usage.server / self.usage.seconds / self.streams

    def __str__(self) -> str:
        cost = f"{self.streams} streams, {' and '.join(self.words)}, {self.percent_per_stream:.2f} % of a core each"
        client = "" if self.client_ok else f"; the client was late by {self.slip_ms:.0f} ms"
        return f"{self.server}: {cost}, {self.missed} of {self.spoken} missed; {self.usage}{client}"


@dataclass(frozen=True)
class Answers:
    """Latency of `describe` while other peers connect and disconnect."""

    server: str
    median_ms: float
    p99_ms: float
    worst_ms: float
    others_percent: float
    slip_ms: float  # of the client

    def __str__(self) -> str:
        times = f"{self.median_ms:.2f} ms, 99 % within {self.p99_ms:.2f}, worst {self.worst_ms:.2f}"
        return f"{self.server}: describe {times}; others {self.others_percent:.0f} % of a core, client {self.slip_ms:.1f} ms late"


@dataclass(frozen=True)
class Memory:
    server: str
    streams: int
    rss_mb: float
    pss_mb: float

    def __str__(self) -> str:
        return f"{self.server}: {self.streams} streams, RSS {self.rss_mb:.1f} MB, PSS {self.pss_mb:.1f} MB"


@dataclass(frozen=True)
class Result:
    """The table of a part, and its runs."""

    title: str
    rows: list[TableRow]
    runs: list[dict[str, Any]]


@dataclass(frozen=True)
class Capacity:
    """The most streams that kept up on one core, and all tries."""

    server: str
    streams: int
    tries: tuple[Hearing, ...]


AnyRun = TypeVar("AnyRun", Hearing, Answers, Memory, Capacity)


async def hear(
    plan: Plan, server: WakeServer, streams: int, more: Sequence[str] = (), core: int | None = None
) -> Hearing:
    """Run a server with several streams, which detect its word and others; measure once all detections are in time."""
    names = (server.word, *more)
    async with run_server(server, core) as process, load.run_streams(process.port, plan.track, names, streams) as crowd:
        await _warmed_up(plan, crowd)
        since, meter = loop_time(), CpuMeter(process)
        await asyncio.sleep(plan.seconds)
        return _hearing(server, crowd, names, since, meter.read())


async def _warmed_up(plan: Plan, crowd: Sequence[SatelliteStream]) -> None:
    """Wait until the last word of every stream was detected in time, at most as long as the plan allows."""
    begun = loop_time()
    while (now := loop_time()) < begun + plan.warm_up_seconds:
        await asyncio.sleep(0.25)
        if all(stream.keeps_up(now - plan.track.window_seconds, now) for stream in crowd):
            return


def _hearing(
    server: WakeServer, crowd: Sequence[SatelliteStream], words: tuple[str, ...], since: float, usage: CpuUsage
) -> Hearing:
    until = loop_time()
    heard = [stream.detection_delay(word) for stream in crowd for word in stream.spoken_words(since, until)]
    late = [seconds for seconds in heard if seconds is not None]
    slip = load.send_delay_p99(crowd)
    return Hearing(
        server=server.name,
        streams=len(crowd),
        words=words,
        usage=usage,
        spoken=len(heard),
        missed=len(heard) - len(late),
        latest_ms=1000 * max(late) if late else None,
        keeps_up=all(stream.keeps_up(since, until) for stream in crowd),
        slip_ms=1000 * slip,
        client_ok=slip <= load.SLIP_SECONDS,
    )


async def cpu(plan: Plan) -> Result:
    """Measure the cost of streams, for growing numbers; a server that falls behind gets no more of them."""
    runs: list[Hearing] = []
    behind: set[str] = set()
    for streams in plan.streams:
        remaining = [server for server in plan.servers if server.name not in behind]
        for server in alternate(remaining, plan.rounds):
            runs.append(print_run(await hear(plan, server, streams)))
        behind |= {server.name for server in remaining if not _kept_up(_of(runs, server.name, streams))}
    return Result("CPU of streams in real time", cpu_rows(runs), _dicts(runs))


async def core(plan: Plan) -> Result:
    """Find the number of streams that one core can serve; the client runs on another."""
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("This part needs two cores: one for the server, one for the client.")
    with pin_to_core(CLIENT_CORE):
        runs = [await _capacity(plan, server) for server in alternate(plan.servers, plan.rounds)]
    return Result("Streams on one core", core_rows(runs), _dicts(runs))


async def _capacity(plan: Plan, server: WakeServer) -> Capacity:
    """Double the streams until a number of them fails twice, then search upwards from the last good one in small steps."""
    streams, most, growth, limit = plan.first_streams, 0, 2.0, math.inf
    tries: list[Hearing] = []
    while streams < limit:
        tries += await _tried(plan, server, streams)
        if tries[-1].keeps_up:
            most = streams
        else:
            limit, growth = streams, GROWTH
        streams = max(1, math.ceil(most * growth))
    return Capacity(server.name, most, tuple(tries))


async def _tried(plan: Plan, server: WakeServer, streams: int) -> list[Hearing]:
    """Try a number of streams on one core, twice if the first try fails."""
    tries: list[Hearing] = []
    while len(tries) < 2 and not (tries and tries[0].keeps_up):
        tries.append(print_run(await hear(plan, server, streams, core=SERVER_CORE)))
    return tries


async def describe(plan: Plan) -> Result:
    """Measure the latency of `describe` while streams run and new ones start."""
    runs = [print_run(await _answers(plan, server)) for server in alternate(plan.servers, plan.rounds)]
    return Result("`describe` while streams run and begin", describe_rows(runs), _dicts(runs))


async def _answers(plan: Plan, server: WakeServer) -> Answers:
    async with (
        run_server(server) as process,
        load.run_streams(process.port, plan.track, [server.word], DESCRIBE_STREAMS) as crowd,
    ):
        await _warmed_up(plan, crowd)
        asker, meter = await load.connect(process.port, DescribeClient()), CpuMeter(process)
        newcomers = asyncio.create_task(_newcomers(plan, server, process.port))
        await asker.send_requests(DESCRIBE_SECONDS, plan.seconds)
        await newcomers
        asker.close()
        return _described(server, asker.response_times(), meter.read(), load.send_delay_p99(crowd))


def _described(server: WakeServer, waits: Sequence[float], usage: CpuUsage, slip: float) -> Answers:
    figures = statistics.median(waits), load.percentile(waits, 99), max(waits)
    median, p99, worst = (1000 * figure for figure in figures)
    return Answers(server.name, median, p99, worst, usage.others_percent, 1000 * slip)


async def _newcomers(plan: Plan, server: WakeServer, port: int) -> None:
    """Start one short stream after the other."""
    begun = loop_time()
    while (now := loop_time()) < begun + plan.seconds:
        stream = await load.connect(port, SatelliteStream(plan.track, [server.word]))
        stream.start(now)
        await asyncio.sleep(now + NEWCOMER_SECONDS - loop_time())
        stream.close()


async def memory(plan: Plan) -> Result:
    """Measure memory with a growing number of streams, each after some audio."""
    runs = [row for server in alternate(plan.servers, plan.rounds) for row in await _growth(plan, server)]
    return Result("Memory of streams", memory_rows(runs), _dicts(runs))


async def _growth(plan: Plan, server: WakeServer) -> list[Memory]:
    rows, streams = [], list[SatelliteStream]()
    async with run_server(server) as process:
        for count in plan.memory_streams:
            await _more(plan, server, process.port, streams, count)
            await process.wait_until_idle()
            rows.append(print_run(Memory(server.name, count, *process.memory())))
        for stream in streams:
            stream.close()
    return rows


async def _more(plan: Plan, server: WakeServer, port: int, streams: list[SatelliteStream], count: int) -> None:
    """Open streams up to a number; each sends some audio and stays open."""
    joined = []
    for number in range(len(streams), count):
        joined.append(await load.connect(port, SatelliteStream(plan.track, [server.word]), number))
        joined[-1].start(loop_time())
    await asyncio.sleep(MEMORY_AUDIO_SECONDS)
    for stream in joined:
        stream.pause()
    streams += joined


async def words(plan: Plan) -> Result:
    """Measure our daemon with one word and with several."""
    ours = next((server for server in plan.servers if server.name == OURS), None)
    if ours is None:
        sys.exit("The part 'words' measures our daemon only, and it is not among the servers.")
    kinds: list[tuple[str, ...]] = [(), MORE_WORDS, (LARGE_WORD,)]
    runs = [print_run(await hear(plan, ours, WORD_STREAMS, more)) for more in alternate(kinds, plan.rounds)]
    return Result("More words in each stream", words_rows(runs), _dicts(runs))


def _dicts(runs: Sequence[AnyRun]) -> list[dict[str, Any]]:
    return [asdict(run) for run in runs]


def _of(runs: Sequence[Hearing], server: str, streams: int) -> list[Hearing]:
    return [run for run in runs if run.server == server and run.streams == streams]


def _kept_up(runs: Sequence[Hearing]) -> bool:
    return sum(run.keeps_up for run in runs) * 2 > len(runs)


def cpu_rows(runs: Sequence[Hearing]) -> list[TableRow]:
    rows: list[TableRow] = []
    points: Points = defaultdict(list)
    for streams in distinct(run.streams for run in runs):
        figures: dict[str, Figure] = {}
        for server in distinct(run.server for run in runs):
            if some := _of(runs, server, streams):
                percent = statistics.median(run.percent_per_stream for run in some)
                figures[server] = Figure(percent, _remark(some))
                if _kept_up(some):
                    points[server].append((streams, percent * streams))
        rows.append(TableRow(f"{streams} streams, % of a core for each", figures, _others(runs, streams)))
    return [*rows, *fit_lines(points, "% of a core")]


def core_rows(runs: Sequence[Capacity]) -> list[TableRow]:
    late = {run.server for run in runs if not all(one.client_ok for one in run.tries)}
    figures = {
        server: Figure(figure.value, CLIENT_LATE if server in late else "")
        for server, figure in medians(runs, lambda run: run.streams).items()
    }
    others = max(one.usage.others_percent for run in runs for one in run.tries)
    return [TableRow("most streams that keep up on one core", figures, others, higher_is_better=True)]


def _remark(runs: Sequence[Hearing]) -> str:
    """Return the reasons not to trust a figure."""
    behind = "" if _kept_up(runs) else " (behind)"
    return behind + ("" if all(run.client_ok for run in runs) else CLIENT_LATE)


def describe_rows(runs: Sequence[Answers]) -> list[TableRow]:
    others = max(run.others_percent for run in runs)
    return [
        TableRow("`describe`, median ms", medians(runs, lambda run: run.median_ms), others),
        TableRow("`describe`, 99 % within ms", medians(runs, lambda run: run.p99_ms), others),
        TableRow("`describe`, worst ms", medians(runs, lambda run: run.worst_ms), others),
    ]


def memory_rows(runs: Sequence[Memory]) -> list[TableRow]:
    rows = []
    kinds: dict[str, Callable[[Memory], float]] = {"RSS": lambda run: run.rss_mb, "PSS": lambda run: run.pss_mb}
    for kind, value in kinds.items():
        points: Points = defaultdict(list)
        for streams in distinct(run.streams for run in runs):
            figures = medians([run for run in runs if run.streams == streams], value)
            rows.append(TableRow(f"{streams} streams, {kind} MB", figures))
            for server, figure in figures.items():
                points[server].append((streams, figure.value))
        rows += fit_lines(points, f"MB {kind}")
    return rows


def words_rows(runs: Sequence[Hearing]) -> list[TableRow]:
    """Return the cost of one word, and of each further one."""
    kinds = distinct(run.words for run in runs)
    cost = {words: statistics.median(_chunk_us(run) for run in runs if run.words == words) for words in kinds}
    (only,) = [words for words in kinds if len(words) == 1]
    rows = {only[0]: cost[only]}
    for words in kinds:
        if words != only:
            rows[f"each of {', '.join(words[1:])} besides"] = (cost[words] - cost[only]) / (len(words) - 1)
    others = max(run.usage.others_percent for run in runs)
    return [
        TableRow(f"{what}, µs for 80 ms of a stream", {OURS: Figure(value)}, others) for what, value in rows.items()
    ]


def _chunk_us(run: Hearing) -> float:
    return 1e6 * run.usage.server / (run.streams * run.usage.seconds / CHUNK_SECONDS)


def _others(runs: Sequence[Hearing], streams: int) -> float:
    return max(run.usage.others_percent for run in runs if run.streams == streams)


PARTS: dict[str, Callable[[Plan], Awaitable[Result]]] = {
    "cpu": cpu,
    "core": core,
    "describe": describe,
    "memory": memory,
    "words": words,
}


async def measure(plan: Plan, out: Path | None) -> None:
    """Run the parts one after the other; print each table as soon as it is complete."""
    found: dict[str, object] = {"machine": describe_machine(), "servers": [asdict(server) for server in plan.servers]}
    for name in plan.parts:
        result = await PARTS[name](plan)
        print(f"\n## {result.title}\n\n{format_table(result.rows, (PACKAGE, LOOP))}", flush=True)
        found[name] = result.runs
        if out is not None:
            write_json(out, found)


def servers(engine: str, arguments: Sequence[str]) -> tuple[WakeServer, ...]:
    """Return our server and the peers whose environments exist."""
    ours = str(Path(sys.executable).with_name("wyoming-rosie-wake"))
    package, loop = (str(PEERS / name / "bin" / "python") for name in ("openwakeword", "pyopen"))
    theirs = f"{WORD}_v0.1"  # with another name it would load the model again for each stream
    known = (
        WakeServer(OURS, (ours, "--engine", engine, *arguments), word=WORD),
        WakeServer(PACKAGE, (package, "-m", "wyoming_openwakeword", "--preload-model", theirs), word=theirs),
        WakeServer(LOOP, (loop, str(REPOSITORY / "benchmarks" / "peers" / "pyopen_server.py")), word=WORD),
    )
    present = tuple(server for server in known if Path(server.command[0]).exists())
    if present != known:
        print("Some servers are not installed and left out; scripts/peers installs them.", file=sys.stderr)
    return present


def _clip(file: Path) -> bytes:
    if not file.is_file():
        sys.exit(f"{file} is absent: name a recording of {WORD!r} with --clip, or set WYOMING_ROSIE_TEST_DATA")
    pcm = read_wav(file)[1]
    return pcm[slice(*map(SPEECH.bytes_in, CLIP_SECONDS))] if file == CLIP else pcm


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} [default: all]")
    parser.add_argument("--engine", default="openwakeword", help="our daemon's engine [%(default)s]")
    parser.add_argument("--arguments", default="", help='more for our daemon, as in --arguments="--workers 1"')
    parser.add_argument(
        "--only", nargs="+", default=(), help="only these servers: ours, wyoming-openwakeword, pyopen-wakeword"
    )
    parser.add_argument("--clip", type=Path, default=CLIP, help="recording of the word alone")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server [%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured in each run [%(default)s]")
    parser.add_argument("--warm-up-seconds", type=float, default=30.0, help="at most, before them [%(default)s]")
    parser.add_argument("--streams", type=_numbers, default=(1, 2, 4, 8, 16, 32, 64), help="for cpu")
    parser.add_argument("--memory-streams", type=_numbers, default=(1, 8, 32, 64), help="for memory")
    parser.add_argument("--first-streams", type=int, default=2, help="what core begins with [%(default)s]")
    parser.add_argument("--out", type=Path, help="a JSON file for every run")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if unknown := set(given.parts) - set(PARTS):
        sys.exit(f"no part is named {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    chosen = [
        server
        for server in servers(given.engine, shlex.split(given.arguments))
        if server.name in (given.only or server.name)
    ]
    if not chosen:
        sys.exit("none of these servers is installed")
    track = load.create_track(_clip(given.clip))
    if given.seconds < track.window_seconds:
        sys.exit(f"each stream must speak a word: --seconds must be {track.window_seconds:.1f} or more")
    plan = Plan(
        parts=tuple(given.parts or PARTS),
        servers=tuple(chosen),
        track=track,
        rounds=given.rounds,
        seconds=given.seconds,
        warm_up_seconds=given.warm_up_seconds,
        streams=given.streams,
        memory_streams=given.memory_streams,
        first_streams=given.first_streams,
    )
    gc.freeze()  # keeps garbage collection of long-lived objects from pausing the client
    asyncio.run(measure(plan, given.out))


if __name__ == "__main__":
    main()
