"""Our asr daemon beside wyoming-faster-whisper with real weights: last word to transcript over the wire, and word error rate.

    scripts/peers                                  once: makes the other's environment
    python -m benchmarks.asr_weights MODEL_FOLDER... [--every N] [--out FILE.json]

with WYOMING_ROSIE_TEST_DATA=FOLDER as for accuracy_asr.py. All servers of a model run at the same time; each command is sent to
one after the other, in real time and in an order that rotates, so that they meet the same disturbances. "Stop" is an
`audio-stop` 500 ms after the last word, as by a conductor that hears the end of speech; "guess" is the last speculative
transcript that such a conductor gets; without a stop our daemon ends the command itself. Names are those of the home.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from wyoming.event import Event

from benchmarks import load
from benchmarks.accuracy_asr import home
from benchmarks.asr import ANSWER_SECONDS, AUDIO_STOP, PACKAGE, PEER_PYTHON, SILENCE_SECONDS
from benchmarks.load import AUDIO_START, CHUNK_SECONDS, loop_time
from benchmarks.peers.processes import PeerServer, RunningServer, run_server
from benchmarks.peers.rounds import describe_machine, print_run, write_json
from benchmarks.peers.tables import OURS
from tests.integration.spoken_commands import home_file
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.protocol.wire import Decoder, encode
from wyoming_rosie_asr.engines.faster_whisper.engine import list_names
from wyoming_rosie_asr.word_error_rate import count_word_errors, normalize_words, read_reference

SETS = {"commands-en": "people", "commands-en-tts": "synthetic"}
LONGEST_SILENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.3
BEAM, THREADS = 1, 2


@dataclass(frozen=True)
class Command:
    kind: str
    said: str
    seconds: float  # until the last word has ended
    pcm: bytes  # followed by silence


@dataclass(frozen=True)
class Contestant:
    """A server, and whether the client stops it."""

    server: PeerServer
    stops: bool = True

    @property
    def name(self) -> str:
        return self.server.name if self.stops else f"{self.server.name}, no stop"


@dataclass(frozen=True)
class Measurement:
    """A command at a server: latencies after the last word in ms, and the CPU time in s."""

    contestant: str
    kind: str
    said: str
    text: str
    transcript_ms: float
    guess_ms: float | None
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.contestant}: {self.transcript_ms:.0f} ms, {self.said!r} -> {self.text!r}"


class Listener(asyncio.Protocol):
    """A connection that notes the last guess and waits for the transcript."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._loop = asyncio.get_running_loop()
        self.transcript: asyncio.Future[tuple[float, str]] = self._loop.create_future()
        self.guessed_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, data: bytes) -> None:
        self._transport.write(data)

    def end(self) -> None:
        self.transcript.cancel()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next()) is not None:
            if event.type == "user-event" and (event.data.get("data") or {}).get("text"):
                self.guessed_at = self._loop.time()
            elif event.type == "transcript" and not self.transcript.done():
                self.transcript.set_result((self._loop.time(), event.data["text"]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.transcript.done():
            self.transcript.set_exception(ConnectionError("the server left without a transcript"))


async def say(process: RunningServer, contestant: Contestant, command: Command) -> Measurement:
    """Send a command in real time and wait for its transcript."""
    listener, cpu_before = await load.connect(process.port, Listener()), process.cpu_seconds()
    seconds = command.seconds + (SILENCE_SECONDS if contestant.stops else LONGEST_SILENCE_SECONDS)
    try:
        begun = loop_time()
        listener.send(encode(Event("transcribe", {"language": "en", "context": {"conducted": contestant.stops}})))
        listener.send(AUDIO_START)
        for index, chunk in enumerate(_split(command.pcm[: SPEECH.bytes_in(seconds)]), start=1):
            await asyncio.sleep(begun + min(index * CHUNK_SECONDS, seconds) - loop_time())
            if listener.transcript.done():
                break
            listener.send(load.encode_chunk(chunk))
        listener.send(AUDIO_STOP)
        at, text = await asyncio.wait_for(listener.transcript, ANSWER_SECONDS)
        last_word = begun + command.seconds
        guess = None if listener.guessed_at is None else 1000 * (listener.guessed_at - last_word)
        return Measurement(
            contestant.name,
            command.kind,
            command.said,
            text.strip(),
            1000 * (at - last_word),
            guess,
            process.cpu_seconds() - cpu_before,
        )
    finally:
        listener.end()


def _split(pcm: bytes) -> Iterator[bytes]:
    size = SPEECH.bytes_in(CHUNK_SECONDS)
    yield from (pcm[at : at + size] for at in range(0, len(pcm), size))


def load_commands(folder: Path, every: int) -> list[Command]:
    silence = load.create_noise(random.Random(1), SPEECH.bytes_in(LONGEST_SILENCE_SECONDS))
    found = []
    for name, kind in SETS.items():
        for file in sorted((folder / name).glob("*.wav")):
            if said := read_reference(file):
                pcm = read_wav(file)[1]
                end = load.find_speech(pcm).end
                found.append(Command(kind, said, end, pcm[: SPEECH.bytes_in(end + SILENCE_SECONDS)] + silence))
    return found[::every]


def contestants(model: Path, known: Path, names: str) -> list[Contestant]:
    """Return the servers with a model, each with its settings."""
    ours = str(Path(sys.executable).with_name("wyoming-rosie-asr"))
    is_multilingual = not model.name.endswith(".en")
    flags = (
        f"--home {known} --faster-whisper.model {model} --faster-whisper.beam {BEAM} --faster-whisper.threads {THREADS}"
    )
    flags += " --faster-whisper.compute int8" + (" --faster-whisper.language en" if is_multilingual else "")
    theirs = (
        f"-m wyoming_faster_whisper --model {model} --data-dir {model} --local-files-only --stt-library faster-whisper"
    )
    theirs += f" --beam-size {BEAM} --cpu-threads {THREADS} --compute-type int8 --language en"
    whisper = ("--engine", "faster-whisper", *flags.split())
    named = PeerServer(f"{OURS}, names", (ours, *whisper))
    cascade = PeerServer(f"{OURS}, cascade", (ours, "--engine", "cascade", *flags.split()))
    plain = PeerServer(OURS, (ours, *whisper, "--faster-whisper.no-home-names"))
    found = [
        Contestant(plain),
        Contestant(named),
        Contestant(named, stops=False),
        Contestant(cascade),
        Contestant(cascade, stops=False),
    ]
    if not PEER_PYTHON.exists():
        print(f"{PACKAGE} is not installed and left out; scripts/peers installs it.", file=sys.stderr)
        return found
    peer = (str(PEER_PYTHON), *theirs.split())
    return [
        *found,
        Contestant(PeerServer(PACKAGE, peer)),
        Contestant(PeerServer(f"{PACKAGE}, names", (*peer, "--initial-prompt", names))),
    ]


async def measure(model: Path, commands: Sequence[Command], known: Path, names: str) -> list[Measurement]:
    """Send each command to all servers of a model."""
    found = []
    async with AsyncExitStack() as stack:
        rivals = contestants(model, known, names)
        servers = {rival.server.name: rival.server for rival in rivals}
        running = {name: await stack.enter_async_context(run_server(server)) for name, server in servers.items()}
        for rival in rivals:
            await say(running[rival.server.name], rival, commands[0])  # some servers load their model now
        for number, command in enumerate(commands):
            turn = number % len(rivals)
            for rival in (*rivals[turn:], *rivals[:turn]):
                await asyncio.sleep(PAUSE_SECONDS)
                found.append(print_run(await say(running[rival.server.name], rival, command)))
    return found


def format_rows(model: str, found: Sequence[Measurement]) -> Iterator[str]:
    """Yield a line of Markdown for each server."""
    by_server = defaultdict[str, list[Measurement]](list)
    for one in found:
        by_server[one.contestant].append(one)
    for server, runs in by_server.items():
        latency = statistics.median(run.transcript_ms for run in runs)
        most = load.percentile([run.transcript_ms for run in runs], 90)
        guesses = [run.guess_ms for run in runs if run.guess_ms is not None]
        guess = f"{statistics.median(guesses):.0f}" if guesses else "-"
        cells = [_format_errors([run for run in runs if run.kind == kind]) for kind in SETS.values()]
        cpu = statistics.median(run.cpu_seconds for run in runs)
        yield f"| {model} | {server} | {latency:.0f}, {most:.0f} | {guess} | {' | '.join(cells)} | {cpu:.2f} |"


def _format_errors(runs: Sequence[Measurement]) -> str:
    pairs = [(normalize_words(run.said), normalize_words(run.text.replace("%", " percent"))) for run in runs]
    words = sum(len(said) for said, _ in pairs)
    errors = sum(count_word_errors(said, text) for said, text in pairs)
    return f"{100 * errors / words:.1f} %, {sum(said == text for said, text in pairs)}" if words else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every so manyth command")
    parser.add_argument("--out", type=Path, help="a JSON file for every measurement")
    given = parser.parse_args()
    folder = Path(os.environ["WYOMING_ROSIE_TEST_DATA"])
    commands, names = load_commands(folder, given.every), ", ".join(list_names(home(folder)))
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        known = Path(scratch) / "home.toml"
        known.write_text(home_file(folder / "commands-en" / "upstream_fixtures_en.yaml"), "utf-8")
        for model in given.models:
            found[model.name] = asyncio.run(measure(model, commands, known, f"{names}."))
    print("| model | server | last word to transcript: median, 90 %, ms | to guess | people | synthetic | CPU, s |")
    print("|---|---|---|---|---|---|---|")
    for model, runs in found.items():
        print("\n".join(format_rows(model, runs)))
    if given.out is not None:
        machine: dict[str, object] = {"machine": describe_machine()}
        write_json(given.out, {**machine, **{model: [asdict(run) for run in runs] for model, runs in found.items()}})


if __name__ == "__main__":
    main()
