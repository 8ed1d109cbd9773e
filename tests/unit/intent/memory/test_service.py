"""The memory of the daemon goes on where its store does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from tests.waiting import wait_until
from wyoming_rosie_intent.memory.embedding import EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    MemoryKind,
    MemoryRecord,
    MemoryStore,
    MemoryStoreError,
)
from wyoming_rosie_intent.memory.service import MAX_PENDING, MemoryService, OpenStore
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite

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
async def running(open_store: OpenStore) -> AsyncIterator[MemoryService]:
    service = MemoryService(open_store)
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
