"""Dates, and the names of months and days of the week."""

# ruff: noqa: RUF001 - dashes of all kinds are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule
from wyoming_rosie_tts.text.normalization.years import YEAR

_FIRST_YEAR_OF_TWO_DIGITS = 1970
_NOT_IN_NUMBER = r"(?<![\w.,:/-])"
_NUMBER_ENDS = r"(?![\w:/-]|[.,]\d)"


class DateWords:
    """Spells dates. In some languages the word before a date decides on the ending of its day: am dritten Mai."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._table = table
        self._speller = speller
        self._weekdays = table.words("weekdays")
        self._endings = table.words("ordinal_endings")
        self._ambiguous_months = frozenset(table.texts("ambiguous_months"))

    def name_rules(self) -> list[Rule]:
        """Return the rules for ranges and abbreviations of days and months: Mon-Fri, Dec."""
        days, months = any_of([*self._weekdays, *self._weekdays.values()]), any_of(self._table.months)
        dash, dated = (
            r"\.?\s?[-–]\s?",
            rf"(?:\.(?=,? \d)|(?=, (?:\d|(?:the |{months})))|(?= \d\d?(?::\d\d|\.? (?:{months}))))",
        )
        short = any_of(self._table.short_months)
        short_days = any_of(day.capitalize() for day in self._weekdays)
        joint = rf"(?:, ?|/| ?& ?| {self._table.word('and')} )"
        listed = rf"(?<!\w)(?:{short_days})(?:{joint}(?:{short_days}))+(?!\w)"
        return [
            create_rule(listed, self._name_days),
            create_rule(rf"(?<!\w)({days}){dash}({days})(?!\w)\.?", self._spell_days, ignore_case=True),
            create_rule(rf"(?<!\w)({short})\.(?!\w)(?= [^\d]|$)", self._name_month, ignore_case=True),
            create_rule(rf"(?<!\w)({months}){dash}({months})(?!\w)", self._spell_months, ignore_case=True),
            create_rule(rf"(?<!\w)({any_of(self._weekdays)}){dated}", self._name_day, ignore_case=True),
        ]

    def rules(self) -> list[Rule]:
        """Return the rules for dates in numbers, with the name of a month, and without a year."""
        word = rf"(?P<before>{any_of(self._endings)})" if self._endings else "(?P<before>(?!))"
        day = rf"(?:(?<!\w){word} )?{_NOT_IN_NUMBER}(?P<day>\d\d?)"
        iso = rf"{_NOT_IN_NUMBER}(\d{{4}})([-/])(\d\d)\2(\d\d)(?:(T)(?=\d\d:)|(?![\w-]))"
        numeric = rf"{day}(?P<sign>[./-]|\. )(?P<second>\d\d?)(?P=sign)(?P<year>\d{{4}}|\d\d){_NUMBER_ENDS}"
        named = rf"{day}(?:st|nd|rd|th|er|\.)? (?P<month>{any_of(self._table.months)})(?!\w)(?P<dot>\.?)"
        return [
            *self._pair_rules(),
            create_rule(iso, self._spell_iso),
            create_rule(numeric, self._spell_numeric),
            create_rule(rf"{named}(?:,? (?P<year>{YEAR})(?!\w))?", self._spell_day_month, ignore_case=True),
            *self._month_first_rules(),
            *self._short_rules(day),
        ]

    def _pair_rules(self) -> list[Rule]:
        """Return the rule for two days of a month: vom 1.-5. Mai."""
        word, joint = any_of(self._endings), any_of(self._table.texts("pair_words"))
        pair = rf"(?<!\w)({word}) (\d\d?)\. ?(-|–|{joint}) ?(\d\d?)\.(?!\d)"
        return [create_rule(pair, self._spell_pair, ignore_case=True)] if self._endings else []

    def _month_first_rules(self) -> list[Rule]:
        """Return the rule for November 29, 2026 in the languages that write so."""
        if not self._table.text("date").startswith("{month}"):
            return []
        year = rf"(?:(?:,| of)? (?P<year>{YEAR}))?"
        named = rf"(?<!\w)(?P<month>{any_of(self._table.months)})\.? (?P<day>\d\d?)(?:st|nd|rd|th)?{year}{_NUMBER_ENDS}"
        last = rf"(?:st|nd|rd|th)?\s?[-–]\s?(?P<last>\d\d?)(?:st|nd|rd|th)?{_NUMBER_ENDS}"
        days = rf"(?<!\w)(?P<month>{any_of(self._table.months)})\.? (?P<day>\d\d?){last}"
        return [
            create_rule(days, self._spell_days_of_month, ignore_case=True),
            create_rule(named, self._spell_month_day, ignore_case=True),
        ]

    def _short_rules(self, day: str) -> list[Rule]:
        """Return the rules for dates without a year: on 12/25, am 3.5. um acht."""
        dated = any_of(self._table.texts("dated"))
        slashed = rf"(?<!\w)(?P<word>{dated}) (?P<first>\d\d?)/(?P<second>\d\d?){_NUMBER_ENDS}"
        rules = [create_rule(slashed, self._spell_dated, ignore_case=True)]
        if self._endings:
            rules.append(create_rule(rf"{day}\.(?P<second>\d\d?)\.(?!\d)", self._spell_short, ignore_case=True))
        return rules

    def _spell_iso(self, found: re.Match[str]) -> str | None:
        words = self._spell_date(int(found[1]), int(found[3]), int(found[4]))
        return f"{words} " if words and found[5] else words

    def _spell_numeric(self, found: re.Match[str]) -> str | None:
        first, second, year = int(found["day"]), int(found["second"]), int(found["year"])
        if len(found["year"]) == 2:
            year += 2000 if year + 1900 < _FIRST_YEAR_OF_TWO_DIGITS else 1900
        is_month_first = self._table.is_month_first and found["sign"][0] != "."
        day, month = (second, first) if (is_month_first and first <= 12) or second > 12 else (first, second)
        return self._spell_date(year, month, day, found["before"])

    def _spell_date(self, year: int, month: int, day: int, before: str | None = None) -> str | None:
        return self._format("date", day, month, before, year) if _is_date(month, day) else None

    def _spell_dated(self, found: re.Match[str]) -> str | None:
        first, second = int(found["first"]), int(found["second"])
        month, day = (first, second) if self._table.is_month_first else (second, first)
        return f"{found['word']} {self._format('day_month', day, month)}" if _is_date(month, day) else None

    def _spell_short(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), int(found["second"])
        return self._format("day_month", day, month, found["before"]) if _is_date(month, day) else None

    def _spell_pair(self, found: re.Match[str]) -> str:
        before, first, word, last = found.groups()
        joint = word if word.isalpha() else self._table.word("to")
        return f"{before} {self._spell_day(int(first), before)} {joint} {self._spell_day(int(last), before)}"

    def _spell_day_month(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), self._table.months[found["month"].lower()]
        if not _is_date(month, day) or found["month"] in self._ambiguous_months:
            return None
        if found["year"]:
            return self._format("day_month_year", day, month, found["before"], int(found["year"]))
        if found.string[: found.start()].endswith(("'", "’")):
            return None  # l'1 maggio
        has_article = found.string[: found.start()].lower().endswith("the ")
        words = self._format("day_of_month" if has_article else "day_before_month", day, month, found["before"])
        return words + (found["dot"] if found.end() == len(found.string) or self._is_full(found["month"]) else "")

    def _spell_month_day(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), self._table.months[found["month"].lower()]
        if not _is_date(month, day) or found["month"] in self._ambiguous_months:
            return None
        return (
            self._format("date", day, month, None, int(found["year"]))
            if found["year"]
            else self._format("day_month", day, month)
        )

    def _spell_days_of_month(self, found: re.Match[str]) -> str | None:
        day, last = int(found["day"]), int(found["last"])
        if found["month"] in self._ambiguous_months or not 1 <= day < last <= 31:
            return None
        words = self._format("day_month", day, self._table.months[found["month"].lower()])
        return f"{words} {self._table.word('to')} {self._spell_day(last)}"

    def _format(self, form: str, day: int, month: int, before: str | None = None, year: int = 0) -> str:
        """Return a date in one of the forms of the table, after the word before it."""
        template = self._table.text(form) or self._table.text("day_month")
        name = self._table.month_names[month - 1]
        words = template.format(
            day=self._spell_day(day, before), month=name, year=self._speller.year(year) if year else ""
        )
        return f"{before} {words}" if before else words

    def _spell_day(self, day: int, before: str | None = None) -> str:
        match self._table.text("day_words"):
            case "ordinal":
                form = self._endings.get((before or "").lower(), "r") if self._endings else ""
                return self._speller.ordinal(day, form) or str(day)
            case "first" if day == 1:
                return self._speller.ordinal(day) or str(day)
            case _:
                return self._speller.cardinal(day) or str(day)

    def _is_full(self, month: str) -> bool:
        return month.lower() in [name.lower() for name in self._table.month_names]

    def _spell_days(self, found: re.Match[str]) -> str:
        first, last = (self._weekdays.get(day.lower(), day) for day in (found[1], found[2]))
        return f"{first} {self._table.word('to')} {last}"

    def _spell_months(self, found: re.Match[str]) -> str:
        return f"{self._table.name_month(found[1])} {self._table.word('to')} {self._table.name_month(found[2])}"

    def _name_month(self, found: re.Match[str]) -> str:
        name = self._table.name_month(found[1])
        return f"{name}." if found.end() == len(found.string) else name

    def _name_days(self, found: re.Match[str]) -> str:
        days = found[0].replace("/", ", ")
        return re.sub(r"[^\W\d_]+", lambda day: self._weekdays.get(day[0].lower(), day[0]), days)

    def _name_day(self, found: re.Match[str]) -> str:
        return self._weekdays[found[1].lower()]


def _is_date(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
