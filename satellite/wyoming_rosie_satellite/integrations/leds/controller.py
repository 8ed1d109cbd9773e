"""LED controller: show the satellite's state on LEDs."""

import asyncio
from contextlib import suppress

import structlog
from wyoming.event import Event

from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.integrations.leds import Color, LedDriver
from wyoming_rosie_satellite.integrations.leds.patterns import ANIMATED, LedState, LedStatus, dim, render_frame

_LOG = structlog.get_logger()
FRAME_SECONDS = 0.05
RETRY_SECONDS = 5.0
"""Pause between two attempts when the LEDs are gone."""


class LedController:
    """Draws on a thread of its own, and turns all LEDs off at the end."""

    def __init__(self, leds: LedDriver, pause_seconds: float = RETRY_SECONDS) -> None:
        self._leds = leds
        self._pause_seconds = pause_seconds
        self._brightness = 1.0
        self._status = LedStatus()
        self._changed = asyncio.Event()
        self._displayed: tuple[Color, ...] | None = None

    def on_event(self, event: Event) -> None:
        self._status.on_event(event, loop_time())
        self._changed.set()

    @property
    def brightness(self) -> float:
        """Share of the board's brightness, 0 to 1."""
        return self._brightness

    @brightness.setter
    def brightness(self, value: float) -> None:
        self._brightness = value
        self._changed.set()

    async def run(self) -> None:
        """Draw until cancelled; retry when the LEDs are gone."""
        worker = ThreadWorker("leds")
        try:
            await self._render_forever(worker)
        finally:
            with suppress(OSError):
                await worker.run(self._leds.show, render_frame(LedState.IDLE, 0.0, self._leds.count))
            await worker.run(self._leds.close)
            worker.close()

    async def _render_forever(self, worker: ThreadWorker) -> None:
        failing = False
        while True:
            self._changed.clear()
            now = loop_time()
            state = self._status.current_state(now)
            try:
                await self._render(worker, dim(render_frame(state, now, self._leds.count), self._brightness))
            except OSError as err:
                if not failing:
                    _LOG.warning("LEDs failed", reason=err.strerror)
                failing = True
                await asyncio.sleep(self._pause_seconds)
                continue
            failing = False
            await self._wait_for_event(FRAME_SECONDS if state in ANIMATED else None)

    async def _render(self, worker: ThreadWorker, pixels: tuple[Color, ...]) -> None:
        if pixels != self._displayed:
            self._displayed = None
            await worker.run(self._leds.show, pixels)
            self._displayed = pixels

    async def _wait_for_event(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
