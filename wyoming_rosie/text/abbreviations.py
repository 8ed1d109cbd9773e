"""Abbreviations, whose full stop does not end a sentence."""

# ruff: noqa: RUF001 - the quotation marks of many scripts are intended

import re

_TITLES = "capt col dr fr gen hon hr lt mr mrs ms mt prof rev sgt sr st"
_MONTHS = "jan feb mar apr jun jul aug sep sept oct nov dec"
_SHORT_WORDS = "approx bzw ca cf d.h dept e.g est evtl fig ggf i.e inkl max min nr p.ej tel u.a vgl vol vs z.b"
_ABBREVIATIONS = frozenset(f"{_TITLES} {_MONTHS} {_SHORT_WORDS}".split())
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")


def ends_with_abbreviation(before: str) -> bool:
    """Return whether a full stop after this text would belong to a title, an initial, an ordinal or a date."""
    word = _LAST_WORD.search(before[-20:])
    if word is None:
        return False
    is_initial = len(word[0]) == 1 and word[0].isalpha() and word[0] != "I"
    return is_initial or word[0].lower() in _ABBREVIATIONS or (len(word[0]) <= 2 and word[0].isdecimal())
