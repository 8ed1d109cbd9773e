"""Has a model read a prompt while the person still speaks."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from wyoming_rosie_intent.llm.model import ModelError, Prompt
from wyoming_rosie_intent.llm.prompts import snapshots
from wyoming_rosie_intent.llm.router import RoutingRequest

_LOG = structlog.get_logger()
COOLDOWN_SECONDS = 10.0
"""A beginning that was read is not read again so soon, however often a wake word is heard."""
WARM_SECONDS = 120.0
MAX_REMEMBERED = 16


class WarmUpCooldown:
    """Which beginnings were read lately: pure, the time is an argument."""

    def __init__(self) -> None:
        self._read: list[tuple[Prompt, float]] = []

    def acquire(self, prompt: Prompt, now: float) -> bool:
        """Tell whether the prompt is to be read, and count it as read if so."""
        beginning = snapshots.get_stable_prefix(prompt)
        self._read = [(read, at) for read, at in self._read if now - at < COOLDOWN_SECONDS][-MAX_REMEMBERED:]
        if any(read == beginning for read, _ in self._read):
            return False
        self._read.append((beginning, now))
        return True


class PromptWarmer:
    """One prompt is read at a time; it is never broken off for an answer, which needs what was read."""

    def __init__(self, warm: Callable[[Prompt, RoutingRequest], Awaitable[object]]) -> None:
        self._warm = warm
        self._cooldown = WarmUpCooldown()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(
        self, prompt: Prompt, wish: RoutingRequest, now: float, write_again: Callable[[], Prompt] | None = None
    ) -> bool:
        """Have the prompt read in the background; return False when that is not worth while.

        When it is to be written otherwise by then, that is read as well.
        """
        if self.is_busy or not self._cooldown.acquire(prompt, now):
            return False
        self._task = asyncio.create_task(self._run(prompt, wish, write_again))
        return True

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, prompt: Prompt, wish: RoutingRequest, write_again: Callable[[], Prompt] | None) -> None:
        try:
            async with asyncio.timeout(WARM_SECONDS):
                await self._warm(prompt, wish)
                if write_again is not None and snapshots.get_stable_prefix(
                    again := write_again()
                ) != snapshots.get_stable_prefix(prompt):
                    await self._warm(again, wish)
        except (ModelError, TimeoutError) as err:
            _LOG.info("no model could be warmed", reason=str(err) or "too slow")
