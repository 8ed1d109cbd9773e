"""Numbers in words, by the rules of Unicode CLDR (the package unicode-rbnf)."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from wyoming_rosie.text.numbers import LIMIT
from wyoming_rosie_tts.text.normalization.language_table import LanguageTable

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

NARROW_SPACES = "\u00a0\u2009\u202f"
_CACHED_NUMBERS = 2048
_REMOVED = {0xAD: None}  # soft hyphens
_YEAR = "spellout-numbering-year"


class NumberSpeller:
    """Parses and spells the numbers of a language. Numbers of LIMIT or more have no words: None is returned."""

    def __init__(self, table: LanguageTable) -> None:
        self._table = table
        self._cardinals, self._ordinals = table.words("cardinals"), table.words("ordinals")
        self._spellings, self._replacements = table.words("spellings"), table.words("replacements")
        self._groups = table.text("groups") + NARROW_SPACES + (" " if table.has("plain_space_groups") else "")
        decimals = re.escape(table.text("decimals"))
        groups = rf"\d{{1,3}}(?:(?:[{re.escape(self._groups)}]\d{{3}})+|(?: \d{{3}}){{2,}}| 000)"
        foreign = r"\d{1,3}(?:\.\d{3})+,\d+"
        if table.text("decimals") != ".":
            foreign += r"|\d{1,3}(?:,\d{3})+\.\d+"
        self.pattern = rf"(?:{foreign}|(?:{groups}(?!\d)|\d+)(?:[{decimals}]\d+)?)"
        self._foreign = re.compile(foreign, re.ASCII)
        self._parts = re.compile(rf"(.*?)(?:[{decimals}](\d+))?", re.ASCII)
        self._grouped = re.compile(groups, re.ASCII)
        self._rules = _load_rules(table.language)
        self._format = lru_cache(_CACHED_NUMBERS)(self._format_uncached)

    def parse(self, text: str) -> tuple[int, str]:
        """Return the whole part of a written number, and the digits after its decimal sign."""
        if self._grouped.fullmatch(text):
            return int(re.sub(r"\D", "", text)), ""
        if self._foreign.fullmatch(text):
            *whole, last = re.split("[.,]", text)
            return int("".join(whole)), last
        found = self._parts.fullmatch(text)
        assert found, "the pattern takes any text"
        return int(re.sub(r"\D", "", found[1])[:20]), found[2] or ""

    def spell(self, text: str, gender: str = "") -> str | None:
        """Return a written number in words; one with decimals has no gender."""
        whole, decimals = self.parse(text)
        if not decimals:
            return self.cardinal(whole, gender)
        words = self.cardinal(whole)
        return words and f"{words} {self._table.word('point')} {self.digits(decimals)}"

    def cardinal(self, number: int, gender: str = "") -> str | None:
        words = self._format(number, self._cardinals.get(gender, self._cardinals[""]))
        return words and self._spellings.get(words, words)

    def ordinal(self, number: int, form: str = "") -> str | None:
        return self._format(number, self._ordinals.get(form, self._ordinals[""]))

    def year(self, number: int) -> str | None:
        if self._table.text("year_words") != "year":
            return self.cardinal(number)
        words = self._format(number, _YEAR)
        return words and words.replace("oh-", "oh ")  # as in a time of day

    def digits(self, digits: str) -> str:
        """Return each digit as a word."""
        return " ".join(self.cardinal(int(digit)) or digit for digit in digits)

    def is_singular(self, text: str) -> bool:
        """Return whether a unit after this number is in the singular."""
        whole, decimals = self.parse(text)
        return whole < 2 if self._table.raw.get("singular_below") == 2 else whole == 1 and not decimals

    def _format_uncached(self, number: int, ruleset: str) -> str | None:
        if number >= LIMIT:
            return None
        words = self._rules.format_number(number, ruleset_names=[ruleset]).text.translate(_REMOVED)
        for written, right in self._replacements.items():
            words = words.replace(written, right)
        return words.strip()


def _load_rules(language: str) -> "RbnfEngine":
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(language)
