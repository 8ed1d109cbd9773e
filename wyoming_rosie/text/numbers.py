"""English numbers in words, by the rules of Unicode CLDR.

The package unicode-rbnf is imported with the first number, which takes a moment; `load` imports it beforehand.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

LIMIT = 10**15
"""Numbers from here on have no words."""
_CARDINAL = "spellout-cardinal"
_ORDINAL = "spellout-ordinal"
_YEAR = "spellout-numbering-year"


def load() -> None:
    """Import the rules. Blocks for some milliseconds the first time."""
    _rules()


def format_cardinal(number: int) -> str:
    """Return one, twenty-one, one hundred five. The number is from 0 to below LIMIT."""
    return _format(number, _CARDINAL)


def format_ordinal(number: int) -> str:
    """Return first, twenty-first, one hundred fifth. The number is from 0 to below LIMIT."""
    return _format(number, _ORDINAL)


def format_year(number: int) -> str:
    """Return nineteen eighty-four, nineteen oh five, two thousand five. The number is from 0 to below LIMIT."""
    return _format(number, _YEAR).replace("oh-", "oh ")  # as in a time of day


def format_two_digits(number: int) -> str:
    """Return oh five, thirty-five. The number is from 0 to 99."""
    return f"oh {format_cardinal(number)}" if number < 10 else format_cardinal(number)


def format_digits(digits: str) -> str:
    """Return each digit as a word."""
    return " ".join(format_cardinal(int(digit)) for digit in digits)


def format_quantity(number: int, singular: str, plural: str = "") -> str:
    """Return one hour, two hours; the plural ends in s unless it is given."""
    return f"{format_cardinal(number)} {singular if number == 1 else plural or singular + 's'}"


def _format(number: int, ruleset: str) -> str:
    return _rules().format_number(number, ruleset_names=[ruleset]).text


@cache
def _rules() -> "RbnfEngine":
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language("en")
