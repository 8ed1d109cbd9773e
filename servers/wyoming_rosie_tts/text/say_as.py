"""Expansion of <say-as> into words that an engine reads as asked.

Spelling works in every language. Numbers, dates and times become words in English only: in most other languages their
gender and case depend on words that the markup does not tell, so the engine reads the digits.
"""

import re
from collections.abc import Mapping

from wyoming_rosie.text.numbers import LIMIT, format_cardinal, format_digits, format_ordinal, format_quantity
from wyoming_rosie_tts.text import english_dates
from wyoming_rosie_tts.text.segment_builder import is_english

_NUMBER = re.compile(r"([-+\u2212]?)\s*(\d[\d,' \u00a0\u2009\u202f]*)(?:\.(\d+))?", re.ASCII)
_ORDINAL = re.compile(r"(\d[\d,]*)\s*(?:st|nd|rd|th)?\.?", re.ASCII | re.IGNORECASE)
_FRACTION = re.compile(r"(?:(\d{1,9})\s*[+ ]\s*)?(\d{1,9})\s*[/\u2044]\s*(\d{1,9})", re.ASCII)
_CURRENCY = re.compile(r"([$€£¥])?\s*(\d[\d,]{0,18})(?:\.(\d\d?))?\s*([A-Za-z]{3}|[$€£¥])?", re.ASCII)
_CURRENCY_NAMES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_CODES = {"USD": "$", "CAD": "$", "AUD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CNY": "¥"}
_PUNCTUATION_NAMES = {
    "-": "dash",
    "_": "underscore",
    ".": "dot",
    ",": "comma",
    ":": "colon",
    ";": "semicolon",
    "/": "slash",
    "\\": "backslash",
    "@": "at",
    "#": "hash",
    "*": "star",
    "+": "plus",
    "&": "and",
    "!": "exclamation mark",
    "?": "question mark",
    "'": "apostrophe",
    '"': "quote",
    "(": "open parenthesis",
    ")": "close parenthesis",
}


def expand(text: str, interpret_as: str, format_hint: str = "", language: str = "") -> str:
    """Return the text in words, or as it is if `interpret_as` is unknown or does not fit it."""
    in_english = is_english(language)
    words, interpret_as = text.strip(), interpret_as.strip().lower()
    expanded = _expand_in_english(words, interpret_as, format_hint) if in_english else None
    return expanded or _expand_any_language(words, interpret_as, _PUNCTUATION_NAMES if in_english else {}) or text


def _expand_any_language(text: str, interpret_as: str, names: Mapping[str, str]) -> str | None:
    match interpret_as:
        case "characters" | "character" | "spell-out" | "spell" | "verbatim" | "letters":
            return ", ".join(
                names.get(character, _to_upper(character)) for character in text if not character.isspace()
            )
        case "digits" | "digit" | "number_digit":
            parts = re.findall(r"\d|[^\d\s]+", text)
            return (" " if all(map(str.isdecimal, parts)) else ", ").join(parts)  # signs do not join the digits
        case "telephone" | "phone":
            return _format_phone(text)
        case "expletive" | "bleep":
            return "beep"
    return None


def _expand_in_english(text: str, interpret_as: str, format_hint: str) -> str | None:
    """Return the text in words, or None if `interpret_as` is unknown or does not fit it."""
    match interpret_as:
        case "cardinal" | "number":
            return _expand_number(text)
        case "ordinal":
            return _expand_ordinal(text)
        case "fraction":
            return _expand_fraction(text)
        case "currency":
            return _expand_currency(text, format_hint)
        case "date":
            return english_dates.format_date(text, format_hint)
        case "time":
            return english_dates.format_time(text, format_hint)
        case "duration":
            return english_dates.format_duration(text)
    return None


def _to_upper(character: str) -> str:
    """Return the capital letter, because engines read some small letters as words."""
    upper = character.upper()
    return upper if len(upper) == 1 else character


def _format_phone(text: str) -> str:
    """Return single digits, with a comma between groups."""
    plus = "plus " if text.startswith("+") else ""
    groups = (" ".join(group) if group.isdecimal() else group for group in re.findall(r"\d+|[^\W\d_]+", text))
    return plus + ", ".join(groups)


def _expand_number(text: str) -> str | None:
    found = _NUMBER.fullmatch(text)
    if not found or (number := int(re.sub(r"\D", "", found[2])[:20])) >= LIMIT:
        return None
    minus = "minus " if found[1] in ("-", "\u2212") else ""
    return minus + format_cardinal(number) + (f" point {format_digits(found[3])}" if found[3] else "")


def _expand_ordinal(text: str) -> str | None:
    found = _ORDINAL.fullmatch(text)
    number = int(found[1].replace(",", "")[:20]) if found else LIMIT
    return format_ordinal(number) if number < LIMIT else None


def _expand_fraction(text: str) -> str | None:
    found = _FRACTION.fullmatch(text)
    if not found or not int(found[3]):
        return None
    whole = f"{format_cardinal(int(found[1]))} and " if found[1] else ""
    return whole + _format_parts(int(found[2]), int(found[3]))


def _format_parts(above: int, below: int) -> str:
    if below == 1:
        return f"{format_cardinal(above)} over one"
    singular, plural = {2: ("half", "halves"), 4: ("quarter", "quarters")}.get(below, (format_ordinal(below), ""))
    return format_quantity(above, singular, plural)


def _expand_currency(text: str, format_hint: str) -> str | None:
    found = _CURRENCY.fullmatch(text)
    if not found:
        return None
    names = _CURRENCY_NAMES.get(found[1] or _CODES.get((found[4] or format_hint).upper(), found[4] or ""))
    number = int(found[2].replace(",", ""))
    if names is None or number >= LIMIT:
        return None
    small = int((found[3] or "").ljust(2, "0"))
    return format_quantity(number, *names[:2]) + (f" and {format_quantity(small, *names[2:])}" if small else "")
