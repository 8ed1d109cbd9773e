"""Propagates changes of the home to the recognizer and the executor."""

import asyncio

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.executor import ActionExecutor


class HomeUpdates:
    """Queue for changed homes; only the latest pending one is kept."""

    def __init__(self) -> None:
        self._next: asyncio.Queue[Home] = asyncio.Queue(1)

    def put(self, home: Home) -> None:
        if self._next.full():
            self._next.get_nowait()
        self._next.put_nowait(home)

    async def run(self, recognizer: IntentRecognizer, executor: ActionExecutor) -> None:
        """Apply changes until cancelled; the recognizer first, as indexing thousands of names takes a while."""
        while True:
            home = await self._next.get()
            await asyncio.to_thread(recognizer.set_home, home)
            executor.home = home
