"""Typed getters for objects read from JSON or TOML."""

import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.fields import Fields, is_text, parse_number

GIVEN = Fields(
    {
        "name": "Ada",
        "empty": "",
        "null": None,
        "names": ["a", "bc"],
        "half": 0.5,
        "two": 2,
        "on": True,
        "where": {"room": "hall"},
        "rooms": [{"room": "hall"}],
        "infinite": float("inf"),
        "huge": 10**400,
    }
)


def test_values_come_with_their_types() -> None:
    assert GIVEN.text("name") == GIVEN.optional_text("name") == "Ada"
    assert GIVEN.text("empty") == ""
    assert GIVEN.texts("names") == ("a", "bc")
    assert GIVEN.optional_number("half") == 0.5
    assert (GIVEN.number("half"), GIVEN.number("two"), GIVEN.integer("two")) == (0.5, 2.0, 2)
    assert GIVEN.boolean("on")
    assert [one.text("room") for one in GIVEN.objects("rooms", 1)] == ["hall"]
    where = GIVEN.optional_object("where")
    assert where is not None
    assert where.text("room") == "hall"


@pytest.mark.parametrize("key", ["null", "missing"])
def test_null_counts_as_absent(key: str) -> None:
    assert GIVEN.optional_text(key) is None
    assert GIVEN.optional_number(key) is None
    assert GIVEN.optional_object(key) is None
    assert GIVEN.texts(key) == ()
    for getter in (GIVEN.text, GIVEN.number, GIVEN.integer, GIVEN.boolean):
        with pytest.raises(ValueError, match=f"^{key} must be "):
            getter(key)


@pytest.mark.parametrize(
    ("get", "sentence"),
    [
        (lambda: GIVEN.text("two"), "two must be a text"),
        (lambda: GIVEN.text("empty", 1), "empty must be a text of at least 1 characters"),
        (lambda: GIVEN.text("name", 1, 2), "name must be a text of 1 to 2 characters"),
        (lambda: GIVEN.optional_text("name", 0, 2), "name must be a text of at most 2 characters"),
        (lambda: GIVEN.texts("name"), "name must be a list of texts"),
        (lambda: GIVEN.texts("rooms"), "rooms must be a list of texts"),
        (lambda: GIVEN.texts("names", 1), "names must be a list of at most 1 texts"),
        (lambda: GIVEN.texts("names", 9, 1), "names must be a list of at most 9 texts of at most 1 characters"),
        (lambda: GIVEN.number("on"), "on must be a number"),
        (lambda: GIVEN.number("infinite"), "infinite must be a number"),
        (lambda: GIVEN.number("huge"), "huge must be a number"),
        (lambda: GIVEN.number("two", 0, 1.5), "two must be a number from 0 to 1.5"),
        (lambda: GIVEN.number("two", 3), "two must be a number of at least 3"),
        (lambda: GIVEN.number("two", most=1), "two must be a number of at most 1"),
        (lambda: GIVEN.integer("half"), "half must be a whole number"),
        (lambda: GIVEN.integer("on", 0, 1), "on must be a whole number from 0 to 1"),
        (lambda: GIVEN.boolean("two"), "two must be true or false"),
        (lambda: GIVEN.objects("rooms", 0), "rooms must be a list of at most 0 objects"),
        (lambda: GIVEN.objects("names", 2), "it must be an object"),
        (lambda: GIVEN.optional_object("name"), "name must be an object"),
        (lambda: Fields([]), "it must be an object"),
    ],
)
def test_other_values_are_refused_by_name(get: object, sentence: str) -> None:
    assert callable(get)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the sentence is compared
        get()
    assert str(caught.value) == sentence


def test_the_error_is_the_callers() -> None:
    with pytest.raises(BadEventError, match=r"^transcribe: name must be a text$"):
        Fields({"name": 1}, lambda reason: BadEventError(f"transcribe: {reason}")).text("name")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON)
def test_any_document_is_read_or_refused(document: object) -> None:
    try:
        fields = Fields({"key": json.loads(json.dumps(document))})
        assert isfinite(fields.number("key"))
    except ValueError as err:
        assert str(err) == "key must be a number"


@given(JSON)
def test_lenient_readers_never_raise(value: object) -> None:
    assert (parse_number(value) is None) or isfinite(parse_number(value) or 0.0)
    assert is_text(value) == isinstance(value, str)
