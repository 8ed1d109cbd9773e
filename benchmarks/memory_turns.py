"""Turns with a memory: python -m benchmarks.memory_turns [--sizes 1000 10000 100000].

What the memory adds to a turn of the rules, to one of a language model that answers at once, and how long it takes to answer a
question itself: medians and 95th percentiles in ms by the clock, then of the processor. Between two turns is a pause, in which
what the turn left is written and embedded: nobody waits for that. Vectors are drawn, so that the time of an embedding model comes
on top: MiniLM takes about 6 ms for a sentence.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.memory import TopicModel
from tests.waiting import wait_until
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME, Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, PendingAction
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.model import ModelEvent, Prompt, Restarted, StreamEnd, TextDelta
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.router import RoutingRequest
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules import hassil

SIZES = (1_000, 10_000, 100_000)
TURNS = 100
PAUSE_SECONDS = 0.05
"""Between two turns; those of a person are seconds apart."""
BATCH = 2_000
NOW = datetime(2027, 3, 10, 15, 0, tzinfo=UTC)
ROOMS = ("kitchen", "bedroom", "office", "living_room")
THINGS = ("boiler", "oven", "garden", "bicycle", "piano", "cellar", "roof", "fridge", "fence", "car")
PLACES = ("hall", "attic", "shed", "cupboard", "drawer", "basement", "porch", "larder", "studio", "loft")


class PromptRouter:
    """Answers at once, whatever is asked."""

    tier = "local"
    problem: str | None = None

    def route(self, request: RoutingRequest) -> "PromptRouter":
        return self

    def keep_private(self) -> bool:
        return True

    async def warm_up(self, prompt: Prompt, request: RoutingRequest) -> object:
        return None

    async def complete(self, prompt: Prompt, request: RoutingRequest) -> str:
        raise NotImplementedError

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
        yield TextDelta("I think so, yes.")
        yield StreamEnd()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    home = load_home(DEMO_HOME)
    recognizer = hassil.load(hassil.Settings(), home)
    responses.prepare("en")
    print(
        "| memories | rules | rules, with the memory | model | model, with the memory | more | answer of the memory | load |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in parser.parse_args().sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "memory.db")
            fill(path, size)
            cells = asyncio.run(measure(path, home, recognizer))
            print(f"| {size:,} | {' | '.join(cells)} | {os.getloadavg()[0]:.0f} |", flush=True)


def fill(path: Path, size: int) -> None:
    """Write a store of random talk."""
    with closing(sqlite.load(path, TopicModel())) as store:
        records = create_records(size)
        while batch := list(islice(records, BATCH)):
            store.add(batch)
        while store.embed_pending():
            pass


def create_records(size: int) -> Iterator[MemoryRecord]:
    for number in range(size - 1):
        thing, place = THINGS[number % len(THINGS)], PLACES[number // len(THINGS) % len(PLACES)]
        text = f"what about the {thing} in the {place} of house {number}"
        room = ROOMS[number % len(ROOMS)]
        yield MemoryRecord(MemoryKind.CONVERSATION, text, NOW.timestamp() - number * 60, room=room)
    yield MemoryRecord(MemoryKind.FACT, "my bin day is Tuesday", NOW.timestamp(), language="en")


async def measure(path: Path, home: Home, recognizer: IntentRecognizer) -> list[str]:
    """Return the cells of a row."""
    service = MemoryService(lambda model: sqlite.load(path, model), TopicModel)
    running = asyncio.create_task(service.run())
    await wait_until(lambda: service.problem is None)
    memory = DialogueMemory(service, lambda: home)
    sentences = {
        "rules": (None, "turn on the kitchen light"),
        "rules with": (memory, "turn on the kitchen light"),
        "model": (None, "what do you think of the piano in the attic"),
        "model with": (memory, "what do you think of the piano in the attic"),
        "memory": (memory, "when is my bin day"),
    }
    times = {}
    for name, (known, text) in sentences.items():
        dialogue = create_dialogue(home, recognizer, known)
        turns = [await time_turn(dialogue, text, number) for number in range(TURNS)]
        times[name] = TurnTimes(*zip(*turns[TURNS // 10 :], strict=True))  # the first turns read files
        dialogue.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    cells = {name: one.describe() for name, one in times.items()}
    more = times["model with"].describe_difference(times["model"])
    return [cells["rules"], cells["rules with"], cells["model"], cells["model with"], more, cells["memory"]]


def create_dialogue(home: Home, recognizer: IntentRecognizer, memory: DialogueMemory | None) -> Dialogue:
    executor = ActionExecutor(home, DemoActor(home), frozenset())
    agent = LlmAgent(PromptRouter(), executor, prompt.load(), [HomeTools(executor)], memory=memory)
    return Dialogue(recognizer, executor, Confirmations[PendingAction]((), ()), agent=agent, dialogue_memory=memory)


async def time_turn(dialogue: Dialogue, text: str, number: int) -> tuple[float, float]:
    """Return the milliseconds until the whole answer is there, and those of the processor."""
    began, began_cpu = time.perf_counter(), time.process_time()
    user_input = ConversationInput(text, f"conversation {number}", "en", "kitchen")
    async for _ in dialogue.answer(user_input, NOW, float(number)):
        took, took_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    await asyncio.sleep(PAUSE_SECONDS)
    return 1000 * took, 1000 * took_cpu


@dataclass(frozen=True)
class TurnTimes:
    """Times of turns in milliseconds, by the clock and of the processor."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    def describe(self) -> str:
        """Return median and 95th percentile by the clock, and of the processor."""
        wall, cpu = (
            f"{statistics.median(times):.1f} / {statistics.quantiles(times, n=20)[-1]:.1f}"
            for times in (self.wall, self.cpu)
        )
        return f"{wall} ({cpu})"

    def describe_difference(self, other: "TurnTimes") -> str:
        """Return how much longer the median is than that of others."""
        wall, cpu = (
            statistics.median(times) - statistics.median(others)
            for times, others in ((self.wall, other.wall), (self.cpu, other.cpu))
        )
        return f"{wall:.1f} ({cpu:.1f})"


if __name__ == "__main__":
    main()
