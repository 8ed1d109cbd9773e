"""A scripted model router, which records its prompts."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import ModelError, ModelEvent, Prompt, Restarted, StreamEnd, TextDelta, ToolCall
from wyoming_rosie_intent.llm.router import RoutingRequest

Step: TypeAlias = ModelEvent | Restarted | ModelError | asyncio.Event | float | str
"""An event, an error to raise, an asyncio.Event to wait for, seconds to wait, or text that comes letter by letter."""


def call(tool: str, /, **arguments: object) -> ToolCall:
    return ToolCall(f"call-{tool}", tool, arguments)


class ScriptedChatModel:
    tier = "local"

    def __init__(self, models: "ScriptedRouter") -> None:
        self._models = models

    def keep_private(self) -> bool:
        return True

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent | Restarted, None]:
        self._models.given.append(prompt)
        try:
            for step in self._models.next_round():
                match step:
                    case float():
                        await asyncio.sleep(step)
                    case asyncio.Event():
                        await step.wait()
                    case str():
                        for letter in step:
                            yield TextDelta(letter)
                    case ModelError():
                        raise step
                    case _:
                        yield step
                if isinstance(step, StreamEnd):
                    return
            yield StreamEnd(1.0)
        finally:
            self._models.ended += 1


class ScriptedRouter:
    """Answers each round with the next list of steps, and from the last one on with that."""

    problem: str | None = None

    def __init__(
        self, *rounds: Sequence[Step], warm_seconds: float = 0.0, warm_error: ModelError | None = None
    ) -> None:
        self._rounds = list(rounds)
        self._warm_seconds = warm_seconds
        self._warm_error = warm_error
        self.given: list[Prompt] = []
        self.warmed: list[Prompt] = []
        self.warm_ups_completed = 0
        self.routing_requests: list[RoutingRequest] = []
        self.ended = 0

    def next_round(self) -> Sequence[Step]:
        return self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]

    def route(self, wish: RoutingRequest) -> ScriptedChatModel:
        self.routing_requests.append(wish)
        return ScriptedChatModel(self)

    async def warm_up(self, prompt: Prompt, wish: RoutingRequest) -> object:
        self.warmed.append(prompt)
        await asyncio.sleep(self._warm_seconds)
        if self._warm_error:
            raise self._warm_error
        self.warm_ups_completed += 1
        return "local"

    async def complete(self, prompt: Prompt, wish: RoutingRequest) -> str:
        raise AssertionError


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.001)
