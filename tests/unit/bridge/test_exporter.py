"""Exporter: what a sink loses is sent again, what it has is not, and what it refuses holds nobody up."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.runtime.tasks import loop_time, run_beside
from wyoming_rosie_bridge.sinks.exporter import MAX_SENDS, Exporter
from wyoming_rosie_bridge.sinks.sink import Record, SinkError
from wyoming_rosie_bridge.sinks.spool import Entry, Spool

SECONDS = 60.0


class ForgetfulSink:
    """A sink in memory that can be away, lose what was sent last, and refuse a text."""

    name = "forgetful"

    def __init__(self, settle_seconds: float = 0.05, refused: bytes = b"\0", unreadable: bytes = b"\0") -> None:
        self.settle_seconds = settle_seconds
        self.is_away = False
        self.received: list[bytes] = []
        self.kept: dict[bytes, float] = {}
        """What can be read back, and when it came first."""
        self._refused, self._unreadable = refused, unreadable

    def encode(self, envelope: Envelope) -> bytes | None:
        return envelope.encode()

    async def send(self, records: Sequence[Record]) -> None:
        self._check()
        bodies = [record.body for record in records]
        if self._refused in bodies:
            raise SinkError("too large")
        self.received += bodies
        for body in set(bodies) - {self._unreadable}:
            self.kept.setdefault(body, loop_time())

    async def find_missing(self, records: Sequence[Record]) -> Sequence[Record]:
        self._check()
        return [record for record in records if record.body not in self.kept]

    async def close(self) -> None:
        pass

    def lose_newest(self, seconds: float) -> None:
        """Do as VictoriaMetrics does when it is killed: lose what came in the last seconds, readable or not."""
        self.kept = {body: at for body, at in self.kept.items() if loop_time() - at > seconds}

    def _check(self) -> None:
        if self.is_away:
            raise UnreachableError("it is away")


class Exporting:
    def __init__(self, exporter: Exporter, outcomes: Counter[str]) -> None:
        self.exporter, self.spool, self.outcomes = exporter, exporter.spool, outcomes

    async def put(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.spool.put(Entry(body.decode(), 1.0, body))

    async def wait_until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():
                await asyncio.sleep(0.01)

    async def wait_until_empty(self) -> None:
        await self.wait_until(lambda: self.spool.count == 0)


@asynccontextmanager
async def exporting(sink: ForgetfulSink, path: Path) -> AsyncIterator[Exporting]:
    outcomes: Counter[str] = Counter()

    def count(outcome: str, number: int) -> None:
        outcomes[outcome] += number

    running = Exporting(Exporter(sink, Spool(path, 1_000_000), count), outcomes)
    async with run_beside(running.exporter.run()):
        await running.spool.peek(1, 0)  # it is open
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.mark.parametrize("settle_seconds", [0.0, 0.05], ids=["confirms", "settles"])
async def test_events_arrive_in_order_and_leave_the_spool(path: Path, settle_seconds: float) -> None:
    sink = ForgetfulSink(settle_seconds)
    bodies = [b"%d" % number for number in range(1200)]
    async with exporting(sink, path) as running:
        await asyncio.gather(*(running.put(body) for body in bodies))
        await running.wait_until(lambda: running.outcomes == {"delivered": 1200})
    assert sink.received == bodies


async def test_events_wait_in_order_while_the_sink_is_away(path: Path) -> None:
    sink = ForgetfulSink()
    sink.is_away = True
    async with exporting(sink, path) as running:
        await running.put(b"a", b"b", b"c")
        await running.wait_until(lambda: running.exporter.problem is not None)
        assert "it is away; 3 events wait" in str(running.exporter.problem)
        sink.is_away = False
        await running.wait_until_empty()
        assert running.exporter.problem is None
    assert sink.received == [b"a", b"b", b"c"]


async def test_what_the_sink_loses_is_sent_again_and_nothing_else(path: Path) -> None:
    sink = ForgetfulSink()
    async with exporting(sink, path) as running:
        await running.put(b"a", b"b")
        await running.wait_until(lambda: len(sink.received) == 2)
        del sink.kept[b"a"]
        await running.wait_until(lambda: running.outcomes == {"delivered": 2, "resent": 1})
    assert sink.received == [b"a", b"b", b"a"]


async def test_what_an_earlier_process_sent_is_not_sent_again(path: Path) -> None:
    sink = ForgetfulSink(settle_seconds=SECONDS)
    async with exporting(sink, path) as running:
        await running.put(b"a", b"b")
        await running.wait_until(lambda: len(sink.received) == 2)
    del sink.kept[b"b"]
    sink.settle_seconds = 0.05
    async with exporting(sink, path) as running:
        await running.put(b"c")
        await running.wait_until_empty()
    assert Counter(sink.received) == {b"a": 1, b"b": 2, b"c": 1}


async def test_a_refused_event_holds_nobody_up(path: Path) -> None:
    sink = ForgetfulSink(refused=b"bad")
    sink.is_away = True
    async with exporting(sink, path) as running:
        await running.put(b"a", b"bad", b"b")
        sink.is_away = False
        await running.wait_until(lambda: running.outcomes == {"delivered": 2, "refused": 1})
    assert sink.received == [b"a", b"b"]


async def test_an_event_that_can_never_be_read_back_is_given_up(path: Path) -> None:
    sink = ForgetfulSink(settle_seconds=0.01, unreadable=b"too old")
    async with exporting(sink, path) as running:
        await running.put(b"too old", b"a")
        await running.wait_until(lambda: running.outcomes == {"delivered": 1, "refused": 1, "resent": MAX_SENDS - 1})
    assert sink.received.count(b"too old") == MAX_SENDS


@pytest.mark.parametrize("seed", range(3))
async def test_every_event_is_there_in_the_end_whatever_happens(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sink = ForgetfulSink(settle_seconds=0.1)
    bodies = [b"%d" % number for number in range(300)]
    for part in range(3):
        async with exporting(sink, path) as running:
            for body in bodies[part * 100 : part * 100 + 100]:
                await running.put(body)
                sink.is_away = chance.random() < 0.1
                if chance.random() < 0.1:
                    sink.lose_newest(0.08)
            sink.is_away = False
    async with exporting(sink, path) as running:
        await running.wait_until_empty()
    assert set(sink.kept) == set(bodies)
