"""Timer service of a satellite: its timers survive a restart, and ring without a conductor."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import structlog
from wyoming.event import Event
from wyoming.timer import TimerCancelled

from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.timers.timer import Timer
from wyoming_rosie_satellite.storage import timer_store
from wyoming_rosie_satellite.storage.timers import FINISHED, STARTED, Timers

_LOG = structlog.get_logger()


class SatelliteTimerService:
    """Runs the timers: `notify` gets each change as an event, and `ring` is called once for each timer that finishes."""

    def __init__(self, path: Path, notify: Callable[[Event], None], ring: Callable[[], None]) -> None:
        self._path = path
        self._notify = notify
        self._ring = ring
        self._timers = Timers()
        self._changed = asyncio.Event()
        self._saver = json_store.JsonWriter(
            path, lambda: timer_store.encode_timers(self._timers, loop_time(), time.time())
        )

    @property
    def timers(self) -> tuple[Timer, ...]:
        return self._timers.running

    def handle_event(self, event: Event) -> None:
        """Apply a timer-started, -updated, -cancelled or -finished event of the conductor. Raises BadEventError."""
        self._publish(self._timers.apply(event, loop_time()))

    def start(self, seconds: float, name: str | None = None) -> str:
        """Start a timer of the satellite's own; return its id. Raises BadEventError."""
        timer_id = f"local-{uuid4().hex[:12]}"
        named = {} if name is None else {"name": name}
        self.handle_event(Event(STARTED, {"id": timer_id, "total_seconds": seconds, **named}))
        return timer_id

    def cancel(self, timer_id: str) -> bool:
        """Cancel a timer; return whether there was one."""
        known = any(timer.id == timer_id for timer in self.timers)
        if known:
            self.handle_event(TimerCancelled(id=timer_id).event())
        return known

    async def run(self) -> None:
        """Load the saved timers, and ring as timers finish, until cancelled."""
        await self._load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._saver.run())
            tasks.create_task(self._run_timers())

    async def _load(self) -> None:
        try:
            saved = await asyncio.to_thread(json_store.read, self._path)
            if saved is not None:
                self._timers.add(timer_store.decode_timers(saved, loop_time(), time.time()))
        except (ValueError, OSError) as err:
            await asyncio.to_thread(json_store.quarantine, self._path, err)

    async def _run_timers(self) -> None:
        while True:
            self._changed.clear()
            self._publish(self._timers.finish_expired(loop_time()))
            deadline = self._timers.next_deadline
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()

    def _publish(self, events: list[Event]) -> None:
        if not events:
            return
        self._changed.set()
        self._saver.schedule()
        for event in events:
            self._notify(event)
            if event.type == FINISHED:
                _LOG.info("timer finished", timer=event.data["id"])
                self._ring()
