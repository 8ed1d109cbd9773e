"""Calls of stores and models on threads: each ends in time, and whatever fails is a RosieError."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStore,
    MemoryStoreError,
)
from wyoming_rosie_intent.memory.retention import EARLIEST, correct_times

P = TypeVar("P")
T = TypeVar("T")
_LOG = structlog.get_logger()
CALL_SECONDS = 60.0


async def run_on(worker: ThreadWorker, call: Callable[[P], T], argument: P) -> T:
    """Return the result of a call on a thread within CALL_SECONDS. Raises RosieError."""
    with translated_errors():
        async with asyncio.timeout(CALL_SECONDS):
            return await worker.run(call, argument)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise RosieError, whatever fails in a store or a model: turns go on."""
    try:
        yield
    except RosieError:
        raise
    except TimeoutError as err:
        raise MemoryStoreError(f"the memory has not answered within {CALL_SECONDS:g} s") from err
    except Exception as err:
        _LOG.error("memory failed", error=type(err).__name__)
        _LOG.debug("memory failed", exc_info=True)  # its text may be private
        raise MemoryStoreError(f"the memory failed: {type(err).__name__}") from err


def add_corrected(store: MemoryStore, records: Sequence[MemoryRecord]) -> None:
    """Store records; the times of a clock that had lost its time are corrected."""
    if all(record.at >= EARLIEST for record in records):
        store.add(records)
        return
    newest = store.find(ADMIN, EVERYTHING, 1)
    store.add(correct_times(records, newest[0].at if newest else EARLIEST))


def add_derived(store: MemoryStore, records: Sequence[MemoryRecord]) -> int:
    """Store the records whose turns are still there; return how many. To be called where all changes are made."""
    kept = [record for record in records if store.find(ADMIN, _talk_of(record), 1)]
    store.add(kept)
    return len(kept)


def _talk_of(record: MemoryRecord) -> MemoryFilter:
    return MemoryFilter(kinds=(MemoryKind.CONVERSATION,), turn=record.turn)
