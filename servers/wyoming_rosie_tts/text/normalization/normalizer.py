"""Normalizer: writes the numbers, signs and abbreviations of a text as words."""

from functools import lru_cache

from wyoming_rosie_tts.text.normalization.amounts import AmountWords
from wyoming_rosie_tts.text.normalization.dates import DateWords
from wyoming_rosie_tts.text.normalization.language_table import LanguageTable, find_languages, read_table
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.numerals import NumeralWords
from wyoming_rosie_tts.text.normalization.ranges import RangeWords
from wyoming_rosie_tts.text.normalization.rules import Rule, apply_rules
from wyoming_rosie_tts.text.normalization.signs import math_rules, sign_rules
from wyoming_rosie_tts.text.normalization.times import TimeWords
from wyoming_rosie_tts.text.normalization.vocabulary import (
    abbreviation_rules,
    acronym_rules,
    address_rules,
    number_abbreviation_rules,
)
from wyoming_rosie_tts.text.normalization.years import YearWords

_CACHED_LANGUAGES = 8
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


class Normalizer:
    """Rewrites whole sentences or clauses of one language. Ordinary words stay as they are."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules

    def normalize(self, text: str) -> str:
        """Return the text as an engine should say it."""
        return " ".join(apply_rules(self._rules, text.translate(_SUBSCRIPTS)).split())


def normalize(text: str, language: str) -> str:
    """Return a sentence or clause as an engine should say it in a language (BCP 47). Blocks."""
    return load(language).normalize(text)


@lru_cache(_CACHED_LANGUAGES)
def load(language: str) -> Normalizer:
    """Return the normalizer of a language (BCP 47). Blocks for some milliseconds the first time."""
    base, _, region = language.replace("_", "-").partition("-")
    if not base:
        return Normalizer([])
    if base.lower() not in find_languages():
        return Normalizer(_create_cldr_rules(base.lower()))
    return Normalizer(_create_rules(read_table(base.lower(), region.upper())))


def _create_cldr_rules(language: str) -> list[Rule]:
    from wyoming_rosie_tts.text.normalization.cldr import create_cldr_rules  # takes 10 MB, for other languages only

    return create_cldr_rules(language)


def _create_rules(table: LanguageTable) -> list[Rule]:
    speller = NumberSpeller(table)
    amounts = AmountWords(table, speller)
    dates, times, years = DateWords(table, speller), TimeWords(table, speller), YearWords(table, speller)
    numerals = NumeralWords(table, speller, amounts)
    ranges = RangeWords(table, speller)
    return [
        *address_rules(table),
        *numerals.named_version_rules(),
        *dates.name_rules(),
        *dates.rules(),
        *numerals.phone_rules(),
        *numerals.version_rules(),
        *years.span_rules(),
        *sign_rules(table),
        *amounts.range_rules(),
        *ranges.rules(),
        *times.rules(),
        *ranges.score_rules(),
        *number_abbreviation_rules(table),
        *numerals.fraction_rules(),
        *numerals.ordinal_rules(),
        *years.rules(),
        *math_rules(table),
        *amounts.rules(),
        *abbreviation_rules(table),
        *numerals.other_rules(),
        *acronym_rules(table),
    ]
