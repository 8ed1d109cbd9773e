"""Warm-up: freezes the prompt at the wake word and has the model read it before the sentence is known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .rules.frozen import FrozenPrompts
from .rules.prompt import FrozenPrompt

_LOG = logging.getLogger(__name__)
_MAX_READ = 4

Render = Callable[[str | None, str | None], Awaitable[FrozenPrompt]]
"""Renders the prompt for a device and a language. Raises HomeAssistantError."""


class WarmableModel(Protocol):
    async def warm(self, prompt: FrozenPrompt) -> bool:
        """Have the model read a prompt; return whether it did."""
        ...


class Warmer:
    """The frozen prompts of an entry; every wake word of a burst but the first costs nothing."""

    def __init__(self, hass: HomeAssistant, render: Render, model: WarmableModel, cooldown: float) -> None:
        self._hass = hass
        self._render = render
        self._model = model
        self._frozen = FrozenPrompts(cooldown)
        self._read: set[str] = set()  # system texts that the model has read
        self._rendering: set[str | None] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @callback
    def prepare(self, device_id: str | None, language: str | None) -> None:
        """Freeze the prompt for a device and warm the model, in the background."""
        if device_id in self._rendering or self._frozen.is_recent(device_id, self._now()):
            return
        self._rendering.add(device_id)
        task = self._hass.async_create_background_task(self._prepare(device_id, language), "hybrid_llm warm-up")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def take(self, device_id: str | None) -> FrozenPrompt | None:
        """Return the prompt that was frozen for the device's sentence, once."""
        return self._frozen.take(device_id, self._now())

    def is_warm(self, prompt: FrozenPrompt) -> bool:
        """Return whether the model has read the prompt's constant part."""
        return prompt.system in self._read

    @callback
    def forget(self) -> None:
        """Take the model for cold: it was away."""
        self._read.clear()
        self._frozen.forget_warm_ups()

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _prepare(self, device_id: str | None, language: str | None) -> None:
        try:
            prompt = await self._render(device_id, language)
        except HomeAssistantError as err:
            _LOG.debug("The prompt could not be rendered at the wake word: %s", err)
            return
        finally:
            self._rendering.discard(device_id)
        if not self._frozen.freeze(device_id, prompt, self._now()):
            return
        if await self._model.warm(prompt):
            self._read = {*self._read, prompt.system} if len(self._read) < _MAX_READ else {prompt.system}
        else:
            self.forget()

    def _now(self) -> float:
        return self._hass.loop.time()
