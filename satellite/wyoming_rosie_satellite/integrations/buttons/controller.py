"""Has the satellite do what its buttons ask for."""

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
    """Follows the buttons; those that are gone are tried again with growing pauses."""

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
        """Obey until cancelled."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(self._first_pause_seconds, MAX_PAUSE_SECONDS)
        while True:
            began = loop.time()
            try:
                async with aclosing(self._driver.events()) as moves:
                    await self._process_events(moves)
            except (RosieError, OSError) as err:
                if loop.time() - began > MAX_PAUSE_SECONDS:
                    backoff.reset()
                if not backoff.failures:
                    _LOG.warning("buttons failed", reason=str(err))
            await backoff.sleep()

    async def _process_events(self, moves: AsyncGenerator[KeyEvent, None]) -> None:
        presses = PressDetector(push_to_talk=self._push_to_talk)
        loop = asyncio.get_running_loop()
        held = loop.call_at(0.0, lambda: None)
        try:
            async for move in moves:
                held.cancel()
                self._perform(presses.process(move, loop.time()))
                if presses.deadline is not None:
                    held = loop.call_at(presses.deadline, lambda: self._perform(presses.on_deadline(loop.time())))
        finally:
            held.cancel()

    def _perform(self, action: ButtonAction | None) -> None:
        if action is not None:
            _LOG.info("button", action=action)
            perform_action(action, self._controls)
