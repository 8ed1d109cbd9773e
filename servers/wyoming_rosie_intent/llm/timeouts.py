"""How long an answer may take, and what makes it whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from wyoming_rosie_intent.llm.model import (
    FinishReason,
    ModelError,
    ModelEvent,
    ModelOutputError,
    ModelTimeoutError,
    StreamEnd,
    TextDelta,
)
from wyoming_rosie_intent.llm.output.repetition import RepetitionDetector

MAX_ANSWER_CHARACTERS = 100_000
"""Characters, where a server does not keep to the tokens that it was told; nobody listens to more."""
MAX_CALLS = 64


@dataclass(frozen=True)
class AnswerTimeouts:
    """Seconds until an answer's first piece, between two pieces, and for all of it."""

    first_token: float = 8.0
    stall: float = 5.0
    total: float = 60.0


async def enforce_timeouts(
    limits: AnswerTimeouts, name: str, pieces: AsyncGenerator[ModelEvent, None]
) -> AsyncGenerator[ModelEvent, None]:
    """Yield the pieces up to `Done`, each in its time; a text that goes round in a circle is at its end.

    Raises ModelError, also when they end without `Done`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.total
    silence = limits.first_token
    measure, repetition = _AnswerSize(name), RepetitionDetector()
    async with aclosing(pieces):
        while True:
            piece = await _next_event(pieces, min(end, loop.time() + silence), name)
            measure.add(piece)
            if isinstance(piece, TextDelta) and repetition.feed(piece.text):
                yield StreamEnd(finish_reason=FinishReason.LOOP)
                return
            yield piece
            if isinstance(piece, StreamEnd):
                return
            silence = limits.stall


async def _next_event(pieces: AsyncGenerator[ModelEvent, None], deadline: float, name: str) -> ModelEvent:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(pieces)
    except TimeoutError as err:
        raise ModelTimeoutError(f"{name}: it did not answer in time") from err
    except StopAsyncIteration as err:
        raise ModelError(f"{name}: the answer broke off before its end") from err


class _AnswerSize:
    """Counts what a model says."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._characters = 0
        self._calls = 0

    def add(self, piece: ModelEvent) -> None:
        """Raise ModelError when it is too much."""
        if isinstance(piece, TextDelta):
            self._characters += len(piece.text)
        elif not isinstance(piece, StreamEnd):
            self._calls += 1
        if self._characters > MAX_ANSWER_CHARACTERS or self._calls > MAX_CALLS:
            raise ModelOutputError(f"{self._name}: the answer has no end")
