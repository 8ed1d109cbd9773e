"""Lets all who speak of the home know when it has become another."""

import asyncio

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.executor import ActionExecutor


class HomeUpdates:
    """Where the home goes that has changed; of several at once the last counts."""

    def __init__(self) -> None:
        self._next: asyncio.Queue[Home] = asyncio.Queue(1)

    def put(self, home: Home) -> None:
        if self._next.full():
            self._next.get_nowait()
        self._next.put_nowait(home)

    async def run(self, recognizer: IntentRecognizer, household: ActionExecutor) -> None:
        """Move them until cancelled: first the rules, which take a while to learn thousands of names."""
        while True:
            home = await self._next.get()
            await asyncio.to_thread(recognizer.set_home, home)
            household.home = home
