"""Ranges, scores and ratios."""

# ruff: noqa: RUF001 - dashes are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, create_rule
from wyoming_rosie_tts.text.normalization.signs import CURRENCY_SIGNS, HYPHENS

_HIGHEST_SCORE = 200
_BEGINS, _ENDS = r"(?<![\w.,:/-])", r"(?![\w:/-]|[.,]\d)"


class RangeWords:
    """Says what stands between two numbers; the numbers are spelled by later rules."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._speller = speller
        self._to, self._minus, self._out_of = table.word("to"), table.word("minus"), table.word("out_of")
        self._score = table.text("score")

    def rules(self) -> list[Rule]:
        """Return the rule for two numbers or times: 10-15, 9:00-17:30, $10-$20, 5 - 3 = 2."""
        clock = r"\d\d?(?::\d\d|h(?:\d\d)?)"
        operand = rf"(?:[{CURRENCY_SIGNS}]\s?)?(?:{clock}|{self._speller.pattern})(?:\s?(?:%|°[CF]?))?"
        between = rf"(?<![\w.,:/–-])({operand})(\s?)[{HYPHENS}]\2({operand})(?![\d/:–]|-\d|[.,]\d)"
        return [create_rule(between, self._spell_range)]

    def score_rules(self) -> list[Rule]:
        """Return the rules for what looks like a time but is none: 3:2, 23:1-6, 4.5/5."""
        verses = rf"{_BEGINS}(\d{{1,3}}):(\d)[-–](\d{{1,3}})(?![\w:/-])"
        score = rf"{_BEGINS}(\d{{1,3}}):((?!0\d){self._speller.pattern}){_ENDS}"
        return [
            create_rule(verses, lambda found: f"{found[1]} {found[2]} {self._to} {found[3]}"),
            create_rule(score, lambda found: f"{found[1]} {self._score} {found[2]}"),
            create_rule(rf"{_BEGINS}(\d+[.,]\d+)/(\d+){_ENDS}", lambda found: f"{found[1]} {self._out_of} {found[2]}"),
        ]

    def _spell_range(self, found: re.Match[str]) -> str | None:
        first, gap, second = found.groups()
        falls = self._parse(first) > self._parse(second)
        if gap and (falls or re.search(r"[=≠<>≤≥]", found.string)):
            return f"{first} {self._minus} {second}"
        if falls and not gap and self._parse(first) > _HIGHEST_SCORE:
            return None
        if first[0] in CURRENCY_SIGNS and second[0] in first[0] + "0123456789":
            first, second = first[1:], first[0] + second.lstrip(first[0])  # ten to twenty dollars
        return f"{first} {self._score if falls else self._to} {second}"

    def _parse(self, text: str) -> float:
        """Return the number, or the hours of a time."""
        digits = re.sub(rf"[{CURRENCY_SIGNS}%°CF\s]", "", text)
        return float(re.sub(r"\D.*", "", digits)) if re.search(r"[:h]", digits) else self._speller.parse(digits)[0]
