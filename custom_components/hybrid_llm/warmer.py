"""Warm-up: freezes the prompt at the wake word and has the model read it before the sentence is known."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from .rules.frozen import FrozenPrompts
from .rules.prompt import FrozenPrompt

_LOG = logging.getLogger(__name__)
_MAX_READ = 4

Render = Callable[[str | None, str | None], Awaitable[FrozenPrompt]]
"""Renders the prompt for a device and a language. Raises HomeAssistantError."""


class WarmableModel(Protocol):
    async def warm(self, prompt: FrozenPrompt, device_id: str | None) -> bool:
        """Have the model read a prompt, with the conversation that a device is in; return whether it did."""
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
        self._start(self._freeze(device_id, language))

    @callback
    def load(self, language: str | None) -> None:
        """Have the model loaded and the constant part of the prompt read, in the background, for no sentence yet."""
        self._start(self._load(language))

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

    async def _freeze(self, device_id: str | None, language: str | None) -> None:
        try:
            prompt = await self._render_quietly(device_id, language)
        finally:
            self._rendering.discard(device_id)
        if prompt is not None and self._frozen.freeze(device_id, prompt, self._now()):
            await self._warm(prompt, device_id)

    async def _load(self, language: str | None) -> None:
        prompt = await self._render_quietly(None, language)
        if prompt is not None:
            await self._warm(prompt, None)

    async def _render_quietly(self, device_id: str | None, language: str | None) -> FrozenPrompt | None:
        """Return the prompt; None if it cannot be rendered, which the sentence itself will tell."""
        try:
            return await self._render(device_id, language)
        except HomeAssistantError as err:
            _LOG.debug("The prompt could not be rendered: %s", err)
            return None

    async def _warm(self, prompt: FrozenPrompt, device_id: str | None) -> None:
        if await self._model.warm(prompt, device_id):
            self._read = {*self._read, prompt.system} if len(self._read) < _MAX_READ else {prompt.system}
        else:
            self.forget()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._hass.async_create_background_task(work, "hybrid_llm warm-up")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now(self) -> float:
        return self._hass.loop.time()
