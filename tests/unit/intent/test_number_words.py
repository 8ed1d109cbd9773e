from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text.numbers import format_cardinal, format_ordinal
from wyoming_rosie_intent.responses.number_words import (
    date_to_words,
    replace_digits_with_words,
    time_to_words,
)


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("00:00", "twelve AM"),
        ("00:01", "twelve oh one AM"),
        ("03:05", "three oh five AM"),
        ("11:59", "eleven fifty-nine AM"),
        ("12:00", "twelve PM"),
        ("15:10", "three ten PM"),
        ("23:21", "eleven twenty-one PM"),
    ],
)
def test_time_is_said_as_on_a_clock_with_twelve_hours(clock: str, words: str) -> None:
    assert time_to_words(datetime.fromisoformat(f"2026-11-21T{clock}+00:00")) == words


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-11-21", "Saturday, the twenty-first of November"),
        ("2027-01-01", "Friday, the first of January"),
        ("2026-12-12", "Saturday, the twelfth of December"),
        ("2026-04-20", "Monday, the twentieth of April"),
        ("2026-03-30", "Monday, the thirtieth of March"),
    ],
)
def test_date_is_said_with_weekday_and_ordinal(day: str, words: str) -> None:
    assert date_to_words(datetime.fromisoformat(day)) == words


@given(st.integers(0, 99))
def test_no_two_numbers_are_said_alike(number: int) -> None:
    assert [n for n in range(100) if format_cardinal(n) == format_cardinal(number)] == [number]
    assert [n for n in range(1, 100) if format_ordinal(n) == format_ordinal(number)] == ([number] if number else [])


def test_numbers_in_names_are_read_as_words_but_long_ones_stay() -> None:
    assert replace_digits_with_words("Lamp 2 of 21, no 404") == "Lamp two of twenty one, no 404"
