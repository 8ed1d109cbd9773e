"""Years and decades."""

# ruff: noqa: RUF001 - dashes and apostrophes of all kinds are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule

YEAR = r"1\d{3}|20\d\d"
_BEGINS = r"(?<![\w.,:/$€£-])"


class YearWords:
    """Spells years in the languages that say them in another way than numbers."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._table = table
        self._speller = speller
        self._units = any_of([*table.forms("units"), *table.forms("currencies")])

    def span_rules(self) -> list[Rule]:
        """Return the rule for two years: 1914-1918, 1990-91."""
        if self._table.text("year_words") != "year":
            return []
        ends = rf"(?![\w:/-]|[.,]\d|\s?(?:{self._units})(?!\w))"
        return [create_rule(rf"{_BEGINS}({YEAR})(\s?)[-–]\2({YEAR}|\d\d){ends}", self._spell_span)]

    def rules(self) -> list[Rule]:
        """Return the rules for decades, and for years after a word such as "since" or at the end of a sentence."""
        rules = []
        if decades := self._table.raw.get("decades"):
            rules.append(create_rule(decades["pattern"], self._spell_decade, ignore_case=True))
        if before := self._table.items("years", "before"):
            words = any_of([*(word for word in before if word[0].isalpha()), *self._table.months])
            after = rf"(?![\w%°€$:/-]|[.,]\d|\s?(?-i:{self._units})(?!\w))"
            known = rf"((?<!\w)(?:{words})\.? |[(©]\s?)({YEAR}){after}"
            alone = rf"{_BEGINS}()({YEAR})(?=[.,;:!?)]*(?:\s*$|[.;:!?)]\s))"
            rules += [create_rule(known, self._spell_year, ignore_case=True), create_rule(alone, self._spell_year)]
        if zero := self._table.text("zero_minute"):  # the class of '05
            short = r"(?<!\w)['’]0(\d)(?!\w)"
            rules.append(create_rule(short, lambda found: f"{zero} {self._speller.cardinal(int(found[1]))}"))
        return rules

    def _spell_span(self, found: re.Match[str]) -> str | None:
        first, last = int(found[1]), int(found[3])
        if last <= (first if last > 99 else first % 100):
            return None
        end = self._speller.year(last) if last > 99 else self._speller.cardinal(last)
        return f"{self._speller.year(first)} {self._table.word('to')} {end}"

    def _spell_year(self, found: re.Match[str]) -> str:
        before = found[1].rstrip(" .")
        name = f"{self._table.name_month(before)} " if before.lower() in self._table.months else found[1]
        return name + (self._speller.year(int(found[2])) or found[2])

    def _spell_decade(self, found: re.Match[str]) -> str | None:
        number = int(found[1])
        words = self._speller.year(number) if number > 99 else self._speller.cardinal(number)
        for ending, plural in self._table.raw["decades"]["endings"].items():
            if words and words.endswith(ending):
                return words.removesuffix(ending) + str(plural) + "".join(found.groups()[1:])
        return None
