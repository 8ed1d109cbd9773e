"""Reasoning and tool calls in a model's text."""

import json
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.llm.output_cases import ARGUMENTS, BARE, CALLS, MARKS, OF_LLAMA, PLAIN, THOUGHTS
from wyoming_rosie_intent.llm.model import ModelEvent, Restarted, StreamEnd, TextDelta, ToolCall
from wyoming_rosie_intent.llm.output.output_filter import FIRST_CHARACTERS, OutputFilter, ReasoningStyle, filter_output
from wyoming_rosie_intent.llm.output.textual_calls import MAX_CALL_CHARACTERS

TOOLS = ("HassTurnOn", "HassTurnOff", "GetLiveContext", "notes_add-note")


def read(*parts: str) -> tuple[str, list[tuple[str, object]]]:
    """Return the spoken text and the calls of a text that comes in these chunks."""
    written = OutputFilter(TOOLS)
    said = ""
    for one in (*(one for part in parts for one in written.feed(part)), *written.flush()):
        said = "" if isinstance(one, Restarted) else said + one.text
    return said, [(call.name, call.arguments) for call in written.calls]


CALL = ("HassTurnOn", ARGUMENTS)


@pytest.mark.parametrize("form", CALLS)
def test_a_call_that_was_written_is_a_call_and_not_heard(form: str) -> None:
    said, calls = read(CALLS[form])
    assert (said.strip(" *\n\t"), calls) == ("", [CALL])


@pytest.mark.parametrize("form", CALLS)
def test_a_call_that_came_in_letters_is_a_call(form: str) -> None:
    said, calls = read(*CALLS[form])
    assert (said.strip(" *\n\t"), calls) == ("", [CALL])


@pytest.mark.parametrize("form", CALLS)
def test_what_is_said_before_a_call_is_heard(form: str) -> None:
    said, calls = read(f"Sure thing.\n{CALLS[form]}")
    assert (said.strip(" *\n\t"), calls) == ("Sure thing.", [CALL])


@pytest.mark.parametrize("call", [BARE, OF_LLAMA, f"[{BARE}]", f"<tool_call>{BARE}</tool_call>", f"`{BARE}`"])
def test_a_call_behind_text_in_the_same_line_is_made(call: str) -> None:
    said, calls = read(f"Sure, one moment. {call}")
    assert (said.rstrip(" `"), calls) == ("Sure, one moment.", [CALL])


@pytest.mark.parametrize("form", THOUGHTS)
def test_thoughts_are_not_heard(form: str) -> None:
    for text in (f"{THOUGHTS[form]} It is forty two.", f"{THOUGHTS[form]}\n\nIt is forty two."):
        said, calls = read(text)
        assert (said.strip(), calls) == ("It is forty two.", [])


@pytest.mark.parametrize("mark", MARKS)
def test_marks_and_data_are_not_heard(mark: str) -> None:
    for text in (f"{mark}It is five.", f"It is five.{mark}", f"{mark}\nIt is five.", f"It is five.\n{mark}"):
        if mark.endswith(")") and not text.startswith(f"{mark}\n"):
            continue
        said, calls = read(text)
        assert (said.strip(), calls) == ("It is five.", [])


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_looks_alike_is_heard_as_it_stands(text: str) -> None:
    assert read(text) == (text, [])
    assert read(*text) == (text, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('You could say HassTurnOn(name="Kitchen Light") to me.', "You could say  to me."),
        (f"A call looks like {BARE} in my language.", "A call looks like  in my language."),
        ("GetLiveContext() is what I call then.", " is what I call then."),
    ],
)
def test_what_mentions_a_call_in_a_sentence_does_nothing(text: str, said: str) -> None:
    assert read(text) == (said, [])


@pytest.mark.parametrize(
    "text", [BARE[:-1], BARE[:20], f"<tool_call>{BARE[:30]}", "<tool_call></tool_call>", 'HassTurnOn(name="Kit', "<think>and so on"]
)  # fmt: skip
def test_half_a_call_or_thought_is_neither_heard_nor_made(text: str) -> None:
    assert read(text) == ("", [])


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("<tool_call>GetLiveContext</tool_call>", {}),
        ('{"name": "GetLiveContext"}', {}),
        ("GetLiveContext()", {}),
        ('<invoke name="GetLiveContext"></invoke>', {}),
        ('<function=GetLiveContext><parameter=names>["a", "b"]</parameter></function>', {"names": ["a", "b"]}),
        ("GetLiveContext(count=5, really=True, text='it (is')", {"count": 5, "really": True, "text": "it (is"}),
        ('GetLiveContext("kitchen")', None),
    ],
)
def test_arguments_are_read_as_they_are_meant(text: str, arguments: object) -> None:
    assert read(text) == ("", [("GetLiveContext", arguments)])


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{BARE}</tool_call>\n<tool_call>{OF_LLAMA}</tool_call>",
        f"{BARE}\n{OF_LLAMA}",
        f"{BARE} {OF_LLAMA}",
        f"[{BARE}, {OF_LLAMA}]",
        "HassTurnOn(name='Kitchen Light')\nHassTurnOn(name='Kitchen Light')",
        "[HassTurnOn(name='Kitchen Light'), HassTurnOn(name='Kitchen Light')]",
        f"[TOOL_CALLS]HassTurnOn[ARGS]{json.dumps(ARGUMENTS)}[TOOL_CALLS]HassTurnOn[ARGS]{json.dumps(ARGUMENTS)}",
    ],
)
def test_several_calls_are_all_made(text: str) -> None:
    said, calls = read(text)
    assert (said.strip(), calls) == ("", [CALL, CALL])


def test_data_that_never_ends_is_not_heard_and_the_next_paragraph_is() -> None:
    said, calls = read('{"' + "word " * MAX_CALL_CHARACTERS + "\n\nIt is five.")
    assert (said.strip(), calls) == ("It is five.", [])


PIECES = st.sampled_from(
    [*CALLS.values(), *THOUGHTS.values(), *MARKS, *PLAIN, "<think>", "</think>", "{", '{"', "[", "\n", "\n\n", "`", "```", " ", "<", "word. ", "(", ")", '"', "'",
     "<|", "|>", "HassTurnOn", "=", "Action:", "Final Answer:", "]", "}"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8), st.data())
def test_what_is_heard_depends_on_the_text_alone_never_on_how_it_arrives(
    pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*parts) == read(*text) == read(text)


@given(st.text("{}[]()<>|/`\"'\\:=, \nab1", max_size=60))
def test_any_signs_may_come_and_no_more_is_heard_than_was_written(text: str) -> None:
    said, _ = read(text)
    assert len(said) <= len(text)


# ------------------------------------------------------------------------------------- thoughts without an opening


async def answer(habit: ReasoningStyle, *parts: str) -> list[str]:
    """Return the spoken chunks of one answer; "again" voids those before it."""

    async def pieces() -> AsyncGenerator[ModelEvent, None]:
        for part in parts:
            yield TextDelta(part)
        yield StreamEnd()

    given = [piece async for piece in filter_output(pieces(), TOOLS, habit)]
    assert isinstance(given[-1], StreamEnd)
    return [piece.text if isinstance(piece, TextDelta) else "again" for piece in given[:-1]]


LONG = "They ask for a number. " * (FIRST_CHARACTERS // 20)


async def test_the_thought_of_a_first_answer_is_not_heard() -> None:
    habit = ReasoningStyle()
    assert await answer(habit, "They ask for a number. ", "It is 42.</think>", "Forty two. ") == ["Forty two. "]
    assert habit.is_untagged is True


async def test_a_model_that_thought_nothing_is_heard_at_once_from_then_on() -> None:
    habit = ReasoningStyle()
    assert await answer(habit, "Forty ", "two. ") == ["Forty two. "]
    assert await answer(habit, "Forty ", "two. ", "Yes. ") == ["Forty ", "two. ", "Yes. "]


async def test_a_long_first_answer_is_heard_from_its_bound_on() -> None:
    assert await answer(ReasoningStyle(), LONG, "and ", "on. ") == [LONG, "and ", "on. "]


async def test_a_long_thought_is_void_the_first_time_and_not_heard_the_next() -> None:
    habit = ReasoningStyle()
    assert await answer(habit, LONG, "</think>", "Forty two. ") == [LONG, "again", "Forty two. "]
    assert await answer(habit, LONG, "</think>", "Forty two. ") == ["Forty two. "]


async def test_a_model_that_no_longer_thinks_is_heard_whole() -> None:
    assert await answer(ReasoningStyle(is_untagged=True), "Forty ", "two. ") == ["Forty two. "]


async def test_calls_come_behind_the_text_and_before_the_end() -> None:
    async def pieces() -> AsyncGenerator[ModelEvent, None]:
        for part in ("Sure. ", BARE[:9], BARE[9:]):
            yield TextDelta(part)
        yield StreamEnd()

    assert [type(piece) async for piece in filter_output(pieces(), TOOLS)] == [TextDelta, ToolCall, StreamEnd]
