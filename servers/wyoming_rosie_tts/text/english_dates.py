"""Dates, times of day and durations in English words."""

import re

from wyoming_rosie.text.numbers import (
    format_cardinal,
    format_ordinal,
    format_quantity,
    format_two_digits,
    format_year,
)

_MONTHS = "January February March April May June July August September October November December"
_O_CLOCK = "o'clock"
_FIRST_YEAR_OF_TWO_DIGITS = 1970
_SIZES = {"y": 4, "m": 2, "d": 2}
_ORDERS = frozenset(("mdy", "dmy", "ymd", "ydm", "md", "dm", "ym", "my", "y", "m", "d"))
_DATE = re.compile(r"\s*\d{1,8}(?:\s*[-/. ]\s*\d{1,4}){0,2}\s*", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2}))?)?\s*(?:([ap])\.?\s*m\.?)?", re.ASCII | re.IGNORECASE)
_MINUTES_SECONDS = re.compile(r"(?:(\d{1,2})')?\s*(?:(\d{1,2})(?:\"|''))?", re.ASCII)
_DURATION = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})", re.ASCII)


def format_date(text: str, date_format: str) -> str | None:
    """Return a date in words, or None if the text is not one. Formats: mdy, dmy, ymd, ydm, md, dm, ym, my, y, m, d.

    Repeated letters count as one, as in yyyymmdd. Without a format, the order is guessed.
    """
    if not _DATE.fullmatch(text):
        return None
    order = _parse_order(date_format)
    numbers = re.findall(r"\d+", text)
    if len(numbers) == 1:
        numbers = _split_digits(numbers[0], order or ("ymd" if len(numbers[0]) == 8 else "y"))
    order = order or _infer_order(numbers)
    if order not in _ORDERS or len(numbers) != len(order):
        return None
    return _format_fields(order, dict(zip(order, map(_parse_number, order, numbers), strict=True)))


def format_time(text: str, time_format: str) -> str | None:
    """Return a time of day in words, or None if the text is not one. Formats: hms12, hms24."""
    text = text.strip()
    if not (found := _CLOCK.fullmatch(text)):
        return _format_quoted_time(text)
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    if hour > 24 or minute > 59 or second > 59 or not (found[2] or found[4]):
        return None
    meridiem = found[4] or ("ap"[hour % 24 >= 12] if time_format.lower() == "hms12" else "")
    words = (
        _format_12_hour(hour, minute, meridiem)
        if meridiem
        else _format_24_hour(hour, minute, is_exact=time_format.lower() == "hms24")
    )
    return f"{words} and {format_quantity(second, 'second')}" if second else words


def format_duration(text: str) -> str | None:
    """Return a duration in words, or None if the text is neither h:m:s nor m:s."""
    found = _DURATION.fullmatch(text.strip())
    return _join_units(*(int(part or 0) for part in found.groups())) if found else None


def _parse_order(date_format: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^dmy]", "", date_format.lower()))


def _split_digits(digits: str, order: str) -> list[str]:
    """Return the numbers of a date without separators, whose year may have two digits; none if the length is wrong."""
    if len(order) == 1:
        return [digits]
    sizes = _SIZES if len(digits) == sum(_SIZES[part] for part in order) else _SIZES | {"y": 2}
    numbers = []
    for part in order:
        numbers.append(digits[: sizes[part]])
        digits = digits[sizes[part] :]
    return numbers if not digits and all(numbers) else []


def _infer_order(numbers: list[str]) -> str:
    """Guess the order of a date without a format: that of the United States if possible."""
    if len(numbers[0]) == 4:
        return "ymd"[: len(numbers)]
    if len(numbers) == 2:
        return "my" if len(numbers[1]) == 4 else "md"
    return "dmy" if int(numbers[0]) > 12 else "mdy"


def _parse_number(part: str, digits: str) -> int:
    number = int(digits)
    if part != "y" or len(digits) > 2:
        return number
    return number + (2000 if number + 1900 < _FIRST_YEAR_OF_TWO_DIGITS else 1900)


def _format_fields(order: str, fields: dict[str, int]) -> str | None:
    if not (1 <= fields.get("m", 1) <= 12 and 1 <= fields.get("d", 1) <= 31):
        return None
    month = _MONTHS.split()[fields["m"] - 1] if "m" in fields else ""
    day = format_ordinal(fields["d"]) if "d" in fields else ""
    if day and month:
        day_and_month = f"the {day} of {month}" if order.index("d") < order.index("m") else f"{month} {day}"
    else:
        day_and_month = month or day
    comma = ", " if day else " "
    return comma.join(part for part in (day_and_month, format_year(fields["y"]) if "y" in fields else "") if part)


def _format_12_hour(hour: int, minute: int, meridiem: str) -> str:
    words = format_cardinal((hour - 1) % 12 + 1)
    return f"{words}{f' {format_two_digits(minute)}' if minute else ''} {meridiem.upper()}M"


def _format_24_hour(hour: int, minute: int, *, is_exact: bool) -> str:
    if minute:
        return f"{format_cardinal(hour)} {format_two_digits(minute)}"
    return f"{format_cardinal(hour)} {'hundred hours' if is_exact or hour > 12 or not hour else _O_CLOCK}"


def _format_quoted_time(text: str) -> str | None:
    """Return minutes and seconds that are written as 1'21" in words."""
    found = _MINUTES_SECONDS.fullmatch(text)
    return _join_units(0, *(int(part or 0) for part in found.groups())) if found and text else None


def _join_units(hours: int, minutes: int, seconds: int) -> str:
    amounts = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    return " ".join(format_quantity(number, unit) for number, unit in amounts if number) or "zero seconds"
