"""Numbers as people say them and as they are written: twenty five, 25."""

from collections.abc import Iterable

# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES = (
    {word: value for value, word in enumerate(_SMALL)}
    | {word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)}
    | {"hundred": 100}
)
"""What each number word is worth."""


def spoken(number: int) -> tuple[str, ...]:
    """Return the words of a number from 0 to 999."""
    match number:
        case _ if not 0 <= number <= 999:
            raise ValueError(f"{number} is not between 0 and 999")
        case _ if number < 20:
            return (_SMALL[number],)
        case _ if number < 100:
            return (_TENS[number // 10 - 2], *_unless_zero(number % 10))
        case _:
            return (_SMALL[number // 100], "hundred", *_unless_zero(number % 100))


def joined(values: Iterable[int]) -> list[int]:
    """Return the numbers that values said one after another make: 20 5 is 25, 5 20 stays 5 20."""
    numbers: list[int] = []
    for value in values:
        if numbers and _continues(numbers[-1], value):
            numbers[-1] = numbers[-1] * 100 if value == 100 else numbers[-1] + value
        else:
            numbers.append(value)
    return numbers


def _unless_zero(number: int) -> tuple[str, ...]:
    return spoken(number) if number else ()


def _continues(number: int, value: int) -> bool:
    if value == 100:
        return 1 <= number <= 9
    if number >= 100 and number % 100 == 0:
        return 1 <= value <= 99
    return number % 100 >= 20 and number % 10 == 0 and 1 <= value <= 9
