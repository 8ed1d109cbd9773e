"""Our asr daemon beside wyoming-faster-whisper with the same weights: time to the transcript, answers meanwhile, CPU.

    scripts/peers                                  once: makes the other's environment
    python benchmarks/asr.py [--models tiny base] [--out FILE.json]
    python benchmarks/asr.py --models tiny --rounds 1 --utterances 3 --arguments="--faster-whisper.short-windows"

(a) is wyoming-faster-whisper 3.8.1. The weights have Whisper's dimensions and recite one sentence (tests/whisper_model.py),
so that they cost what real ones do. Spoken commands are sent in real time, in chunks of 80 ms, up to 500 ms after their
last word, as by a conductor that hears the end of speech. The servers take turns, A B B A, each run has a new process,
and the median of the rounds counts. Nothing else should run on the machine; `others` says what other programs took.
"""

import argparse
import asyncio
import gc
import os
import random
import shlex
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wyoming.event import Event

from benchmarks import load
from benchmarks.load import AUDIO_START, CHUNK_SECONDS, DescribeClient, loop_time
from benchmarks.peers.processes import CpuMeter, PeerServer, run_server
from benchmarks.peers.rounds import alternate, describe_machine, print_run, write_json
from benchmarks.peers.tables import OURS, Figure, TableRow, distinct, format_table, medians
from tests import whisper_model
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.protocol.wire import Decoder, encode

REPOSITORY = Path(__file__).parents[1]
RECORDINGS = Path(os.environ.get("WYOMING_ROSIE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
UNKNOWN = "oov_"
"""Recordings without a known reference text."""
PEER_PYTHON = REPOSITORY / ".venv-peers" / "whisper" / "bin" / "python"
PACKAGE = "wyoming-faster-whisper"
DIMS = {"tiny": whisper_model.TINY, "base": whisper_model.BASE}
BEAM = 1
SILENCE_SECONDS = 0.5
"""Audio sent after the last word."""
ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 0.5, 2.0
DESCRIBE_SECONDS = 0.05
CLIENTS = 1, 4
TRANSCRIBE = encode(Event("transcribe", {"language": "en"}))
AUDIO_STOP = encode(Event("audio-stop"))


@dataclass(frozen=True)
class Clip:
    """A spoken command as encoded events."""

    seconds: float
    chunks: tuple[bytes, ...]


@dataclass(frozen=True)
class Plan:
    """The options of the command line."""

    models: tuple[str, ...]
    rounds: int
    utterances: int
    threads: int
    arguments: tuple[str, ...]
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class Answer:
    """The latency of a transcript after the last sample, and the longest delay of a chunk."""

    wait: float
    slip: float
    text: str


@dataclass(frozen=True)
class Run:
    """A run of several clients of a server, each with one utterance after the other."""

    server: str
    model: str
    clients: int
    waits_ms: tuple[float, ...]
    describe_p99_ms: float
    cpu_seconds: float  # per utterance
    wrong: int
    slip_ms: float
    others_percent: float

    @property
    def median_ms(self) -> float:
        return statistics.median(self.waits_ms)

    @property
    def p95_ms(self) -> float:
        return load.percentile(self.waits_ms, 95)

    def __str__(self) -> str:
        waits = f"transcript after {self.median_ms:.0f} ms, 95 % within {self.p95_ms:.0f} ms"
        cost = f"{self.cpu_seconds:.2f} s of CPU each, describe 99 % within {self.describe_p99_ms:.1f} ms"
        doubts = f"{self.wrong} wrong; others {self.others_percent:.0f} % of a core, client {self.slip_ms:.1f} ms late"
        return f"{self.server}, {self.model}, {self.clients} clients: {waits}, {cost}, {doubts}"


class Listener(asyncio.Protocol):
    """A connection that waits for one transcript."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Future[tuple[float, str]] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    async def heard(self) -> tuple[float, str]:
        """Return the transcript and its time of arrival."""
        return await asyncio.wait_for(self._heard, ANSWER_SECONDS)

    def end(self) -> None:
        self._heard.cancel()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next()) is not None:
            if event.type == "transcript" and not self._heard.done():
                self._heard.set_result((self._loop.time(), event.data["text"]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._heard.done():
            self._heard.set_exception(ConnectionError("the server left without a transcript"))


async def say(port: int, clip: Clip, number: int = 0) -> Answer:
    """Send a clip in real time and wait for its transcript."""
    listener = await load.connect(port, Listener(), number)
    try:
        begun, slip = loop_time(), 0.0
        listener.send(TRANSCRIBE + AUDIO_START)
        for index, chunk in enumerate(clip.chunks, start=1):
            due = begun + min(index * CHUNK_SECONDS, clip.seconds)
            await asyncio.sleep(due - loop_time())
            slip = max(slip, loop_time() - due)
            listener.send(chunk)
        listener.send(AUDIO_STOP)
        at, text = await listener.heard()
        return Answer(at - begun - clip.seconds, slip, text)
    finally:
        listener.end()


async def talk(port: int, clips: Sequence[Clip], number: int) -> list[Answer]:
    """Send the clips one after the other, with pauses that differ between clients."""
    pauses = random.Random(number)
    answers = []
    for clip in clips:
        await asyncio.sleep(pauses.uniform(*PAUSE_SECONDS))
        answers.append(await say(port, clip, number))
    return answers


async def listen(plan: Plan, server: PeerServer, model: str, clients: int) -> Run:
    """Run a server with several clients."""
    async with run_server(server) as process:
        await say(process.port, plan.clips[0])  # some servers load their model now
        asker, meter = await load.connect(process.port, DescribeClient()), CpuMeter(process)
        asking = asyncio.create_task(asker.send_requests(DESCRIBE_SECONDS, 3600))
        talks = (talk(process.port, _share(plan, number, clients), number) for number in range(clients))
        answers = [answer for answers in await asyncio.gather(*talks) for answer in answers]
        usage = meter.read()
        asking.cancel()
        asker.close()
        return Run(
            server=server.name,
            model=model,
            clients=clients,
            waits_ms=tuple(1000 * answer.wait for answer in answers),
            describe_p99_ms=1000 * load.percentile(asker.response_times(), 99),
            cpu_seconds=usage.server / len(answers),
            wrong=sum(answer.text.strip() != whisper_model.TEXT for answer in answers),
            slip_ms=1000 * max(answer.slip for answer in answers),
            others_percent=usage.others_percent,
        )


def _share(plan: Plan, number: int, clients: int) -> list[Clip]:
    """Return the clips of a client: as many as those of the others, in another order."""
    first = number * len(plan.clips) // clients
    return [plan.clips[(first + index) % len(plan.clips)] for index in range(plan.utterances)]


def rows(runs: Sequence[Run]) -> list[TableRow]:
    return [row for model in distinct(run.model for run in runs) for row in _rows(model, runs)]


def _rows(model: str, every: Sequence[Run]) -> list[TableRow]:
    alone, together = ([run for run in every if (run.model, run.clients) == (model, count)] for count in CLIENTS)
    one, many = (f"{model}, 1 client", f"{model}, {CLIENTS[1]} clients")
    others = max(run.others_percent for run in (*alone, *together))
    word_ms = 1000 * SILENCE_SECONDS
    figures = {
        f"{one}: last sample to transcript, median ms": medians(alone, lambda run: run.median_ms),
        f"{one}: last word to transcript, median ms": medians(alone, lambda run: run.median_ms + word_ms),
        f"{many}: last sample to transcript, 95 % within ms": medians(together, lambda run: run.p95_ms),
        f"{many}: last word to transcript, 95 % within ms": medians(together, lambda run: run.p95_ms + word_ms),
        f"{many}: `describe`, 99 % within ms": medians(together, lambda run: run.describe_p99_ms),
        f"{one}: CPU of an utterance, s": medians(alone, lambda run: run.cpu_seconds),
        f"{many}: CPU of an utterance, s": medians(together, lambda run: run.cpu_seconds),
    }
    doubtful = {run.server: _doubt(run) for run in (*alone, *together) if _doubt(run)}
    return [TableRow(what, _remarked(values, doubtful), others) for what, values in figures.items()]


def _doubt(run: Run) -> str:
    """Return the reasons not to trust a run."""
    wrong = f" ({run.wrong} wrong)" if run.wrong else ""
    return wrong + (" (client late)" if run.slip_ms > 1000 * load.SLIP_SECONDS else "")


def _remarked(figures: dict[str, Figure], remarks: dict[str, str]) -> dict[str, Figure]:
    return {server: Figure(figure.value, remarks.get(server, "")) for server, figure in figures.items()}


def servers(plan: Plan, folder: Path) -> tuple[PeerServer, ...]:
    """Return our server and, if its environment exists, the peer, with the model in a folder."""
    ours = str(Path(sys.executable).with_name("wyoming-rosie-asr"))
    whisper = {"model": folder, "beam": BEAM, "threads": plan.threads, "compute": "int8"}
    flags = [part for name, value in whisper.items() for part in (f"--faster-whisper.{name}", str(value))]
    theirs = f"--model {folder} --data-dir {folder} --local-files-only --stt-library faster-whisper"
    shape = f"--beam-size {BEAM} --cpu-threads {plan.threads} --compute-type int8"
    known = (
        PeerServer(OURS, (ours, "--engine", "faster-whisper", *flags, *plan.arguments)),
        PeerServer(PACKAGE, (str(PEER_PYTHON), "-m", "wyoming_faster_whisper", *theirs.split(), *shape.split())),
    )
    if not PEER_PYTHON.exists():
        print(f"{PACKAGE} is not installed and left out; scripts/peers installs it.", file=sys.stderr)
        return known[:1]
    return known


async def measure(plan: Plan, folder: Path) -> list[Run]:
    runs = []
    for model in plan.models:
        built = whisper_model.build(folder / model, DIMS[model])
        for server in alternate(servers(plan, built), plan.rounds):
            for clients in CLIENTS:
                runs.append(print_run(await listen(plan, server, model, clients)))
    return runs


def clip(pcm: bytes) -> Clip:
    """Return a recording up to half a second after its last word."""
    seconds = load.find_speech(pcm).end + SILENCE_SECONDS
    pcm = (pcm + load.create_noise(random.Random(1), SPEECH.bytes_in(SILENCE_SECONDS)))[: SPEECH.bytes_in(seconds)]
    size = SPEECH.bytes_in(CHUNK_SECONDS)
    return Clip(
        SPEECH.seconds(len(pcm)), tuple(load.encode_chunk(pcm[at : at + size]) for at in range(0, len(pcm), size))
    )


def clips() -> tuple[Clip, ...]:
    files = sorted(file for file in (RECORDINGS / "commands-en").glob("*.wav") if not file.name.startswith(UNKNOWN))
    if not files:
        sys.exit(f"There are no recordings in {RECORDINGS}; set WYOMING_ROSIE_TEST_DATA to their folder.")
    return tuple(clip(read_wav(file)[1]) for file in files)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=DIMS, default=tuple(DIMS), help="dimensions [all]")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each server [%(default)s]")
    parser.add_argument("--utterances", type=int, default=8, help="of each client in a run [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="of the processor for one utterance [%(default)s]")
    parser.add_argument("--arguments", default="", help="more for our daemon")
    parser.add_argument("--out", type=Path, help="a JSON file for every run")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    plan = Plan(
        models=tuple(given.models),
        rounds=given.rounds,
        utterances=given.utterances,
        threads=given.threads,
        arguments=tuple(shlex.split(given.arguments)),
        clips=clips(),
    )
    gc.freeze()  # keeps garbage collection of long-lived objects from pausing the client
    with tempfile.TemporaryDirectory() as folder:
        runs = asyncio.run(measure(plan, Path(folder)))
    print(format_table(rows(runs), [PACKAGE]))
    if given.out is not None:
        write_json(given.out, {"machine": describe_machine(), "runs": [asdict(run) for run in runs]})


if __name__ == "__main__":
    main()
