"""A memory whose file a restore replaces goes on with the new one: nothing that was heard or restored is lost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.intent.memory.embedding_models import SynonymModel
from tests.waiting import wait_until
from wyoming_rosie.backup.archive import open_backup, write_backup
from wyoming_rosie.backup.parts import BackupPlaces, service_places
from wyoming_rosie.backup.restore import restore_backup
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStore,
    ReplacedMemoryError,
)
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite

NOW = 1_800_000_000.0
MEMORY = "intent/memory.db"


def fact(text: str) -> MemoryRecord:
    return MemoryRecord(MemoryKind.FACT, text, NOW)


@dataclass
class RestoredHouse:
    """A machine whose memory is backed up and restored while a service has it open."""

    folder: Path
    replaced: list[Path] = field(default_factory=list)

    @property
    def places(self) -> BackupPlaces:
        return service_places(self.folder / "state", self.folder / "etc" / "rosie.toml")

    @property
    def memory(self) -> Path:
        return self.places.state["intent"] / "memory.db"

    @property
    def backup(self) -> Path:
        return self.folder / "backup.tar.gz"

    def back_up(self) -> None:
        write_backup(self.places.find_parts(), self.backup)

    def restore(self) -> None:
        with open_backup(self.backup) as opened:
            result = restore_backup(opened, self.places)
        assert result.needs_restart == ()
        if result.replaced is not None:
            self.replaced.append(Path(result.replaced))

    def read_kept(self) -> set[str]:
        """Return what is in the memory, and in the backups of what was replaced."""
        kept = read_texts(self.memory)
        for file in self.replaced:
            with open_backup(file) as opened:
                kept |= read_texts(opened.files[MEMORY])
        return kept


def read_texts(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {text for (text,) in database.execute("SELECT text FROM memory")}


@asynccontextmanager
async def serving(open_store: Callable[[], MemoryStore]) -> AsyncIterator[MemoryService]:
    service = MemoryService(lambda _: open_store(), clock=lambda: NOW)
    task = asyncio.create_task(service.run())
    await wait_until(lambda: service.problem is None)
    try:
        yield service
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def house(tmp_path: Path) -> RestoredHouse:
    """A house whose backup has one fact, "saved"."""
    made = RestoredHouse(tmp_path)
    made.memory.parent.mkdir(parents=True)
    with closing(sqlite.load(made.memory)) as store:
        store.add([fact("saved")])
    made.back_up()
    return made


async def stored(service: MemoryService) -> set[str]:
    return {record.text for record in await service.find(ADMIN, EVERYTHING, 1000)}


async def test_what_is_heard_after_a_restore_is_written_to_the_new_file(house: RestoredHouse) -> None:
    async with serving(lambda: sqlite.load(house.memory)) as service:
        service.remember(fact("meanwhile"))
        await wait_until(lambda: service.waiting == 0)
        await asyncio.to_thread(house.restore)
        service.remember(fact("after"))
        await wait_until(lambda: service.waiting == 0)
        assert await stored(service) == {"saved", "after"}
        assert service.take_new_problem() is None
    assert await asyncio.to_thread(house.read_kept) == {"saved", "meanwhile", "after"}
    assert await asyncio.to_thread(read_texts, house.memory) == {"saved", "after"}


async def test_a_search_finds_what_was_restored_though_nothing_was_written(house: RestoredHouse) -> None:
    async with serving(lambda: sqlite.load(house.memory, SynonymModel())) as service:
        assert await service.forget(ADMIN, EVERYTHING) == 1
        assert await service.search("saved", ADMIN, NOW) == []
        await asyncio.to_thread(house.restore)
        assert [found.record.text for found in await service.search("saved", ADMIN, NOW)] == ["saved"]
        assert await service.forget(ADMIN, MemoryFilter()) == 1


async def test_a_file_that_was_deleted_is_begun_anew(house: RestoredHouse) -> None:
    async with serving(lambda: sqlite.load(house.memory)) as service:
        await asyncio.to_thread(house.memory.unlink)
        service.remember(fact("after"))
        await wait_until(lambda: service.waiting == 0)
        assert await stored(service) == {"after"}


def test_the_store_of_a_file_that_was_replaced_refuses_all_and_leaves_the_new_one_alone(house: RestoredHouse) -> None:
    store = sqlite.load(house.memory)
    store.find(ADMIN)
    house.restore()
    calls: list[Callable[[], object]] = [
        lambda: store.add([fact("lost")]),
        lambda: store.find(ADMIN),
        lambda: store.forget(ADMIN, EVERYTHING),
    ]
    for call in calls:
        with pytest.raises(ReplacedMemoryError):
            call()
    with closing(sqlite.load(house.memory)) as present:
        present.add([fact("new")])
        store.close()
        present.add([fact("newer")])
    assert read_texts(house.memory) == {"saved", "new", "newer"}


moments = st.lists(st.tuples(st.integers(0, 4), st.floats(0, 0.01)), min_size=1, max_size=4)


@settings(max_examples=20, deadline=None)
@given(moments=moments)
def test_no_record_is_lost_whenever_the_file_is_restored(moments: list[tuple[int, float]]) -> None:
    with TemporaryDirectory() as folder:
        house = RestoredHouse(Path(folder))
        house.memory.parent.mkdir(parents=True)
        with closing(sqlite.load(house.memory)) as store:
            store.add([fact("saved")])
        house.back_up()
        said = asyncio.run(talk_and_restore(house, moments))
        assert house.read_kept() == {"saved", *said}
        assert "saved" in read_texts(house.memory)


async def talk_and_restore(house: RestoredHouse, moments: list[tuple[int, float]]) -> list[str]:
    """Restore after some records and a pause, while others are still being written; return all that was said."""
    said: list[str] = []
    async with serving(lambda: sqlite.load(house.memory)) as service:
        for count, pause in moments:
            for _ in range(count):
                said.append(f"record {len(said)}")
                service.remember(fact(said[-1]))
            restoring = asyncio.create_task(asyncio.to_thread(house.restore))
            await asyncio.sleep(pause)
            said.append(f"record {len(said)}")
            service.remember(fact(said[-1]))
            await restoring
        await wait_until(lambda: service.waiting == 0)
        assert service.take_new_problem() is None
    return said
