import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.unit.intent.models.served import whole
from wyoming_rosie_intent.models.deadlines import LONGEST_ANSWER, MOST_CALLS, Limits, within
from wyoming_rosie_intent.models.model import Done, ModelError, Piece, Text, ToolCall

QUICK = Limits(first_token=0.05, stall=0.05, total=10.0)


async def given(*steps: Piece | float) -> AsyncGenerator[Piece, None]:
    for step in steps:
        if isinstance(step, float):
            await asyncio.sleep(step)
        else:
            yield step


async def test_pieces_up_to_done_come_through() -> None:
    assert await whole(within(Limits(), "m", given(Text("a"), Done(), Text("b")))) == [Text("a"), Done()]


@pytest.mark.parametrize(
    "steps", [(1.0, Text("a"), Done()), (Text("a"), 1.0, Done())], ids=["before the first", "in the middle"]
)
async def test_silence_is_an_error(steps: tuple[Piece | float, ...]) -> None:
    with pytest.raises(ModelError, match="m: it did not answer in time"):
        await whole(within(QUICK, "m", given(*steps)))


async def test_first_piece_has_a_deadline_of_its_own() -> None:
    limits = Limits(first_token=5.0, stall=0.05, total=10.0)
    assert await whole(within(limits, "m", given(0.15, Text("a"), Done()))) == [Text("a"), Done()]


async def test_all_of_it_has_a_deadline() -> None:
    steps: list[Piece | float] = [Text("a"), 0.03]
    with pytest.raises(ModelError, match="in time"):
        await whole(within(Limits(1.0, 1.0, 0.1), "m", given(*steps * 100, Done())))


async def test_end_without_done_is_an_error() -> None:
    with pytest.raises(ModelError, match="broke off"):
        await whole(within(Limits(), "m", given(Text("a"))))


@pytest.mark.parametrize(
    "piece", [Text("x" * (LONGEST_ANSWER // MOST_CALLS)), ToolCall("1", "go", {})], ids=["text", "calls"]
)
async def test_answers_without_end_are_cut(piece: Piece) -> None:
    with pytest.raises(ModelError, match="has no end"):
        await whole(within(Limits(), "m", given(*[piece] * (MOST_CALLS + 2), Done())))
