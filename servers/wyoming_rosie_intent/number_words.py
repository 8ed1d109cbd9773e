"""Numbers, time and date as a person says them."""

import re
from collections.abc import Callable
from datetime import date, datetime

# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}
# fmt: on


def number_to_words(number: int) -> str:
    """Return 0 to 99 in words."""
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[ones]}" if ones else _TENS[tens]


def ordinal_to_words(number: int) -> str:
    """Return first to ninety-ninth."""
    head, dash, last = number_to_words(number).rpartition("-")
    return head + dash + (_ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th"))


def time_to_words(moment: datetime) -> str:
    """Return the time on a clock with twelve hours: "three oh five PM"."""
    minute = f" oh {number_to_words(moment.minute)}" if 0 < moment.minute < 10 else f" {number_to_words(moment.minute)}"
    half = "AM" if moment.hour < 12 else "PM"
    return f"{number_to_words(moment.hour % 12 or 12)}{minute if moment.minute else ''} {half}"


def date_to_words(day: date) -> str:
    """Return the day: "Saturday, the twenty-first of November"."""
    return f"{day:%A}, the {ordinal_to_words(day.day)} of {day:%B}"


def replace_digits_with_words(text: str, language: str = "en") -> str:
    """Return the text with each number up to 99 in words, as a speech recognizer may write it."""
    say = _in_english if language == "en" else _sayer(language)
    return re.sub(r"(?<!\d)\d{1,2}(?!\d)", lambda found: say(int(found[0])), text) if say else text


def _in_english(number: int) -> str:
    return number_to_words(number).replace("-", " ")


def _sayer(language: str) -> Callable[[int], str] | None:
    """Return what says a number in a language that hassil knows the numbers of."""
    from hassil.numbers import get_rbnf_engine

    try:
        engine = get_rbnf_engine(language)
    except ValueError:
        return None
    return lambda number: engine.format_number(number).text.replace("\u00ad", "")
