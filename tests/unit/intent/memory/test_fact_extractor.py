"""When talk is looked at for facts, and what interrupts it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.unit.intent.memory.conversations import NOON, PRIVATE_HOME
from tests.unit.intent.memory.test_grounding import said
from tests.waiting import wait_until
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_intent.llm.model import ModelError
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory, MemoryPolicy
from wyoming_rosie_intent.memory.extraction.extractor import BATCH, MAX_UNREADABLE, FactExtractor
from wyoming_rosie_intent.memory.extraction.schedule import ExtractionSchedule
from wyoming_rosie_intent.memory.model import ADMIN, EVERYTHING, MemoryFilter, MemoryKind, MemoryRecord
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite

IDLE = 300.0


class EchoModel:
    """Takes each sentence for a fact, or answers as scripted; an event delays its answers."""

    def __init__(self, *answers: str | ModelError, gate: asyncio.Event | None = None) -> None:
        self.answers = list(answers)
        self.gate = gate
        self.asked: list[Sequence[str]] = []
        self.cancelled = 0
        self.restored = 0

    async def find_facts(self, sentences: Sequence[str]) -> str:
        self.asked.append(sentences)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answer = self.answers.pop(0) if self.answers else _echo(sentences)
        if isinstance(answer, ModelError):
            raise answer
        return answer

    def restore_prompt(self) -> None:
        self.restored += 1


def _echo(sentences: Sequence[str]) -> str:
    return json.dumps({"facts": [{"sentence": number, "text": text} for number, text in enumerate(sentences, 1)]})


class House:
    """A memory, and an extractor of it that has no pauses."""

    def __init__(self, folder: Path, model: EchoModel, policy: MemoryPolicy | None = None) -> None:
        self.model = model
        self.service = MemoryService(lambda _: sqlite.load(folder / "memory.db"), clock=NOON.timestamp)
        memory = DialogueMemory(self.service, lambda: PRIVATE_HOME, policy)
        schedule = ExtractionSchedule(0.0, 0.0, Backoff(0.0, 0.0))
        self.extractor = FactExtractor(self.service, memory, model, folder / "mark.json", 0.0, schedule)

    async def facts(self) -> list[MemoryRecord]:
        return await self.service.find(ADMIN, MemoryFilter(kinds=(MemoryKind.FACT,)), 1000)

    async def fact_texts(self) -> list[str]:
        return sorted(fact.text for fact in await self.facts())

    async def say(self, *sentences: MemoryRecord) -> None:
        await self.service.add(sentences)
        with self.extractor.turn():
            pass


@asynccontextmanager
async def living(folder: Path, model: EchoModel, policy: MemoryPolicy | None = None) -> AsyncIterator[House]:
    """Run a memory during the block, not yet the extractor."""
    house = House(folder, model, policy)
    task = asyncio.create_task(house.service.run())
    await wait_until(lambda: house.service.problem is None)
    try:
        yield house
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def extracting(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(house.extractor.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_talk_is_looked_at_when_nobody_has_spoken_for_a_while() -> None:
    schedule = ExtractionSchedule(IDLE, 0.0)
    assert schedule.get_wait(100.0) == 200.0
    schedule.on_turn_start()
    assert schedule.get_wait(10_000.0) is None, "a turn runs"
    schedule.on_turn_start()
    schedule.on_turn_end(10_000.0)
    assert schedule.get_wait(20_000.0) is None, "another turn runs"
    schedule.on_turn_end(20_000.0)
    schedule.on_wake_word(20_100.0)
    assert schedule.get_wait(20_100.0) == IDLE
    assert schedule.get_wait(20_400.0) == 0
    schedule.on_success(has_more=True)
    assert schedule.get_wait(20_401.0) == 0
    schedule.on_success(has_more=False)
    assert schedule.get_wait(90_000.0) is None, "there is nothing new"


def test_pauses_after_failures_grow_and_end_with_a_success() -> None:
    schedule = ExtractionSchedule(0.0, 0.0, Backoff(60.0, 3600.0, lambda: 0.0))
    waits = []
    for _ in range(8):
        schedule.on_failure(0.0)
        waits.append(schedule.get_wait(0.0))
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    schedule.on_success(has_more=True)
    schedule.on_failure(5000.0)
    assert schedule.get_wait(5000.0) == 60


@given(st.lists(st.sampled_from(["wake", "start", "end", "failure", "more", "done", "time"]), max_size=40))
def test_nothing_is_due_before_the_house_is_idle(steps: list[str]) -> None:
    schedule, now, turns, quiet = ExtractionSchedule(IDLE, 0.0), 0.0, 0, 0.0
    for step in steps:
        match step:
            case "wake":
                schedule.on_wake_word(now)
                quiet = now
            case "start":
                schedule.on_turn_start()
                turns += 1
            case "end" if turns:
                schedule.on_turn_end(now)
                turns, quiet = turns - 1, now
            case "failure":
                schedule.on_failure(now)
            case "more" | "done":
                schedule.on_success(has_more=step == "more")
            case _:
                now += 70.0
        if schedule.get_wait(now) == 0:
            assert not turns
            assert now - quiet >= IDLE


async def test_talk_is_looked_at_once_also_after_a_restart(tmp_path: Path) -> None:
    async with living(tmp_path, EchoModel()) as house:
        sentences = [
            said(f"my box {number} is in the attic", at=2e9 + number, turn=f"t{number}") for number in range(25)
        ]
        await house.say(*sentences)
        async with extracting(house):
            await wait_until(lambda: house.model.restored)
        assert [len(asked) for asked in house.model.asked] == [BATCH, BATCH, 5]
        assert len(await house.facts()) == 25
    async with living(tmp_path, EchoModel()) as house, extracting(house):
        await house.say(said("our cat is called Tom", at=3e9, turn="new"))
        await wait_until(lambda: house.model.restored)
        assert house.model.asked == [["our cat is called Tom"]]


@pytest.mark.parametrize("by_turn", [True, False], ids=["turn", "wake word"])
async def test_a_turn_or_a_wake_word_cancels_the_request_at_once(tmp_path: Path, by_turn: bool) -> None:
    async with living(tmp_path, EchoModel(gate=asyncio.Event())) as house, extracting(house):
        await house.say(said("our cat is called Tom"))
        await wait_until(lambda: house.model.asked)
        before = len(house.model.asked)
        if by_turn:
            with house.extractor.turn():
                await asyncio.sleep(0)
                assert house.model.cancelled == before
                await asyncio.sleep(0.05)
                assert len(house.model.asked) == before, "nothing is asked during a turn"
        else:
            house.extractor.on_wake_word()
            await asyncio.sleep(0)
            assert house.model.cancelled == before
        assert house.model.gate is not None
        house.model.gate.set()
        await wait_until(lambda: house.model.restored)
        assert await house.fact_texts() == ["our cat is called Tom"], "the sentence is looked at again"


async def test_what_is_forgotten_meanwhile_leaves_no_fact(tmp_path: Path) -> None:
    async with living(tmp_path, EchoModel(gate=asyncio.Event())) as house, extracting(house):
        await house.say(said("our cat is called Tom"))
        await wait_until(lambda: house.model.asked)
        assert await house.service.forget(ADMIN, MemoryFilter(turn="t")) == 1
        assert house.model.gate is not None
        house.model.gate.set()
        await wait_until(lambda: house.model.restored)
        assert await house.service.find(ADMIN, EVERYTHING) == []


async def test_forgetting_the_source_leaves_no_byte_of_the_fact(tmp_path: Path) -> None:
    async with living(tmp_path, EchoModel()) as house:
        async with extracting(house):
            await house.say(said("our cat is called Zebedee"))
            await wait_until(lambda: house.model.restored)
        (fact,) = await house.facts()
        assert fact.text == "our cat is called Zebedee"
        assert find_bytes(tmp_path, b"zebedee")
        where = MemoryFilter(kinds=(MemoryKind.CONVERSATION,))
        assert await house.service.forget(ADMIN, where) == 2, "the sentence and its fact"
        assert not find_bytes(tmp_path, b"zebedee")
    assert not find_bytes(tmp_path, b"zebedee")


def find_bytes(folder: Path, text: bytes) -> list[str]:
    """Return the files that have a text, in any case."""
    return [file.name for file in folder.iterdir() if text in file.read_bytes().lower()]


async def test_a_newer_statement_replaces_the_one_it_contradicts(tmp_path: Path) -> None:
    async with living(tmp_path, EchoModel()) as house, extracting(house):
        await house.say(said("my bin day is Monday", turn="one"), said("my bin day is Friday", at=2.1e9, turn="two"))
        await wait_until(lambda: house.model.restored)
        assert await house.fact_texts() == ["my bin day is Friday"]
        every = await house.service.find(ADMIN, MemoryFilter(kinds=(MemoryKind.FACT,), with_replaced=True))
        assert len(every) == 2


async def test_rooms_persons_and_guests_whose_talk_is_not_kept_give_no_facts(tmp_path: Path) -> None:
    policy = MemoryPolicy(off_rooms=("kitchen",), off_persons=("Eve",), has_guests=True)
    async with living(tmp_path, EchoModel(), policy) as house, extracting(house):
        await house.say(
            said("my bin day is Monday", person="ada"),
            said("my sister is Ada", person="eve", room="bedroom"),
            said("my dog is Rex", room="bedroom"),
            said("my boat is blue", person="ada", room="bedroom"),
        )
        await wait_until(lambda: house.model.restored)
        assert house.model.asked == [["my boat is blue"]]


async def test_a_model_that_is_away_is_asked_again_and_its_failure_logged_once(tmp_path: Path) -> None:
    away = [ModelError("no language model of the home can be asked")] * 3
    async with living(tmp_path, EchoModel(*away)) as house, extracting(house):
        with capture_logs() as logged:
            await house.say(said("our cat is called Tom"))
            await wait_until(lambda: house.model.restored)
        assert await house.fact_texts() == ["our cat is called Tom"]
    failed = [entry for entry in logged if entry["event"] == "facts not extracted"]
    assert [entry["log_level"] for entry in failed] == ["info"]
    assert not [entry for entry in logged if entry["log_level"] in {"warning", "error"}]


@pytest.mark.parametrize("answer", ["", "I found none.", '{"facts": [{"sentence": 1, "te', '{"facts": "none"}'])
async def test_nonsense_stores_nothing_and_is_given_up_after_a_while(tmp_path: Path, answer: str) -> None:
    async with living(tmp_path, EchoModel(*[answer] * MAX_UNREADABLE)) as house, extracting(house):
        await house.say(said("our cat is called Tom"))
        await wait_until(lambda: house.model.restored)
        assert len(house.model.asked) == MAX_UNREADABLE
        assert await house.facts() == []


async def test_a_broken_mark_begins_anew_and_stores_nothing_twice(tmp_path: Path) -> None:
    async with living(tmp_path, EchoModel()) as house, extracting(house):
        await house.say(said("our cat is called Tom"))
        await wait_until(lambda: house.model.restored)
    (tmp_path / "mark.json").write_text("{nonsense")
    async with living(tmp_path, EchoModel()) as house, extracting(house):
        await wait_until(lambda: house.model.restored)
        assert await house.fact_texts() == ["our cat is called Tom"]
