"""Spool: every event once, in order, within its limit, across any restart."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wyoming_rosie.errors import UnreachableError
from wyoming_rosie_bridge.sinks import spool as spool_module
from wyoming_rosie_bridge.sinks.sink import Record
from wyoming_rosie_bridge.sinks.spool import Entry, Spool

PLENTY = 1_000_000


async def with_spool(path: Path, use: Callable[[Spool], Awaitable[Any]], max_bytes: int = PLENTY) -> Any:
    spool = Spool(path, max_bytes)
    await spool.open()
    try:
        return await use(spool)
    finally:
        await spool.close()


async def test_an_event_stays_until_it_is_removed_even_across_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "sink.db"

    async def fill(spool: Spool) -> None:
        await spool.put(Entry("a", 1000.001, b"one"))
        await spool.put(Entry("b", 1000.002, b"two"))

    async def take_first(spool: Spool) -> list[Record]:
        records = await spool.peek(10, 0)
        await spool.remove([records[0].id])
        return records

    await with_spool(path, fill)
    records = await with_spool(path, take_first)
    assert [(record.time_ms, record.body) for record in records] == [(1_000_001, b"one"), (1_000_002, b"two")]
    assert await with_spool(path, lambda spool: spool.peek(10, 0)) == records[1:]


async def test_a_key_is_known_again_after_its_event_has_left(tmp_path: Path) -> None:
    async def put(spool: Spool) -> list[Record]:
        await spool.put(Entry("a", 1.0, b"one"))
        records = await spool.peek(10, 0)
        await spool.remove([record.id for record in records])
        return records

    assert len(await with_spool(tmp_path / "s.db", put)) == 1
    assert await with_spool(tmp_path / "s.db", put) == []


@pytest.mark.parametrize("number", [3, spool_module.MAX_SHIFT_MS + 100])
async def test_events_of_one_moment_get_different_times(tmp_path: Path, number: int) -> None:
    async def put(spool: Spool) -> list[Record]:
        await asyncio.gather(*(spool.put(Entry(f"k{index}", 5.0, b"x")) for index in range(number)))
        await spool.put(Entry("just before", 4.999, b"x"))
        return await spool.peek(2 * number, 0)

    records = await with_spool(tmp_path / "s.db", put)
    times = [record.time_ms for record in records]
    assert times[:number] == [5_000 + index for index in range(number)]
    assert times[number] == 4_999


async def test_the_oldest_make_room_and_are_counted(tmp_path: Path) -> None:
    async def fill(spool: Spool) -> tuple[list[bytes], int, int]:
        for number in range(5):
            await spool.put(Entry(f"k{number}", number, b"%d" % number * 30))
        return [record.body[:1] for record in await spool.peek(10, 0)], spool.dropped, spool.count

    assert await with_spool(tmp_path / "s.db", fill, max_bytes=110) == ([b"2", b"3", b"4"], 2, 3)


async def test_a_full_disk_is_reported_and_nothing_is_confirmed(tmp_path: Path) -> None:
    async def fill(spool: Spool) -> None:
        await spool._worker.run(spool._store._database.execute, "PRAGMA max_page_count = 12")
        await spool.put(Entry("small", 1.0, b"x"))
        with pytest.raises(UnreachableError, match="cannot store"):
            await spool.put(Entry("large", 2.0, b"x" * 200_000))
        assert spool.problem is not None
        assert (spool.count, spool.dropped) == (1, 0)
        await spool.put(Entry("other", 3.0, b"x"))
        assert spool.problem is None

    await with_spool(tmp_path / "s.db", fill)


async def test_a_spool_without_a_folder_refuses_events_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "s.db", PLENTY)
    with pytest.raises(UnreachableError):
        await spool.open()
    with pytest.raises(UnreachableError, match="cannot be opened"):
        await spool.put(Entry("a", 1.0, b"x"))
    await spool.close()


class SpoolMachine(RuleBasedStateMachine):
    """The spool against a list; a crash is a second reader of the file, which sees only what is on the disk."""

    LIMIT = 400

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "s.db"
        self.expected: list[tuple[str, int]] = []
        self.keys: set[str] = set()
        self.open()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def open(self) -> None:
        self.spool = Spool(self.path, self.LIMIT)
        self.run(self.spool.open())

    @rule(
        entries=st.lists(
            st.tuples(st.integers(0, 40), st.sampled_from([1.0, 1.001, 2.0, 1e9]), st.integers(0, 90)), max_size=6
        )
    )
    def put(self, entries: list[tuple[int, float, int]]) -> None:
        async def put_all() -> None:
            await asyncio.gather(
                *(self.spool.put(Entry(str(key), at, str(key).encode() + b"x" * size)) for key, at, size in entries)
            )

        self.run(put_all())
        for key, at, size in entries:
            if str(key) not in self.keys:
                self.keys.add(str(key))
                digits = len(str(round(1000 * at)))
                self.expected.append((str(key), digits + 1 + len(str(key)) + size))
        while sum(size for _, size in self.expected) > self.LIMIT:
            self.expected.pop(0)

    @rule(index=st.integers(0, 5))
    def remove(self, index: int) -> None:
        records = self.run(self.spool.peek(100, 0))[:index]
        self.run(self.spool.remove([record.id for record in records]))
        gone = {record.body.rstrip(b"x").decode() for record in records}
        self.expected = [(key, size) for key, size in self.expected if key not in gone]

    @rule()
    def restart(self) -> None:
        self.run(self.spool.close())
        self.open()

    @rule()
    def crash(self) -> None:
        """Leave the old connection as it is, and go on with what is in the files."""
        old = self.spool
        self.open()
        self.run(old.close())

    @invariant()
    def holds_the_newest_in_order(self) -> None:
        records = self.run(self.spool.peek(100, 0))
        assert [record.body.rstrip(b"x").decode() for record in records] == [key for key, _ in self.expected]
        assert len({record.time_ms for record in records}) == len(records)
        assert (self.spool.count, self.spool.size) == (len(records), sum(size for _, size in self.expected))

    def teardown(self) -> None:
        self.run(self.spool.close())
        self.loop.close()
        self.folder.cleanup()


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
