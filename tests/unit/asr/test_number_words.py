from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_asr.engines.pocketsphinx import number_words


def test_numbers_are_said_in_words() -> None:
    said = {number: " ".join(number_words.number_to_words(number)) for number in (0, 7, 13, 20, 42, 100, 110, 999)}
    assert said == {
        0: "zero",
        7: "seven",
        13: "thirteen",
        20: "twenty",
        42: "forty two",
        100: "one hundred",
        110: "one hundred ten",
        999: "nine hundred ninety nine",
    }


@given(st.integers(0, 999))
def test_the_words_of_a_number_make_that_number(number: int) -> None:
    assert number_words.join_values(
        number_words.word_values()[word] for word in number_words.number_to_words(number)
    ) == [number]


def test_numbers_that_do_not_continue_each_other_stay_apart() -> None:
    assert number_words.join_values([20, 15]) == [20, 15]
    assert number_words.join_values([5, 20]) == [5, 20]
    assert number_words.join_values([10, 5]) == [10, 5]


@given(st.lists(st.integers(1, 100)))
def test_nothing_is_lost_when_numbers_are_joined(values: list[int]) -> None:
    assert all(number >= 1 for number in number_words.join_values(values))
    assert bool(number_words.join_values(values)) is bool(values)
