"""Exporter: sends what is in a spool to a sink, in order, and removes it once the sink surely has it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from wyoming_rosie.bus.failpoints import pass_failpoint
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_bridge.sinks.sink import Record, Sink, SinkError
from wyoming_rosie_bridge.sinks.spool import Spool

_LOG = structlog.get_logger()
BATCH = 500
MAX_SENT = 10_000
"""Records that may be sent and not confirmed."""
MAX_SENDS = 20
"""Times that a record is sent before it counts as refused, because it can never be read back."""
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, IDLE_SECONDS = 0.5, 15.0, 1.0
DELIVERED, RESENT, REFUSED = "delivered", "resent", "refused"


@dataclass(frozen=True)
class Sent:
    """A record that was sent; at `due` it must be readable."""

    record: Record
    due: float
    sends: int


class SentRecords:
    """The records that were sent and are not confirmed, oldest first."""

    def __init__(self, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._sent: dict[int, Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def add(self, records: Sequence[Record], now: float) -> None:
        """Record that these were sent, perhaps again."""
        for record in records:
            before = self._sent.pop(record.id, None)
            self._sent[record.id] = Sent(record, now + self._settle_seconds, before.sends + 1 if before else 1)

    def due(self, now: float, most: int) -> list[Record]:
        """Return the oldest records that must be readable by now."""
        due: list[Record] = []
        for sent in self._sent.values():
            if sent.due > now or len(due) == most:
                break
            due.append(sent.record)
        return due

    def next_due(self) -> float | None:
        """Return when the next record must be readable."""
        return next((sent.due for sent in self._sent.values()), None)

    def is_hopeless(self, record: Record) -> bool:
        """Return whether a record has been sent so often that it will never be readable."""
        return self._sent[record.id].sends >= MAX_SENDS

    def remove(self, records: Sequence[Record]) -> None:
        for record in records:
            self._sent.pop(record.id, None)


class Exporter:
    """Sends the events of one spool to one sink; `count` gets each outcome and the number of events."""

    def __init__(self, sink: Sink, spool: Spool, count: Callable[[str, int], None]) -> None:
        self.spool = spool
        self._sink = sink
        self._count = count
        self._sent = SentRecords(sink.settle_seconds)
        self._last_id = 0
        """ID of the newest record that was sent."""
        self._unchecked_until = 0
        """ID of the newest record that this process found in the spool: an earlier one may have sent them."""
        self._failure: str | None = None

    @property
    def problem(self) -> str | None:
        """Why events wait, as a sentence."""
        if self.spool.problem or not self._failure:
            return self.spool.problem
        return f"{self._failure}; {self.spool.count} events wait, the oldest for {self.spool.oldest_seconds:.0f} s"

    async def run(self) -> None:
        """Send until cancelled."""
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        try:
            self._unchecked_until = await self._open_spool()
            while True:
                try:
                    is_busy = await self._confirm_due() or await self._send_next()
                except UnreachableError as err:
                    self._fail(str(err), is_first=not backoff.failures)
                    await backoff.sleep()
                    continue
                except Exception as err:  # noqa: BLE001 - the edge of a sink: its library must not end the bridge
                    _LOG.exception("sink failed", sink=self._sink.name)
                    self._fail(f"{type(err).__name__}: {err}", is_first=False)
                    await backoff.sleep()
                    continue
                if backoff.failures:
                    _LOG.info("sink works again", sink=self._sink.name, waiting=self.spool.count)
                self._failure = None
                backoff.reset()
                if not is_busy:
                    await self._wait()
        finally:
            await self._sink.close()
            await self.spool.close()

    async def _open_spool(self) -> int:
        backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                return await self.spool.open()
            except UnreachableError as err:
                if not backoff.failures:
                    _LOG.error("spool not opened", sink=self._sink.name, reason=str(err))
            await backoff.sleep()

    async def _send_next(self) -> bool:
        """Send the next records of the spool; return False if there are none."""
        room = min(BATCH, MAX_SENT - len(self._sent))
        records = await self.spool.peek(room, self._last_id) if room else []
        if not records:
            return False
        earlier = [record for record in records if record.id <= self._unchecked_until]
        if self._sink.settle_seconds and earlier:
            # They may have been sent: they are looked for as if they had, so that none is there twice.
            self._sent.add(earlier, loop_time())
            records = records[len(earlier) :]
            self._last_id = earlier[-1].id
        if records:
            await self._send(records)
            self._last_id = records[-1].id
        return True

    async def _confirm_due(self) -> bool:
        """Remove records from the spool that can be read by now, and send the others again; return False if none is due."""
        due = self._sent.due(loop_time(), BATCH)
        if not due:
            return False
        missing = {record.id for record in await self._sink.find_missing(due)}
        hopeless = [record for record in due if record.id in missing and self._sent.is_hopeless(record)]
        again = [record for record in due if record.id in missing and record not in hopeless]
        await self._remove([record for record in due if record.id not in missing], DELIVERED)
        await self._remove(hopeless, REFUSED)
        if again:
            _LOG.warning("events are sent again", sink=self._sink.name, count=len(again))
            await self._send(again)
            self._count(RESENT, len(again))
        return True

    async def _send(self, records: Sequence[Record]) -> None:
        try:
            await self._sink.send(records)
        except SinkError as err:
            if len(records) == 1:
                _LOG.error("sink refuses an event", sink=self._sink.name, reason=str(err))
                await self._remove(records, REFUSED)
                return
            for record in records:
                await self._send([record])
            return
        pass_failpoint(f"{self._sink.name}.sent")
        if self._sink.settle_seconds:
            self._sent.add(records, loop_time())
        else:
            await self._remove(records, DELIVERED)

    async def _remove(self, records: Sequence[Record], outcome: str) -> None:
        if records:
            await self.spool.remove([record.id for record in records])
            pass_failpoint(f"{self._sink.name}.removed")
            self._sent.remove(records)
            self._count(outcome, len(records))

    async def _wait(self) -> None:
        next_due = self._sent.next_due()
        seconds = IDLE_SECONDS if next_due is None else max(0.0, min(IDLE_SECONDS, next_due - loop_time()))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.spool.added.wait()
        self.spool.added.clear()

    def _fail(self, reason: str, *, is_first: bool) -> None:
        self._failure = f"{self._sink.name}: {reason}"
        if is_first:
            _LOG.warning("events wait in the spool", sink=self._sink.name, reason=reason)
