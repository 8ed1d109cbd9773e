import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.unit.intent.llm.served import whole
from wyoming_rosie_intent.llm.model import Done, Ending, ModelError, OutputError, Piece, Text, ToolCall
from wyoming_rosie_intent.llm.timeouts import LONGEST_ANSWER, MOST_CALLS, Limits, within

QUICK = Limits(first_token=0.05, stall=0.05, total=10.0)


def words(characters: int) -> str:
    """Return a text that never says a thing twice."""
    return " ".join(map(str, range(characters)))[:characters]


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
    "pieces",
    [[Text(words(LONGEST_ANSWER + 10))], [ToolCall("1", "go", {})] * (MOST_CALLS + 2)],
    ids=["text", "calls"],
)
async def test_answers_without_end_are_cut(pieces: list[Piece]) -> None:
    with pytest.raises(OutputError, match="has no end"):
        await whole(within(Limits(), "m", given(*pieces, Done())))


async def test_text_that_goes_round_in_a_circle_is_at_its_end() -> None:
    pieces = await whole(within(Limits(), "m", given(*[Text("I am here to help. ")] * 100, Done())))
    assert pieces[-1] == Done(ending=Ending.LOOP)
    assert len(pieces) < 10
