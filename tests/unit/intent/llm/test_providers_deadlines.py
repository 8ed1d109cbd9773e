import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.unit.intent.llm.model_server import collect
from wyoming_rosie_intent.llm.model import (
    FinishReason,
    ModelError,
    ModelEvent,
    ModelOutputError,
    StreamEnd,
    TextDelta,
    ToolCall,
)
from wyoming_rosie_intent.llm.timeouts import MAX_ANSWER_CHARACTERS, MAX_CALLS, AnswerTimeouts, enforce_timeouts

QUICK = AnswerTimeouts(first_token=0.05, stall=0.05, total=10.0)


def words(characters: int) -> str:
    """Return a text without repetitions."""
    return " ".join(map(str, range(characters)))[:characters]


async def given(*steps: ModelEvent | float) -> AsyncGenerator[ModelEvent, None]:
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        else:
            yield step


async def test_pieces_up_to_done_come_through() -> None:
    assert await collect(
        enforce_timeouts(AnswerTimeouts(), "m", given(TextDelta("a"), StreamEnd(), TextDelta("b")))
    ) == [TextDelta("a"), StreamEnd()]


@pytest.mark.parametrize(
    "steps",
    [(1.0, TextDelta("a"), StreamEnd()), (TextDelta("a"), 1.0, StreamEnd())],
    ids=["before the first", "in the middle"],
)
async def test_silence_is_an_error(steps: tuple[ModelEvent | float, ...]) -> None:
    with pytest.raises(ModelError, match="m: it did not answer in time"):
        await collect(enforce_timeouts(QUICK, "m", given(*steps)))


async def test_first_piece_has_a_deadline_of_its_own() -> None:
    limits = AnswerTimeouts(first_token=5.0, stall=0.05, total=10.0)
    assert await collect(enforce_timeouts(limits, "m", given(0.15, TextDelta("a"), StreamEnd()))) == [
        TextDelta("a"),
        StreamEnd(),
    ]


async def test_all_of_it_has_a_deadline() -> None:
    steps: list[ModelEvent | float] = [TextDelta("a"), 0.03]
    with pytest.raises(ModelError, match="in time"):
        await collect(enforce_timeouts(AnswerTimeouts(1.0, 1.0, 0.1), "m", given(*steps * 100, StreamEnd())))


async def test_end_without_done_is_an_error() -> None:
    with pytest.raises(ModelError, match="broke off"):
        await collect(enforce_timeouts(AnswerTimeouts(), "m", given(TextDelta("a"))))


@pytest.mark.parametrize(
    "pieces",
    [[TextDelta(words(MAX_ANSWER_CHARACTERS + 10))], [ToolCall("1", "go", {})] * (MAX_CALLS + 2)],
    ids=["text", "calls"],
)
async def test_answers_without_end_are_cut(pieces: list[ModelEvent]) -> None:
    with pytest.raises(ModelOutputError, match="has no end"):
        await collect(enforce_timeouts(AnswerTimeouts(), "m", given(*pieces, StreamEnd())))


async def test_text_that_goes_round_in_a_circle_is_at_its_end() -> None:
    pieces = await collect(
        enforce_timeouts(AnswerTimeouts(), "m", given(*[TextDelta("I am here to help. ")] * 100, StreamEnd()))
    )
    assert pieces[-1] == StreamEnd(finish_reason=FinishReason.LOOP)
    assert len(pieces) < 10
