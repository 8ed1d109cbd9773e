"""Times and dates in English words, and the digits of a text as words of its language."""

import re
from collections.abc import Callable
from datetime import date, datetime

from wyoming_rosie.text.numbers import format_cardinal, format_ordinal, format_two_digits

_SHORT_NUMBER = re.compile(r"(?<!\d)\d{1,2}(?!\d)")


def time_to_words(moment: datetime) -> str:
    """Return the time on a 12-hour clock: "three oh five PM"."""
    hour = format_cardinal(moment.hour % 12 or 12)
    minute = f" {format_two_digits(moment.minute)}" if moment.minute else ""
    return f"{hour}{minute} {'AM' if moment.hour < 12 else 'PM'}"


def date_to_words(day: date) -> str:
    """Return the day: "Saturday, the twenty-first of November"."""
    return f"{day:%A}, the {format_ordinal(day.day)} of {day:%B}"


def replace_digits_with_words(text: str, language: str = "en") -> str:
    """Return the text with each number up to 99 in words, as a speech recognizer may write it."""
    spell_out = _spell_in_english if language == "en" else _create_speller(language)
    return _SHORT_NUMBER.sub(lambda found: spell_out(int(found[0])), text) if spell_out else text


def _spell_in_english(number: int) -> str:
    return format_cardinal(number).replace("-", " ")


def _create_speller(language: str) -> Callable[[int], str] | None:
    """Return a function that spells numbers out, or None in a language whose numbers hassil does not know."""
    from hassil.numbers import get_rbnf_engine

    try:
        engine = get_rbnf_engine(language)
    except ValueError:
        return None
    return lambda number: engine.format_number(number).text.replace("\u00ad", "")
