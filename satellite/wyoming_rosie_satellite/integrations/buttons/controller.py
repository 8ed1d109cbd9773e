"""Button controller: control the satellite by the events of a driver."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie_satellite.integrations.buttons import ButtonDriver, KeyEvent
from wyoming_rosie_satellite.integrations.buttons.press_detector import ButtonAction, PressDetector, perform_action
from wyoming_rosie_satellite.integrations.controls import Controls

_LOG = structlog.get_logger()
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0


class ButtonController:
    """Processes the events of a driver; retries with backoff when the buttons are gone."""

    def __init__(
        self,
        buttons: ButtonDriver,
        controls: Controls,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
        *,
        push_to_talk: bool = False,
    ) -> None:
        self._driver = buttons
        self._controls = controls
        self._first_pause_seconds = first_pause_seconds
        self._push_to_talk = push_to_talk

    async def run(self) -> None:
        """Process events until cancelled."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(self._first_pause_seconds, MAX_PAUSE_SECONDS)
        while True:
            began = loop.time()
            try:
                async with aclosing(self._driver.events()) as events:
                    await self._process_events(events)
            except (RosieError, OSError) as err:
                if loop.time() - began > MAX_PAUSE_SECONDS:
                    backoff.reset()
                if not backoff.failures:
                    _LOG.warning("buttons failed", reason=str(err))
            await backoff.sleep()

    async def _process_events(self, events: AsyncGenerator[KeyEvent, None]) -> None:
        detector = PressDetector(push_to_talk=self._push_to_talk)
        loop = asyncio.get_running_loop()
        timer = loop.call_at(0.0, lambda: None)
        try:
            async for event in events:
                timer.cancel()
                self._perform(detector.process(event, loop.time()))
                if detector.deadline is not None:
                    timer = loop.call_at(detector.deadline, lambda: self._perform(detector.on_deadline(loop.time())))
        finally:
            timer.cancel()

    def _perform(self, action: ButtonAction | None) -> None:
        if action is not None:
            _LOG.info("button", action=action)
            perform_action(action, self._controls)
