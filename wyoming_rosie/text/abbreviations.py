"""Abbreviations, whose full stop does not end a sentence."""

# ruff: noqa: RUF001 - the quotation marks of many scripts are intended

import re

_TITLES = (
    "avda capt col dhr dott dr dra fr gen gov hon hr lt maj mevr mr mrs ms mt prof rep rev sen sgt sig sr sra srta st"
)
_MONTHS = "jan feb mar apr jun jul aug sep sept oct nov dec"
_SHORT_WORDS = (
    "approx bzw ca cf d.h dept e.g est evtl fig ggf i.e inkl max min mio mld mln mrd nr p.ej tel tsd u.a vgl vol vs z.b"
)
_NUMBER_WORDS = "abb abs afb apt art bd blz ch fig hfst kap n no nos nr núm p pag pág pp s sec str vol"
_BEFORE_NUMBERS = frozenset(_NUMBER_WORDS.split())
_ABBREVIATIONS = frozenset(f"{_TITLES} {_MONTHS} {_SHORT_WORDS}".split())
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘«]+$")


def ends_with_abbreviation(before: str) -> bool:
    """Return whether a full stop after this text would belong to a title, an initial, an ordinal or a date."""
    word = _LAST_WORD.search(before[-20:])
    if word is None:
        return False
    is_initial = len(word[0]) == 1 and word[0].isalpha() and word[0] != "I"
    return is_initial or word[0].lower() in _ABBREVIATIONS or (len(word[0]) <= 2 and word[0].isdecimal())


def ends_with_number_abbreviation(before: str) -> bool:
    """Return whether a full stop after this text, with a number behind it, would belong to an abbreviation: No. 5."""
    word = _LAST_WORD.search(before[-20:])
    return word is not None and word[0].lower() in _BEFORE_NUMBERS and word[0] != "no"
