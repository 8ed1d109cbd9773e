"""Timeouts of answers, and their end."""

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
"""Characters of an answer, for a server that ignores the limit of tokens."""
MAX_CALLS = 64


@dataclass(frozen=True)
class AnswerTimeouts:
    """Seconds until the first event of an answer, between two events, and for the whole answer."""

    first_token: float = 8.0
    stall: float = 5.0
    total: float = 60.0


async def enforce_timeouts(
    limits: AnswerTimeouts, name: str, events: AsyncGenerator[ModelEvent, None]
) -> AsyncGenerator[ModelEvent, None]:
    """Yield the events up to `StreamEnd`, each within its timeout; end a text that repeats itself.

    Raises ModelError, also when the stream ends without `StreamEnd`.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.total
    silence = limits.first_token
    measure, repetition = _AnswerSize(name), RepetitionDetector()
    async with aclosing(events):
        while True:
            event = await _next_event(events, min(end, loop.time() + silence), name)
            measure.add(event)
            if isinstance(event, TextDelta) and repetition.feed(event.text):
                yield StreamEnd(finish_reason=FinishReason.LOOP)
                return
            yield event
            if isinstance(event, StreamEnd):
                return
            silence = limits.stall


async def _next_event(events: AsyncGenerator[ModelEvent, None], deadline: float, name: str) -> ModelEvent:
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(events)
    except TimeoutError as err:
        raise ModelTimeoutError(f"{name}: it did not answer in time") from err
    except StopAsyncIteration as err:
        raise ModelError(f"{name}: the answer broke off before its end") from err


class _AnswerSize:
    """The size of an answer so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._characters = 0
        self._calls = 0

    def add(self, event: ModelEvent) -> None:
        """Add an event. Raises ModelOutputError when the answer is too long."""
        if isinstance(event, TextDelta):
            self._characters += len(event.text)
        elif not isinstance(event, StreamEnd):
            self._calls += 1
        if self._characters > MAX_ANSWER_CHARACTERS or self._calls > MAX_CALLS:
            raise ModelOutputError(f"{self._name}: the answer has no end")
