"""Numbers in English words."""

LIMIT = 10**15
"""Numbers from here on have no words."""

_TO_NINE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_SMALL = (*_TO_NINE, *_TEENS)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_GROUPS = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def format_number(number: int) -> str:
    """Return one, twenty-one, one hundred five; the number is from 0 to below MOST."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_SMALL[ones]}" if ones else "")
    size, name = next(group for group in _GROUPS if number >= group[0])
    count, rest = divmod(number, size)
    return f"{format_number(count)} {name}" + (f" {format_number(rest)}" if rest else "")


def format_ordinal(number: int) -> str:
    """Return first, twenty-first, one hundredth; the number is from 0 to below MOST."""
    words = format_number(number)
    last = words.replace("-", " ").split()[-1]
    return words.removesuffix(last) + (
        _ORDINALS.get(last) or (last.removesuffix("y") + "ie" * last.endswith("y") + "th")
    )


def format_year(number: int) -> str:
    """Return nineteen eighty-four, nineteen oh five, two thousand five; the number is from 0 to below MOST."""
    century, rest = divmod(number, 100)
    if not 10 <= century < 100 or (century % 10 == 0 and rest < 10):
        return format_number(number)
    return f"{format_number(century)} {format_two_digits(rest) if rest else 'hundred'}"


def format_two_digits(number: int) -> str:
    """Return oh five, thirty-five; the number is from 0 to 99."""
    return f"oh {format_number(number)}" if number < 10 else format_number(number)


def format_digits(text: str) -> str:
    """Return each digit of the text as a word."""
    return " ".join(_SMALL[int(digit)] for digit in text)


def format_with_unit(number: int, one: str, many: str = "") -> str:
    """Return one hour, two hours."""
    return f"{format_number(number)} {one if number == 1 else many or one + 's'}"
