"""How long an answer may take, and what makes it whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from wyoming_rosie_intent.llm.model import Done, Ending, LateError, ModelError, OutputError, Piece, Text
from wyoming_rosie_intent.llm.repetition import Repetition

LONGEST_ANSWER = 100_000
"""Characters, where a server does not keep to the tokens that it was told; nobody listens to more."""
MOST_CALLS = 64


@dataclass(frozen=True)
class Limits:
    """Seconds until an answer's first piece, between two pieces, and for all of it."""

    first_token: float = 8.0
    stall: float = 5.0
    total: float = 60.0


async def within(limits: Limits, name: str, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield the pieces up to `Done`, each in its time; a text that goes round in a circle is at its end.

    Raises ModelError, also when they end without `Done`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.total
    silence = limits.first_token
    measure, repetition = _Measure(name), Repetition()
    async with aclosing(pieces):
        while True:
            piece = await _next(pieces, min(end, loop.time() + silence), name)
            measure.count(piece)
            if isinstance(piece, Text) and repetition.hear(piece.text):
                yield Done(ending=Ending.LOOP)
                return
            yield piece
            if isinstance(piece, Done):
                return
            silence = limits.stall


async def _next(pieces: AsyncGenerator[Piece, None], deadline: float, name: str) -> Piece:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(pieces)
    except TimeoutError as err:
        raise LateError(f"{name}: it did not answer in time") from err
    except StopAsyncIteration as err:
        raise ModelError(f"{name}: the answer broke off before its end") from err


class _Measure:
    """Counts what a model says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._characters = 0
        self._calls = 0

    def count(self, piece: Piece) -> None:
        """Raise ModelError when it is too much."""
        if isinstance(piece, Text):
            self._characters += len(piece.text)
        elif not isinstance(piece, Done):
            self._calls += 1
        if self._characters > LONGEST_ANSWER or self._calls > MOST_CALLS:
            raise OutputError(f"{self._name}: the answer has no end")
