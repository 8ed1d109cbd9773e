"""The memory of the daemon goes on where its store does not."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.unit.intent.memory.embedding_models import SynonymModel
from tests.waiting import LONGEST_SECONDS, wait_until
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    FoundMemory,
    MemoryKind,
    MemoryRecord,
    MemoryStore,
    MemoryStoreError,
)
from wyoming_rosie_intent.memory.retention import DAY_SECONDS
from wyoming_rosie_intent.memory.service import MAX_PENDING, LoadEmbedding, MemoryService, OpenStore
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.stores.sqlite.database import DatabaseFile
from wyoming_rosie_intent.memory.transfer import MemoryImportError

NOW = 1_800_000_000.0


def fact(text: str) -> MemoryRecord:
    return MemoryRecord(MemoryKind.FACT, text, NOW)


class UnreachableStore:
    """Opens the store at `path` as soon as it may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_away = True

    def __call__(self, model: EmbeddingModel | None) -> MemoryStore:
        if self.is_away:
            raise MemoryStoreError("the disk is away")
        return sqlite.load(self.path)


@asynccontextmanager
async def running(
    open_store: OpenStore,
    load_embedding: LoadEmbedding = lambda: None,
    keep_days: float = 30,
    clock: Callable[[], float] = lambda: NOW,
) -> AsyncIterator[MemoryService]:
    service = MemoryService(open_store, load_embedding, keep_days, clock)
    task = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def read_texts(path: Path) -> list[str]:
    with closing(sqlite.load(path)) as store:
        return [record.text for record in store.find(ADMIN)]


def write(path: Path, records: list[MemoryRecord]) -> None:
    with closing(sqlite.load(path)) as store:
        store.add(records)


async def wait_until_async(get: Callable[[], Awaitable[list[str]]], wanted: list[str]) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            with suppress(MemoryStoreError):
                if sorted(await get()) == sorted(wanted):
                    return
            await asyncio.sleep(0.005)


async def stored(service: MemoryService) -> list[str]:
    return [record.text for record in await service.find(ADMIN)]


async def test_what_is_remembered_is_found(tmp_path: Path) -> None:
    async with running(lambda _: sqlite.load(tmp_path / "memory.db")) as service:
        service.remember(fact("my bin day is Tuesday"))
        await wait_until(lambda: service.problem is None)
        assert [found.record.text for found in await service.search("bin day", ADMIN, NOW)] == ["my bin day is Tuesday"]


async def test_what_is_remembered_last_is_written_at_the_end(tmp_path: Path) -> None:
    async with running(lambda _: sqlite.load(tmp_path / "memory.db")) as service:
        await wait_until(lambda: service.problem is None)
        service.remember(fact("last words"))
    assert await asyncio.to_thread(read_texts, tmp_path / "memory.db") == ["last words"]


async def test_a_store_that_is_away_is_reported_once_and_gets_all_later(tmp_path: Path) -> None:
    away = UnreachableStore(tmp_path / "memory.db")
    async with running(away) as service:
        service.remember(*(fact(str(number)) for number in range(MAX_PENDING + 1)))
        await wait_until(lambda: service.problem == "the disk is away")
        assert service.take_new_problem() == "the disk is away"
        assert service.take_new_problem() is None
        assert await service.search("1", ADMIN, NOW) == []
        away.is_away = False
        await wait_until(lambda: service.problem is None)
        assert sorted(await stored(service), key=int) == [str(number) for number in range(1, MAX_PENDING + 1)]


async def test_what_was_not_written_yet_is_forgotten_too(tmp_path: Path) -> None:
    away = UnreachableStore(tmp_path / "memory.db")
    async with running(away) as service:
        await wait_until(lambda: service.problem == "the disk is away")
        service.remember(fact("secret"))
        with suppress(MemoryStoreError):
            await service.forget(ADMIN, EVERYTHING)
        away.is_away = False
        await wait_until(lambda: service.problem is None)
        assert await stored(service) == []


def said(text: str, at: float = NOW) -> MemoryRecord:
    return MemoryRecord(MemoryKind.CONVERSATION, text, at)


async def stored_if(service: MemoryService, text: str) -> list[str]:
    return [found for found in await stored(service) if found == text]


def damage_file(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4 * 4096)
        file.write(b"\xff" * (size - 4 * 4096))


class SlowlyExportedStore(sqlite.SqliteStore):
    """Exports only once it may."""

    def __init__(self, path: Path) -> None:
        super().__init__(DatabaseFile(path))
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def export(self) -> Iterator[MemoryRecord]:
        self.begun.set()
        assert self.may_go_on.wait(LONGEST_SECONDS)
        return super().export()


class FailingStore(sqlite.SqliteStore):
    """Has a fault in its search."""

    def search(self, *_: object, **__: object) -> list[FoundMemory]:
        raise ZeroDivisionError("about the bin day")


async def test_a_code_is_not_stored_and_its_speaker_is_told(tmp_path: Path) -> None:
    async with running(lambda _: sqlite.load(tmp_path / "m.db")) as service:
        assert not service.remember(fact("my pin is 1234"), fact("my bin day is Tuesday"))
        await wait_until(lambda: service.problem is None)
        assert await stored(service) == ["my bin day is Tuesday"]


async def test_talk_is_not_stored_for_no_days(tmp_path: Path) -> None:
    async with running(lambda _: sqlite.load(tmp_path / "m.db"), keep_days=0) as service:
        service.remember(said("hello"), fact("my bin day is Tuesday"))
        await wait_until(lambda: service.problem is None)
        assert await stored(service) == ["my bin day is Tuesday"]


async def test_old_talk_is_erased_and_facts_stay(tmp_path: Path) -> None:
    old = NOW - 31 * DAY_SECONDS
    await asyncio.to_thread(write, tmp_path / "m.db", [said("old", old), said("new"), replace(fact("fact"), at=old)])
    async with running(lambda _: sqlite.load(tmp_path / "m.db"), clock=lambda: NOW) as service:
        await wait_until_async(lambda: stored(service), ["new", "fact"])


async def test_nothing_is_erased_by_a_clock_that_lost_its_time(tmp_path: Path) -> None:
    await asyncio.to_thread(write, tmp_path / "m.db", [said("before")])
    async with running(lambda _: sqlite.load(tmp_path / "m.db"), clock=lambda: 0.0) as service:
        service.remember(said("in 1970", 7.0))
        await wait_until_async(lambda: stored(service), ["in 1970", "before"])
        assert [record.at for record in await service.find(ADMIN)] == [NOW, NOW]


async def test_a_file_damaged_while_running_is_reported_once_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    await asyncio.to_thread(write, path, [fact(f"number {number} {'x' * 300}") for number in range(400)])
    async with running(lambda _: sqlite.load(path)) as service:
        await wait_until(lambda: service.problem is None)
        await asyncio.to_thread(damage_file, path)
        with suppress(MemoryStoreError):  # its writer may have noticed before
            await stored(service)
        service.remember(fact("goes on"))
        await wait_until_async(lambda: stored_if(service, "goes on"), ["goes on"])
        assert service.take_new_problem() is not None
        assert service.take_new_problem() is None


async def test_a_fault_in_a_store_ends_no_turn(tmp_path: Path) -> None:
    async with running(lambda _: FailingStore(DatabaseFile(tmp_path / "m.db"))) as service:
        await wait_until(lambda: service.problem is None)
        assert await service.search("bin day", ADMIN, NOW) == []
        service.remember(fact("still works"))
        await wait_until_async(lambda: stored(service), ["still works"])


async def test_a_fault_in_the_opening_is_a_problem_that_may_pass(tmp_path: Path) -> None:
    faults = [ZeroDivisionError()]

    def open_store(_: EmbeddingModel | None) -> MemoryStore:
        if faults:
            raise faults.pop()
        return sqlite.load(tmp_path / "m.db")

    async with running(open_store) as service:
        service.remember(fact("kept"))
        await wait_until(lambda: service.problem is None)
        assert service.take_new_problem() == "the memory failed: ZeroDivisionError"
        assert await stored(service) == ["kept"]


async def test_without_its_embedding_model_the_memory_finds_words_and_says_so(tmp_path: Path) -> None:
    def load_embedding() -> None:
        raise ConfigError("the model is not here; fetch it")

    async with running(lambda _: sqlite.load(tmp_path / "m.db"), load_embedding) as service:
        service.remember(fact("my bin day is Tuesday"))
        await wait_until(lambda: service.problem is None)
        assert service.embedding_problem == "the model is not here; fetch it"
        assert len(await service.search("bin day", ADMIN, NOW)) == 1


async def test_memories_are_embedded_when_the_model_is_back_and_it_is_closed_at_the_end(tmp_path: Path) -> None:
    model = SynonymModel()
    model.is_away = True
    async with running(lambda found: sqlite.load(tmp_path / "m.db", found), lambda: model) as service:
        service.remember(fact("bin Tuesday"))
        await wait_until(lambda: service.embedding_problem == "the model is away")
        model.is_away = False
        await wait_until(lambda: service.embedding_problem is None)
        assert [found.record.text for found in await service.search("rubbish", ADMIN, NOW)] == ["bin Tuesday"]
    assert model.is_closed


async def test_a_turn_does_not_wait_for_an_export(tmp_path: Path) -> None:
    store = await asyncio.to_thread(SlowlyExportedStore, tmp_path / "memory.db")
    async with running(lambda _: store) as service:
        await service.add([fact("my bin day is Tuesday")])
        export = asyncio.create_task(service.export_file(tmp_path / "export"))
        await wait_until(store.begun.is_set)
        assert await stored(service) == ["my bin day is Tuesday"]
        store.may_go_on.set()
        assert await export == 1


async def test_an_export_is_imported_whole_and_a_backup_is_a_store(tmp_path: Path) -> None:
    async with running(lambda _: sqlite.load(tmp_path / "a.db")) as service:
        await wait_until(lambda: service.problem is None)
        await service.add([fact("a"), said("b")])
        assert await service.export_file(tmp_path / "export") == 2
        await service.backup(tmp_path / "backup.db")
    async with running(lambda _: sqlite.load(tmp_path / "b.db")) as service:
        await wait_until(lambda: service.problem is None)
        assert await service.import_file(tmp_path / "export") == 2
        assert sorted(await stored(service)) == ["a", "b"]
        assert (await service.stats()).counts == {MemoryKind.FACT: 1, MemoryKind.CONVERSATION: 1}
        with pytest.raises(MemoryImportError, match="no UTF-8 text"):
            await service.import_file(tmp_path / "backup.db")
        with pytest.raises(MemoryImportError, match="No such file"):
            await service.import_file(tmp_path / "none")
        with pytest.raises(MemoryStoreError, match="File exists"):
            await service.export_file(tmp_path / "export")
    assert sorted(await asyncio.to_thread(read_texts, tmp_path / "backup.db")) == ["a", "b"]


@pytest.mark.parametrize("text", ["bin\0 day", "bin day \ud800", "bin day " + "x" * 1_000_000])
async def test_any_text_may_be_searched_for(tmp_path: Path, text: str) -> None:
    async with running(lambda found: sqlite.load(tmp_path / "m.db", found), SynonymModel) as service:
        service.remember(fact("bin day"))
        await wait_until(lambda: service.problem is None)
        await service.search(text, ADMIN, NOW)
        assert service.problem is None
        assert [found.record.text for found in await service.search("bin day", ADMIN, NOW)] == ["bin day"]


async def test_what_failed_is_logged_without_what_was_said(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with running(lambda _: FailingStore(DatabaseFile(tmp_path / "m.db"))) as service:
            await wait_until(lambda: service.problem is None)
            await service.search("xylophone", ADMIN, NOW)
    shown = [str(line) for line in lines if line["log_level"] != "debug"]
    assert any("ZeroDivisionError" in line for line in shown)
    assert not any("xylophone" in line or "bin day" in line for line in shown)


async def test_a_turn_does_not_wait_for_the_opening_and_a_command_does(tmp_path: Path) -> None:
    may_open = threading.Event()

    def open_store(_: EmbeddingModel | None) -> MemoryStore:
        assert may_open.wait(LONGEST_SECONDS)
        return sqlite.load(tmp_path / "m.db")

    async with running(open_store) as service:
        assert await service.search("bin day", ADMIN, NOW) == []
        assert service.take_new_problem() is None
        asked = asyncio.create_task(service.find(ADMIN))
        await asyncio.sleep(0)
        assert not asked.done()
        may_open.set()
        assert await asked == []
