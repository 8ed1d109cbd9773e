import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text.numbers import (
    LIMIT,
    format_cardinal,
    format_digits,
    format_ordinal,
    format_quantity,
    format_two_digits,
    format_year,
)


@pytest.mark.parametrize(
    ("number", "cardinal", "ordinal"),
    [
        (0, "zero", "zeroth"),
        (12, "twelve", "twelfth"),
        (21, "twenty-one", "twenty-first"),
        (105, "one hundred five", "one hundred fifth"),
        (1_000_080, "one million eighty", "one million eightieth"),
    ],
)
def test_numbers_are_american_english_words(number: int, cardinal: str, ordinal: str) -> None:
    assert (format_cardinal(number), format_ordinal(number)) == (cardinal, ordinal)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1905, "nineteen oh five"),
        (1984, "nineteen eighty-four"),
        (2005, "two thousand five"),
        (1900, "nineteen hundred"),
    ],
)
def test_a_year_is_two_pairs_of_digits_where_people_say_so(number: int, words: str) -> None:
    assert format_year(number) == words


def test_digits_and_quantities() -> None:
    assert format_digits("190") == "one nine zero"
    assert [format_two_digits(number) for number in (5, 35)] == ["oh five", "thirty-five"]
    assert [format_quantity(number, "hour") for number in (1, 2)] == ["one hour", "two hours"]
    assert format_quantity(3, "half", "halves") == "three halves"


@given(st.integers(0, LIMIT - 1))
def test_every_number_has_words_of_its_own(number: int) -> None:
    assert format_cardinal(number) != format_cardinal((number + 1) % LIMIT)
    assert format_ordinal(number) != format_cardinal(number)
