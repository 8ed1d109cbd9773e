"""Numbers as spoken words, and the values of the words that a number is recognised from: twenty five, 25."""

from collections.abc import Iterable, Mapping
from functools import cache

from wyoming_rosie.text.numbers import format_cardinal

_MAX_NUMBER = 999


@cache
def number_to_words(number: int) -> tuple[str, ...]:
    """Return the words of a number. Raises ValueError unless it is from 0 to 999."""
    if not 0 <= number <= _MAX_NUMBER:
        raise ValueError(f"{number} is not between 0 and {_MAX_NUMBER}")
    return tuple(format_cardinal(number).replace("-", " ").split())


@cache
def word_values() -> Mapping[str, int]:
    """Return the value of each word that a number consists of."""
    single_words = {number_to_words(number)[0]: number for number in (*range(20), *range(20, 100, 10))}
    return {**single_words, "hundred": 100}


def join_values(values: Iterable[int]) -> list[int]:
    """Return the numbers that consecutive values make: 20 5 is 25, 5 20 stays 5 20."""
    numbers: list[int] = []
    for value in values:
        if numbers and _continues(numbers[-1], value):
            numbers[-1] = numbers[-1] * 100 if value == 100 else numbers[-1] + value
        else:
            numbers.append(value)
    return numbers


def _continues(number: int, value: int) -> bool:
    if value == 100:
        return 1 <= number <= 9
    if number >= 100 and number % 100 == 0:
        return 1 <= value <= 99
    return number % 100 >= 20 and number % 10 == 0 and 1 <= value <= 9
