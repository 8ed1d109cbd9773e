"""Shows on lights what happens to the satellite."""

import asyncio
from contextlib import suppress

import structlog
from wyoming.event import Event

from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.integrations.leds import Colour, Leds
from wyoming_rosie_satellite.integrations.leds.patterns import MOVING, LightShow, Mood, picture

_LOG = structlog.get_logger()
FRAME_SECONDS = 0.05
PAUSE_SECONDS = 5.0
"""Between two tries when the lights are gone."""


class Lights:
    """Works on a thread of its own; all lights are dark afterwards."""

    def __init__(self, leds: Leds, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._leds = leds
        self._pause_seconds = pause_seconds
        self._show = LightShow()
        self._news = asyncio.Event()
        self._shown: tuple[Colour, ...] | None = None

    def saw(self, event: Event) -> None:
        self._show.saw(event, _now())
        self._news.set()

    async def run(self) -> None:
        """Show until cancelled; lights that are gone are tried again."""
        worker = ThreadWorker("lights")
        try:
            await self._show_all(worker)
        finally:
            with suppress(OSError):
                await worker.run(self._leds.show, picture(Mood.CALM, 0.0, self._leds.count))
            await worker.run(self._leds.close)
            worker.close()

    async def _show_all(self, worker: ThreadWorker) -> None:
        failing = False
        while True:
            self._news.clear()
            now = _now()
            mood = self._show.mood(now)
            try:
                await self._draw(worker, picture(mood, now, self._leds.count))
            except OSError as err:
                if not failing:
                    _LOG.warning("lights failed", reason=err.strerror)
                failing = True
                await asyncio.sleep(self._pause_seconds)
                continue
            failing = False
            await self._wait(FRAME_SECONDS if mood in MOVING else None)

    async def _draw(self, worker: ThreadWorker, pixels: tuple[Colour, ...]) -> None:
        if pixels != self._shown:
            self._shown = None
            await worker.run(self._leds.show, pixels)
            self._shown = pixels

    async def _wait(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
