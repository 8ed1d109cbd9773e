"""Prompt warmer: has a model read a prompt while the person still speaks."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from wyoming_rosie_intent.llm.model import ModelError, Prompt
from wyoming_rosie_intent.llm.prompts import snapshots
from wyoming_rosie_intent.llm.router import RoutingRequest

_LOG = structlog.get_logger()
COOLDOWN_SECONDS = 10.0
"""Time in which the same beginning is not read again, however often a wake word is detected."""
WARM_SECONDS = 120.0
MAX_REMEMBERED = 16


class WarmUpCooldown:
    """The beginnings that were read lately. Pure; the time is an argument."""

    def __init__(self) -> None:
        self._read: list[tuple[Prompt, float]] = []

    def acquire(self, prompt: Prompt, now: float) -> bool:
        """Return whether the prompt is to be read now, and record it as read if so."""
        beginning = snapshots.get_stable_prefix(prompt)
        self._read = [(read, at) for read, at in self._read if now - at < COOLDOWN_SECONDS][-MAX_REMEMBERED:]
        if any(read == beginning for read, _ in self._read):
            return False
        self._read.append((beginning, now))
        return True


class PromptWarmer:
    """Warms up one prompt at a time; an answer does not interrupt it, as it needs what is read."""

    def __init__(self, warm: Callable[[Prompt, RoutingRequest], Awaitable[object]]) -> None:
        self._warm = warm
        self._cooldown = WarmUpCooldown()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(
        self, prompt: Prompt, request: RoutingRequest, now: float, render: Callable[[], Prompt] | None = None
    ) -> bool:
        """Warm up the prompt in the background; return False if one is being read or this one was read lately.

        If `render` then returns another beginning, read that as well.
        """
        if self.is_busy or not self._cooldown.acquire(prompt, now):
            return False
        self._task = asyncio.create_task(self._run(prompt, request, render))
        return True

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, prompt: Prompt, request: RoutingRequest, render: Callable[[], Prompt] | None) -> None:
        try:
            async with asyncio.timeout(WARM_SECONDS):
                await self._warm(prompt, request)
                if render is not None and snapshots.get_stable_prefix(again := render()) != snapshots.get_stable_prefix(
                    prompt
                ):
                    await self._warm(again, request)
        except (ModelError, TimeoutError) as err:
            _LOG.info("warm-up failed", reason=str(err) or "too slow")
