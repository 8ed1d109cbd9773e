"""Memory benchmark: python -m benchmarks.memory [--models FOLDER] [--sizes 1000 10000] [--only recall|stores].

Recall: 200 questions over 2,000 memories of a made household, for each embedding; half of the questions may be looked at to set
thresholds, the other half is only counted. Stores: insertion, search, forgetting, size, RSS and start, for SQLite and, after
`scripts/chroma-tests --install`, ChromaDB with the same vectors, each in a process of its own; progress is on standard error.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import psutil

from benchmarks import memory_set
from benchmarks.memory_set import Question
from wyoming_rosie.config import data_folder
from wyoming_rosie.models import embeddings
from wyoming_rosie_intent.memory import embedding
from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    FoundMemory,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    MemoryStore,
)
from wyoming_rosie_intent.memory.stores import chroma
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.vectors import Vectors, normalize

NOW = 1_800_000_000.0
MEGABYTE = 1_000_000
SIZES = (1_000, 10_000, 100_000)
QUERIES = 100
SEARCH_SECONDS = 45.0
"""Longest time for the searches of one scope, of which the slowest store then makes fewer."""
BATCH = 1_000
PROGRESS_SECONDS = 10.0
ROOT = Path(__file__).parents[1]
CHROMA_PYTHON = ROOT / ".venv-peers" / "chroma" / "bin" / "python"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "servers")))}
PERSONS, ROOMS = (None, "ada", "eve"), ("kitchen", "bedroom", "office", "hall")
GUEST = MemoryScope("kitchen", None, frozenset({"office"}))
HERE = MemoryScope("kitchen", "ada", frozenset({"office"}))


class TopicModel:
    """As fast as no model: texts of one topic lie near each other, in 384 dimensions."""

    name = "topics"
    floor, sure_floor = 0.4, 0.5
    languages: frozenset[str] = frozenset()

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> Vectors:
        return normalize(np.stack([self._draw(text.split()[-1]) + 0.7 * self._draw(text) for text in texts]))

    def close(self) -> None:
        return

    def _draw(self, text: str) -> Vectors:
        return np.random.default_rng(zlib.crc32(text.encode())).standard_normal(384).astype(np.float32)


def main() -> None:
    """Print the tables of docs/performance.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=data_folder(), help="folder of fetched models")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", choices=("recall", "stores"))
    parser.add_argument("--child", nargs=2, metavar=("STORE", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure_store(options.child[0], int(options.child[1]))))
        return
    if options.only != "stores":
        print_recall(options.models)
    if options.only != "recall":
        print_stores(options.sizes)


def print_recall(models: Path) -> None:
    print("| embedding | questions | first | in the first 5 | another first | nothing | of 20 without an answer |")
    print("|---|---|---|---|---|---|---|")
    for name in ("none", "wordllama", "minilm"):
        model = None if name == "none" else _load(name, models)
        if name != "none" and model is None:
            print(f"| {name} | not fetched |")
            continue
        for is_counted in (False, True):
            print(format_recall(name, is_counted, ask_all(model, is_counted)))


@dataclass(frozen=True)
class Reply:
    question: Question
    found: list[FoundMemory]

    @property
    def texts(self) -> list[str]:
        return [memory.record.text for memory in self.found]


def ask_all(model: EmbeddingModel | None, is_counted: bool) -> list[Reply]:
    """Ask one half of the questions."""
    made = memory_set.make()
    records = [_record(MemoryKind.FACT, text) for text in made.facts]
    records += [_record(MemoryKind.CONVERSATION, text) for text in made.talk]
    random.Random(1).shuffle(records)
    asked = [question for question in made.questions if question.is_counted == is_counted]
    with tempfile.TemporaryDirectory() as folder, closing(sqlite.load(Path(folder, "memory.db"), model)) as store:
        store.add(records)
        while store.embed_pending():
            pass
        return [Reply(question, store.search(question.text, HERE, NOW, language="en")) for question in asked]


def format_recall(name: str, is_counted: bool, replies: Sequence[Reply]) -> str:
    """Return the lines of one embedding: all that is found, and what is sure."""
    answerable = [reply for reply in replies if reply.question.answer is not None]
    empty = [reply for reply in replies if reply.question.answer is None]
    right = sum(reply.texts[:1] == [reply.question.answer] for reply in answerable)
    among = sum(reply.question.answer in reply.texts for reply in answerable)
    nothing = sum(not reply.found for reply in answerable)
    wrong = len(answerable) - right - nothing
    half = f"{len(answerable)} {'only counted' if is_counted else 'for thresholds'}"
    line = (
        f"| {name} | {half} | {right} | {among} | {wrong} | {nothing} | {sum(bool(reply.found) for reply in empty)} |"
    )
    sure = [reply for reply in answerable if reply.found and reply.found[0].is_sure]
    sure_right = sum(reply.texts[0] == reply.question.answer for reply in sure)
    sure_empty = sum(bool(reply.found) and reply.found[0].is_sure for reply in empty)
    sure_wrong, rest = len(sure) - sure_right, len(answerable) - len(sure)
    return f"{line}\n| {name}, sure | {half} | {sure_right} | | {sure_wrong} | {rest} | {sure_empty} |"


def print_stores(sizes: Iterable[int]) -> None:
    print(
        "\n| store | memories | insert, per s | search p50, p95 | of the processor, p95 | guest p95 | start | forget one | file | RSS |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for size in sizes:
        for name, python in (("sqlite", Path(sys.executable)), ("chroma", CHROMA_PYTHON)):
            if not python.exists():
                print(f"| {name} | not installed |")
                continue
            command = [str(python), "-W", "ignore", "-m", "benchmarks.memory", "--child", name, str(size)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT)
            print(format_store(name, size, json.loads(done.stdout.splitlines()[-1])), flush=True)


def format_store(name: str, size: int, figures: dict[str, float]) -> str:
    return (
        f"| {name} | {size:,} | {size / figures['insert']:,.0f} | {figures['p50']:.1f}, {figures['p95']:.1f} ms "
        f"| {figures['cpu']:.1f} ms | {figures['narrow']:.1f} ms | {figures['start']:.2f} s | {figures['forget']:.0f} ms "
        f"| {figures['size']:.0f} MB | {figures['rss']:.0f} MB |"
    )


class Progress:
    """Tells now and then on standard error how far a store is."""

    def __init__(self, name: str, count: int) -> None:
        self._name = f"{name} {count:,}"
        self._begun = self._told = time.monotonic()

    def note(self, text: str, *, is_last: bool = False) -> None:
        now = time.monotonic()
        if is_last or now - self._told >= PROGRESS_SECONDS:
            self._told = now
            print(f"{self._name}: {text} after {now - self._begun:.0f} s", file=sys.stderr, flush=True)


def measure_store(name: str, count: int) -> dict[str, float]:
    """Return the figures of one store in this process."""
    before = psutil.Process().memory_info().rss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "memory.db")
        records = _make_records(count)
        begun = time.perf_counter()
        progress = Progress(name, count)
        with closing(_open(name, path)) as store:
            for start in range(0, count, BATCH):
                store.add(records[start : start + BATCH])
                progress.note(f"{start + BATCH:,} stored")
            while store.embed_pending():
                progress.note("embedding")
        inserted = time.perf_counter() - begun
        begun = time.perf_counter()
        with closing(_open(name, path)) as store:
            _search(store, "what about the kettle", HERE)
            started = time.perf_counter() - begun
            progress.note("searching")
            durations, cpu = _time_searches(store, HERE)
            narrow, _ = _time_searches(store, GUEST)
            progress.note(f"{len(durations)} questions of the household, {len(narrow)} of a guest", is_last=True)
            rss = psutil.Process().memory_info().rss
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            begun = time.perf_counter()
            store.forget(HERE, MemoryFilter(ids=(records[count // 2 // 12 * 12].id,)))
            forgotten = time.perf_counter() - begun
    return {
        "insert": inserted,
        "start": started,
        "p50": statistics.median(durations),
        "p95": _percentile(durations),
        "cpu": _percentile(cpu),
        "narrow": _percentile(narrow),
        "forget": 1e3 * forgotten,
        "size": size / MEGABYTE,
        "rss": (rss - before) / MEGABYTE,
    }


def _make_records(count: int) -> list[MemoryRecord]:
    """Make talk of a household: sentences that differ in numbers and things, over rooms and persons."""
    made, draw = memory_set.make(), random.Random(2)
    return [
        MemoryRecord(
            MemoryKind.FACT if number % 12 == 0 else MemoryKind.CONVERSATION,
            f"{draw.choice(made.talk)} {number} {draw.choice(made.facts)}",
            NOW - 60.0 * (count - number),
            person=PERSONS[number % 3],
            room=ROOMS[number % 4],
            is_private=number % 4 == 2,
            language="en",
        )
        for number in range(count)
    ]


def _time_searches(store: MemoryStore, scope: MemoryScope) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each search, and those of the processor."""
    durations, cpu = [], []
    end = time.monotonic() + SEARCH_SECONDS
    for question in takewhile(lambda _: time.monotonic() < end, memory_set.make().questions[:QUERIES]):
        begun, used = time.perf_counter(), time.process_time()
        _search(store, question.text, scope)
        durations.append(1e3 * (time.perf_counter() - begun))
        cpu.append(1e3 * (time.process_time() - used))
    return durations, cpu


def _search(store: MemoryStore, text: str, scope: MemoryScope) -> None:
    store.search(text, scope, NOW, language="en")


def _percentile(durations: Sequence[float]) -> float:
    return sorted(durations)[int(0.95 * len(durations))]


def _open(name: str, path: Path) -> MemoryStore:
    return sqlite.load(path, TopicModel()) if name == "sqlite" else chroma.load(chroma.Settings(), path, TopicModel())


def _load(name: str, models: Path) -> EmbeddingModel | None:
    installed = {"minilm": embeddings.MINILM, "wordllama": embeddings.WORDLLAMA}[name]
    return embedding.load(name, None, models) if embeddings.is_installed(installed, models) else None


def _record(kind: MemoryKind, text: str) -> MemoryRecord:
    return MemoryRecord(kind, text, NOW - 86_400, person="ada", language="en")


if __name__ == "__main__":
    main()
