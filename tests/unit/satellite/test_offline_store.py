"""Messages on a disk that may be full or broken."""

import asyncio
from pathlib import Path

import pytest

from wyoming_rosie_satellite.storage.offline_store import OfflineStore


async def bodies(outbox: OfflineStore) -> list[bytes]:
    return [message.body for message in await outbox.peek(100)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "outbox.db"


async def test_messages_are_taken_in_order_and_stay_until_confirmed(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        for body in (b"one", b"two", b"three"):
            assert await outbox.put(body)
        first = await outbox.peek()
        assert [message.body for message in first] == [b"one"]
        assert await bodies(outbox) == [b"one", b"two", b"three"]
        await outbox.confirm(*first)
        assert await bodies(outbox) == [b"two", b"three"]


async def test_messages_survive_a_restart(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        await outbox.put(b"one")
        at = (await outbox.peek())[0].at
    async with OfflineStore(path) as outbox:
        assert [(message.body, message.at) for message in await outbox.peek()] == [(b"one", at)]


async def test_the_oldest_make_room_and_are_counted(path: Path) -> None:
    async with OfflineStore(path, max_messages=3) as outbox:
        for number in range(5):
            await outbox.put(b"%d" % number)
        assert (await bodies(outbox), outbox.dropped) == ([b"2", b"3", b"4"], 2)


async def test_bytes_are_bounded_too(path: Path) -> None:
    async with OfflineStore(path, max_bytes=10) as outbox:
        for body in (b"aaaa", b"bbbb", b"cccccc"):
            assert await outbox.put(body)
        assert not await outbox.put(b"x" * 11)
        assert (await bodies(outbox), outbox.dropped) == ([b"bbbb", b"cccccc"], 2)


async def test_confirming_what_was_dropped_forgets_nothing_else(path: Path) -> None:
    async with OfflineStore(path, max_messages=1) as outbox:
        await outbox.put(b"old")
        taken = await outbox.peek()
        await outbox.put(b"new")
        await outbox.confirm(*taken)
        assert await bodies(outbox) == [b"new"]


async def test_confirming_twice_forgets_nothing_else(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        await outbox.put(b"old")
        taken = await outbox.peek()
        await outbox.confirm(*taken)
        await outbox.put(b"new")
        await outbox.confirm(*taken)
        assert await bodies(outbox) == [b"new"]


async def test_a_full_disk_loses_what_does_not_fit_and_nothing_else(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        await outbox._worker.run(outbox._messages._database.execute, "PRAGMA max_page_count = 8")
        assert await outbox.put(b"small")
        assert not await outbox.put(b"x" * 100_000)
        assert outbox.dropped == 1
        assert await bodies(outbox) == [b"small"]
        await outbox.confirm(*await outbox.peek())
        assert await outbox.put(b"small again")


@pytest.fixture
def broken(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(b"no database " * 1_000)
    return path


async def test_a_file_that_is_no_database_is_set_aside(broken: Path) -> None:
    path = broken
    async with OfflineStore(path) as outbox:
        assert await outbox.put(b"one")
    assert path.with_suffix(".broken").exists()
    async with OfflineStore(path) as outbox:
        assert await bodies(outbox) == [b"one"]


async def test_without_a_disk_messages_wait_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    async with OfflineStore(tmp_path / "file" / "outbox.db") as outbox:
        assert await outbox.put(b"one")
        assert await bodies(outbox) == [b"one"]


@pytest.fixture
def open_to_all(path: Path) -> Path:
    path.parent.mkdir()
    path.touch(0o644)
    return path


async def test_nobody_else_may_read_a_file_that_was_open_to_all(open_to_all: Path) -> None:
    async with OfflineStore(open_to_all):
        status = await asyncio.to_thread(open_to_all.stat)
    assert status.st_mode & 0o777 == 0o600


async def test_what_was_confirmed_is_not_left_in_the_file(path: Path) -> None:
    async with OfflineStore(path) as outbox:
        await outbox.put(b"private words" * 100)
        await outbox.confirm(*await outbox.peek())
    assert b"private words" not in await asyncio.to_thread(path.read_bytes)
