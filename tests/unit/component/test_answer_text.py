"""Sentences of a model's stream: thoughts, tool calls and endless answers are not among them."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.answer_text import AnswerText
from rules.tool_calls import ModelCall, clean_call, is_action, is_success, parse_calls

KNOWN = ("intent__HassTurnOn", "HassTurnOff", "homeassistant__GetLiveContext")


def read(text: str, *cuts: int) -> list[str]:
    """Return the sentences of a text that arrives in pieces."""
    answer = AnswerText()
    places = [0, *sorted(place % (len(text) + 1) for place in cuts), len(text)]
    sentences = [sentence for start, end in pairwise(places) for sentence in answer.feed(text[start:end])]
    return [*sentences, *answer.finish()]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Paris. It is big.", "Paris. It is big."),
        ("<think>Hm.\nWhat now?</think>Paris.", "Paris."),
        ("<think>It never ends. Never.", ""),
        ("**Paris** is `big`.", "Paris is big."),
        ("It is 21.5 degrees.", "It is 21.5 degrees."),
        ('{"name": "HassTurnOn", "arguments": {}}', ""),
        ('<tool_call>{"name": "HassTurnOn"}</tool_call>', ""),
        ("<|im_end|>Paris.", "Paris."),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", "\u4f60\u597d\u3002\u518d\u89c1\u3002"),
        ("", ""),
    ],
)
def test_only_prose_is_spoken_however_it_arrives(text: str, said: str) -> None:
    for cuts in ((), tuple(range(len(text) + 1)), (3, 7, 12)):
        assert "".join(read(text, *cuts)) == said


@given(st.text(alphabet="ab .!?\n<>{}*think/|", max_size=80), st.lists(st.integers(0, 100), max_size=6))
def test_pieces_make_no_difference_to_letters(text: str, cuts: list[int]) -> None:
    assert re.sub(r"\W", "", "".join(read(text, *cuts))) == re.sub(r"\W", "", "".join(read(text)))


def test_a_sentence_is_spoken_before_the_next_one_has_come() -> None:
    answer = AnswerText()
    assert answer.feed("Paris is big. It l") == ["Paris is big. "]


def test_an_answer_that_repeats_itself_is_endless() -> None:
    answer = AnswerText()
    for _ in range(5):
        answer.feed("It is nice. ")
    assert answer.is_endless


def test_a_text_without_sentences_is_cut_at_words() -> None:
    assert max(map(len, read("word " * 300))) <= 300


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "HassTurnOn", "arguments": {"name": "Lamp"}}', [ModelCall("intent__HassTurnOn", {"name": "Lamp"})]),
        ('```json\n[{"name": "HassTurnOff", "parameters": {}}]\n```', [ModelCall("HassTurnOff")]),
        ('<tool_call>{"function": {"name": "HassTurnOff", "arguments": "{}"}}</tool_call>', [ModelCall("HassTurnOff")]),
        ('{"name": "format_disk", "arguments": {}}', []),
        ('{"name": 5}', []),
        ("{broken", []),
        ("[[[]]]", []),
    ],
)
def test_calls_written_as_text_are_found(text: str, calls: list[ModelCall]) -> None:
    assert parse_calls(text, KNOWN) == calls


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_call_of_any_shape_is_a_call_or_nothing(value: object) -> None:
    assert clean_call(value, value, KNOWN) is None or isinstance(value, str)
    assert (
        not isinstance(clean_call("HassTurnOff", value, KNOWN), ModelCall)
        or value is None
        or isinstance(value, dict | str)
    )


def test_arguments_lose_what_is_empty_and_read_what_is_json() -> None:
    call = clean_call("turn_x", {"name": "Lamp", "area": "", "domain": '["light"]', "floor": None}, KNOWN)
    assert call == ModelCall("turn_x", {"name": "Lamp", "domain": ["light"]})


def test_calls_with_the_same_arguments_are_the_same_call() -> None:
    assert ModelCall("a", {"x": 1, "y": 2}).key == ModelCall("a", {"y": 2, "x": 1}).key


@pytest.mark.parametrize(
    ("result", "is_done"),
    [
        ({"response_type": "action_done"}, True),
        ({"success": True, "result": "ok"}, True),
        ({"success": False}, False),
        ({"error": "MatchFailedError"}, False),
        ({"response_type": "error"}, False),
        ("done", False),
    ],
)
def test_only_a_result_that_says_so_counts_as_done(result: object, is_done: bool) -> None:
    assert is_success(result) is is_done


@pytest.mark.parametrize(("name", "acts"), [("HassTurnOn", True), ("intent__HassTurnOn", True), ("homeassistant__GetLiveContext", False), ("GetLiveContext", False), ("get_forecast", False), ("pizza_order", True)])  # fmt: skip
def test_tools_that_only_read_do_not_act(name: str, acts: bool) -> None:
    assert is_action(name) is acts
