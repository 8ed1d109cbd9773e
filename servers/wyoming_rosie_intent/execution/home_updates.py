"""Propagates changes of the home to the recognizer and the executor."""

import asyncio

from wyoming_rosie.home.watcher import LatestHome
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.executor import ActionExecutor


class HomeUpdates(LatestHome):
    """Queue of changed homes for the recognizer and the executor."""

    async def run(self, recognizer: IntentRecognizer, executor: ActionExecutor) -> None:
        """Apply changes until cancelled; the recognizer first, as indexing thousands of names takes a while."""
        while True:
            home = await self.take()
            await asyncio.to_thread(recognizer.set_home, home)
            executor.home = home
