"""A model that says what a test wrote down, and keeps what it was given."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import Again, Done, ModelError, Piece, Prompt, Text, ToolCall
from wyoming_rosie_intent.llm.router import Wish

Step: TypeAlias = Piece | Again | ModelError | asyncio.Event | float | str
"""A piece, an error to raise, what to wait for, seconds to wait, or text that comes letter by letter."""


def call(tool: str, /, **arguments: object) -> ToolCall:
    return ToolCall(f"call-{tool}", tool, arguments)


class ScriptedAttempt:
    tier = "local"

    def __init__(self, models: "ScriptedModels") -> None:
        self._models = models

    async def answer(self, prompt: Prompt) -> AsyncGenerator[Piece | Again, None]:
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
                            yield Text(letter)
                    case ModelError():
                        raise step
                    case _:
                        yield step
                if isinstance(step, Done):
                    return
            yield Done(1.0)
        finally:
            self._models.ended += 1


class ScriptedModels:
    """Answers each round with the next list of steps; the last one is used for ever."""

    def __init__(
        self, *rounds: Sequence[Step], warm_seconds: float = 0.0, warm_error: ModelError | None = None
    ) -> None:
        self._rounds = list(rounds)
        self._warm_seconds = warm_seconds
        self._warm_error = warm_error
        self.given: list[Prompt] = []
        self.warmed: list[Prompt] = []
        self.warmed_wholly = 0
        self.wishes: list[Wish] = []
        self.ended = 0

    def next_round(self) -> Sequence[Step]:
        return self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0]

    def attempt(self, wish: Wish) -> ScriptedAttempt:
        self.wishes.append(wish)
        return ScriptedAttempt(self)

    async def warm(self, prompt: Prompt, wish: Wish) -> object:
        self.warmed.append(prompt)
        await asyncio.sleep(self._warm_seconds)
        if self._warm_error:
            raise self._warm_error
        self.warmed_wholly += 1
        return "local"


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await asyncio.sleep(0.001)
