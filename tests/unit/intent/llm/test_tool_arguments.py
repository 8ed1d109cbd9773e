import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.llm.tool_arguments import ArgumentError, validate_arguments

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "percent": {"type": "integer", "minimum": 0, "maximum": 100},
        "degrees": {"type": "number", "minimum": -30, "maximum": 250},
    },
    "required": ["name"],
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("given_", "taken"),
    [
        ({"name": " the  lamp\n"}, {"name": "the lamp"}),
        ({"name": "lamp", "color": "RED", "percent": None, "degrees": ""}, {"name": "lamp", "color": "red"}),
        ({"name": ["lamp"], "percent": "40 %"}, {"name": "lamp", "percent": 40}),
        ({"name": "lamp", "percent": 40.0, "degrees": "-3.5°"}, {"name": "lamp", "percent": 40, "degrees": -3.5}),
    ],
)
def test_what_is_meant_is_taken(given_: dict[str, object], taken: dict[str, object]) -> None:
    assert validate_arguments(given_, SCHEMA) == taken


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        (None, "no JSON object"),
        ({}, "'name' is missing"),
        ({"name": ""}, "'name' is missing"),
        ({"name": 7}, "'name' must be of type string"),
        ({"name": {"x": 1}}, "'name' must be of type string"),
        ({"name": ["a", "b"]}, "'name' must be of type string"),
        ({"name": "a", "percent": True}, "'percent' must be of type integer"),
        ({"name": "a", "percent": 40.5}, "'percent' must be of type integer"),
        ({"name": "a", "percent": 101}, "between 0 and 100"),
        ({"name": "a", "degrees": float("nan")}, "between -30 and 250"),
        ({"name": "a", "degrees": "1e999"}, "between -30 and 250"),
        ({"name": "a", "color": "green"}, "must be one of: red, blue"),
        ({"name": "a", "size": 3}, "no argument 'size'; there are: name, color, percent, degrees"),
        ({"name": "x" * 201}, "more than 200 characters"),
    ],
)
def test_what_is_wrong_is_said(given_: dict[str, object] | None, reason: str) -> None:
    with pytest.raises(ArgumentError, match=reason):
        validate_arguments(given_, SCHEMA)


@given(st.dictionaries(st.sampled_from(["name", "color", "percent", "degrees", "x"]), ANYTHING))
def test_whatever_a_model_writes_is_taken_or_refused(given_: dict[str, object]) -> None:
    try:
        taken = validate_arguments(given_, SCHEMA)
    except ArgumentError:
        return
    assert isinstance(taken["name"], str)
    assert taken.get("color", "red") in {"red", "blue"}
    assert 0 <= float(taken.get("percent", 0)) <= 100
    assert -30 <= float(taken.get("degrees", 0)) <= 250
