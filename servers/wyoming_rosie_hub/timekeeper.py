"""Keeps the timers: on disk, and rings the satellite that asked when one has run out."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import structlog
from wyoming.event import Event

from wyoming_rosie_hub import timer_store
from wyoming_rosie_hub.timer_intents import Outcome, Request, Slots, carry_out, finished
from wyoming_rosie_hub.timers import Timers

_LOG = structlog.get_logger()
LONGEST_SLEEP_SECONDS = 60.0  # the wall clock may be set meanwhile
UNHEARD_PAUSE_SECONDS = 5.0


class Timekeeper:
    """`ring(satellite_id, event)` returns False when that satellite is not there; it is tried again."""

    def __init__(self, path: Path, ring: Callable[[str, Event], bool]) -> None:
        self._path = path
        self._ring = ring
        self._timers = Timers()
        self._changed = asyncio.Event()

    async def do(self, intent: str, slots: Slots, satellite_id: str) -> str | None:
        """Carry out an intent about timers; return the sentence to speak, None when it is about something else."""
        request = Request(slots, satellite_id, uuid4().hex[:8], time.time())
        outcome = carry_out(intent, self._timers, request)
        if outcome is None:
            return None
        await self._keep(outcome, satellite_id)
        return outcome.answer

    async def run(self) -> None:
        """Ring as timers run out, those of the last run first."""
        self._timers = await asyncio.to_thread(timer_store.load, self._path)
        while True:
            await self._wait()
            for timer in self._timers.due(time.time()):
                if self._ring(timer.satellite_id, finished(timer)):
                    _LOG.info("timer finished", timer=timer.id, satellite=timer.satellite_id)
                    await self._set(self._timers.without(timer))
                else:
                    await asyncio.sleep(UNHEARD_PAUSE_SECONDS)

    async def _wait(self) -> None:
        due = self._timers.next_due()
        seconds = LONGEST_SLEEP_SECONDS if due is None else min(max(0.0, due - time.time()), LONGEST_SLEEP_SECONDS)
        self._changed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _keep(self, outcome: Outcome, satellite_id: str) -> None:
        if outcome.timers != self._timers:
            await self._set(outcome.timers)
        for event in outcome.events:
            self._ring(satellite_id, event)

    async def _set(self, timers: Timers) -> None:
        self._timers = timers
        self._changed.set()
        try:
            await asyncio.to_thread(timer_store.save, self._path, timers)
        except OSError as err:
            _LOG.error("timers are not on disk", file=str(self._path), reason=err.strerror)
