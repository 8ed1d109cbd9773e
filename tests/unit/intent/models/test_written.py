"""Thoughts and calls that a model writes into its text: what is heard of them, and what is done."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.models.written import LONGEST_JSON, Written

TURN_ON = '{"name": "HassTurnOn", "arguments": {"name": "Kitchen Light"}}'
LLAMAS = '{"name": "HassTurnOn", "parameters": {"name": "Kitchen Light"}}'
OPENAIS = '{"type": "function", "function": {"name": "HassTurnOn", "arguments": {"name": "Kitchen Light"}}}'


def heard(*parts: str) -> tuple[str, list[str]]:
    written = Written()
    said = "".join((*(written.feed(part) for part in parts), written.finish()))
    return said, [call.name for call in written.calls]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<think>Is it 42? It is.</think>\n\nIt is forty two.", "\n\nIt is forty two."),
        ("<think>and so on without end", ""),
        ("all of it was a thought</think> It is forty two.", "all of it was a thought It is forty two."),
        ("<reasoning>{not json</reasoning>Yes.", "Yes."),
        ("It is < 5 and > 3, [sic] I think.", "It is < 5 and > 3, [sic] I think."),
        ("The set\n{1, 2} has two.", "The set\n{1, 2} has two."),
        ('{"mood": "good"} is what I feel.', '{"mood": "good"} is what I feel.'),
        ('{"mood" is how it begins.', '{"mood" is how it begins.'),
        ("<b>Bold</b> words.", "<b>Bold</b> words."),
        ("Ends with <", "Ends with <"),
    ],
)
def test_thoughts_are_not_heard_and_what_only_looks_alike_is(text: str, said: str) -> None:
    assert heard(text) == (said, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TURN_ON, ""),
        (LLAMAS, ""),
        (OPENAIS, ""),
        (f"[{TURN_ON}]", ""),
        (f"<tool_call>\n{TURN_ON}\n</tool_call>", ""),
        (f"<tool_call>{TURN_ON}", ""),
        (f"[TOOL_CALLS] [{TURN_ON}]", ""),
        (f"<|python_tag|>{LLAMAS}", ""),
        (f"Sure thing.\n```json\n{TURN_ON}\n```\n", "Sure thing.\n\n"),
        (f"Sure thing.\n{json.dumps(json.loads(TURN_ON), indent=2)}", "Sure thing.\n"),
        (f"<think>I call it.</think>\n{TURN_ON}", "\n"),
    ],
)
def test_a_call_that_was_written_is_a_call(text: str, said: str) -> None:
    assert heard(text) == (said, ["HassTurnOn"])


@pytest.mark.parametrize("text", [TURN_ON[:-1], TURN_ON[:20], f"<tool_call>{TURN_ON[:30]}", "<tool_call></tool_call>"])
def test_half_a_call_is_neither_heard_nor_made(text: str) -> None:
    assert heard(text) == ("", [])


def test_several_calls_are_all_made() -> None:
    both = f"<tool_call>{TURN_ON}</tool_call>\n<tool_call>{LLAMAS}</tool_call>"
    assert heard(both) == ("\n", ["HassTurnOn", "HassTurnOn"])


def test_a_thought_in_a_call_makes_no_call_of_it() -> None:
    assert heard(f"<think>{TURN_ON}</think>No.") == ("No.", [])


def test_what_opens_and_never_ends_is_heard_at_its_bound() -> None:
    written = Written()
    said = written.feed('{"' + "word " * LONGEST_JSON)
    assert said.startswith('{"word word')


PIECES = st.sampled_from(
    ["<think>", "</think>", "<tool_call>", "</tool_call>", TURN_ON, "{", '{"', "[", "\n", "```", "```json\n", "a", " ", "<", "[TOOL_CALLS]", "word. "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12), st.data())
def test_what_is_heard_depends_on_the_text_alone_never_on_how_it_arrives(
    pieces: list[str], data: st.DataObject
) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert heard(*parts) == heard(*text) == heard(text)
