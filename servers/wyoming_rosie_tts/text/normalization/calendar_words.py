"""Dates, times of day, years, decades, months and days of the week."""

import re
from collections.abc import Mapping

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of

_FIRST_YEAR_OF_TWO_DIGITS = 1970
_YEAR = r"1[1-9]\d\d|20\d\d"
_NOT_IN_NUMBER = r"(?<![\w.,:/-])"
_NUMBER_ENDS = r"(?![\w:/-]|[.,]\d)"


class CalendarWords:
    """Spells dates and times."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._table = table
        self._speller = speller
        self._weekdays: Mapping[str, str] = table.words("weekdays")
        self._endings = table.words("ordinal_endings")

    def date_rules(self) -> list[Rule]:
        months, word = any_of(self._table.months), self._before_pattern()
        rules = [
            Rule(
                re.compile(rf"{_NOT_IN_NUMBER}(\d{{4}})-(\d\d)-(\d\d)(?:T(?=\d\d:)|(?![\w-]))", re.ASCII),
                lambda found: self._spell_date(int(found[1]), int(found[2]), int(found[3]), is_iso=True),
            ),
            Rule(
                re.compile(rf"{word}{_NOT_IN_NUMBER}(\d\d?)([./-])(\d\d?)\3(\d{{4}}|\d\d){_NUMBER_ENDS}", re.ASCII),
                self._spell_numeric,
            ),
            Rule(
                re.compile(
                    rf"{word}{_NOT_IN_NUMBER}(\d\d?)(?:st|nd|rd|th|er|\.)? (?P<month>{months})(?!\w)(?P<dot>\.?)(?:,? (?P<year>{_YEAR})(?!\w))?",
                    re.IGNORECASE,
                ),
                self._spell_day_month,
            ),
        ]  # fmt: skip
        if self._table.text("date").startswith("{month}"):
            rules.append(
                Rule(
                    re.compile(
                        rf"(?<!\w)(?P<month>{months})\.? (?P<day>\d\d?)(?:st|nd|rd|th)?(?:(?:,| of)? (?P<year>{_YEAR}))?{_NUMBER_ENDS}",
                        re.IGNORECASE,
                    ),
                    self._spell_month_day,
                )
            )
        if self._endings:  # am 3.5. um acht
            rules.append(Rule(re.compile(rf"{word}(\d\d?)\.(\d\d?)\.(?!\d)", re.IGNORECASE), self._spell_short))
        return rules

    def time_rules(self) -> list[Rule]:
        words = any_of(self._table.texts("hour_words"))
        after = rf"(?:\s?(?:{words})(?!\w))?"
        clock = rf"{_NOT_IN_NUMBER}(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?![\d:])"
        meridiem = r"\s?(?P<half>[ap])(?:m|(?P<dots>\.\s?m\.))(?!\w)"
        rules = [Rule(re.compile(rf"{clock}(?:{meridiem}|{after})", re.IGNORECASE), self._spell_time)]
        if self._table.language == "en":
            rules.append(Rule(re.compile(rf"{_NOT_IN_NUMBER}(?P<hour>\d\d?){meridiem}", re.IGNORECASE), self._spell_time))
        if letter := self._table.text("hour_letter"):
            rules.append(Rule(re.compile(rf"(?<![\w.,])(?P<hour>\d\d?){letter}(?P<minute>\d\d)(?!\w)"), self._spell_time))
        if self._table.has("dotted_times"):
            rules.append(
                Rule(re.compile(rf"(?<![\w.,])(?P<hour>\d\d?)\.(?P<minute>\d\d)\s?(?:{words})(?!\w)"), self._spell_time)
            )
        if before := self._table.texts("dotted_times_after"):
            rules.append(
                Rule(
                    re.compile(rf"(?<!\w)(?P<before>{any_of(before)}) (?P<hour>\d\d?)\.(?P<minute>\d\d)(?![\d%°])"),
                    self._spell_time,
                )
            )
        if "{hour} " in self._table.text("hour") and words != r"(?!)":
            rules.append(Rule(re.compile(rf"(?<![\w.,:/-])(?P<hour>\d\d?) (?:{words})(?!\w)"), self._spell_time))
        return rules

    def name_rules(self) -> list[Rule]:
        days, months = any_of(self._day_names()), any_of(self._table.months)
        dash = r"\.?\s?[-–]\s?"  # noqa: RUF001
        return [
            Rule(re.compile(rf"(?<!\w)({days}){dash}({days})(?!\w)\.?", re.IGNORECASE), self._spell_days),
            Rule(re.compile(rf"(?<!\w)({months}){dash}({months})(?!\w)", re.IGNORECASE), self._spell_months),
            Rule(re.compile(rf"(?<!\w)({any_of(self._weekdays)})\.?(?=, (?:\d|(?:the |{months})))", re.IGNORECASE), self._name_day),
        ]  # fmt: skip

    def year_rules(self) -> list[Rule]:
        rules = []
        if decades := self._table.words("decades") and self._table.raw["decades"]:
            rules.append(Rule(re.compile(decades["pattern"], re.IGNORECASE), self._spell_decade))
        if before := self._table.items("years", "before"):
            words = any_of([*(word for word in before if word.isalpha()), *self._table.months])
            rules.append(
                Rule(
                    re.compile(rf"((?<!\w)(?:{words})\.? |[(©]\s?)({_YEAR})(?![\w%°€$:/-]|[.,]\d)", re.IGNORECASE),
                    lambda found: found[1] + (self._speller.year(int(found[2])) or found[2]),
                )
            )
        return rules

    def _before_pattern(self) -> str:
        """Return a pattern for the words before a date that decide on the ending of its day."""
        return rf"(?:(?<!\w)(?P<before>{any_of(self._endings)}) )?" if self._endings else "(?P<before>(?!))?"

    def _spell_numeric(self, found: re.Match[str]) -> str | None:
        first, second, year = int(found[2]), int(found[4]), int(found[5])
        if len(found[5]) == 2:
            year += 2000 if year + 1900 < _FIRST_YEAR_OF_TWO_DIGITS else 1900
        is_month_first = self._table.is_month_first and found[3] != "."
        day, month = (second, first) if (is_month_first and first <= 12) or second > 12 else (first, second)
        return self._spell_date(year, month, day, found["before"])

    def _spell_date(self, year: int, month: int, day: int, before: str | None = None, *, is_iso: bool = False) -> str | None:
        if not self._is_valid(month, day):
            return None
        words = self._table.text("date").format(
            day=self._spell_day(day, before), month=self._table.month_names[month - 1], year=self._speller.year(year)
        )
        return f"{before} {words}" if before else words

    def _spell_short(self, found: re.Match[str]) -> str | None:
        day, month = int(found[2]), int(found[3])
        if not found["before"] or not self._is_valid(month, day):
            return None
        return f"{found['before']} {self._format_day_month(day, month, found['before'])}"

    def _spell_day_month(self, found: re.Match[str]) -> str | None:
        day, month, before = int(found[2]), self._table.months[found["month"].lower()], found["before"]
        if not self._is_valid(month, day):
            return None
        if not found["year"]:
            words = self._format_day_month_first(day, month, before, found)
        else:
            words = self._table.text("day_month_year").format(
                day=self._spell_day(day, before), month=self._table.month_names[month - 1], year=self._speller.year(int(found["year"]))
            )
        ends = found["dot"] if found.end() == len(found.string) else ""
        return (f"{before} {words}" if before else words) + ends

    def _format_day_month_first(self, day: int, month: int, before: str | None, found: re.Match[str]) -> str:
        """Return day and month in this order."""
        form = self._table.text("day_month_year").partition(" {year}")[0].removesuffix(" de")
        if found.string[: found.start()].lower().endswith("the "):
            form = form.removeprefix("the ")
        return form.format(day=self._spell_day(day, before), month=self._table.month_names[month - 1])

    def _format_day_month(self, day: int, month: int, before: str | None) -> str:
        return self._table.text("day_month").format(
            day=self._spell_day(day, before), month=self._table.month_names[month - 1]
        )

    def _spell_month_day(self, found: re.Match[str]) -> str | None:
        day, month = int(found["day"]), self._table.months[found["month"].lower()]
        if not self._is_valid(month, day) or found["month"] in ("may", "march", "mar", "jan", "sun"):
            return None  # "may 5 people come" is no date
        words = self._format_day_month(day, month, None)
        return f"{words}, {self._speller.year(int(found['year']))}" if found["year"] else words

    def _spell_day(self, day: int, before: str | None = None) -> str:
        match self._table.text("day_words"):
            case "ordinal":
                form = self._endings.get((before or "").lower(), "r") if self._endings else ""
                return self._speller.ordinal(day, form) or str(day)
            case "first" if day == 1:
                return self._speller.ordinal(day) or str(day)
            case _:
                return self._speller.cardinal(day) or str(day)

    def _is_valid(self, month: int, day: int) -> bool:
        return 1 <= month <= 12 and 1 <= day <= 31

    def _spell_time(self, found: re.Match[str]) -> str | None:
        parts = found.groupdict()
        hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
        half = (parts.get("half") or "").upper()
        if hour > 24 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
            return None
        words = self._spell_meridiem(hour, minute, half) if half else self._spell_clock(hour, minute)
        if second:
            seconds = f"{self._speller.cardinal(second, self._second.gender)} {self._second.singular if second == 1 else self._second.plural}"
            words = self._table.text("seconds").format(time=words, seconds=seconds)
        ends = "." if parts.get("dots") and found.end() == len(found.string) else ""
        return f"{parts['before']} {words}{ends}" if parts.get("before") else words + ends

    @property
    def _second(self):
        return self._table.forms("units")["s"]

    def _spell_meridiem(self, hour: int, minute: int, half: str) -> str:
        words = self._speller.cardinal(hour)
        return f"{words} {self._spell_minute(minute)} {half}M" if minute else f"{words} {half}M"

    def _spell_clock(self, hour: int, minute: int) -> str:
        words = self._speller.cardinal(hour, self._table.text("hour_gender"))
        prefix = "one_" if hour == 1 and self._table.text("one_hour") else ""
        if minute:
            return self._table.text(f"{prefix}hour_minute").format(hour=words, minute=self._spell_minute(minute))
        if hour > 12 and (late := self._table.text("late_hour")):
            return late.format(hour=words)
        return self._table.text(f"{prefix}hour").format(hour=words)

    def _spell_minute(self, minute: int) -> str:
        words = self._speller.cardinal(minute) or str(minute)
        zero = self._table.text("zero_minute")
        return f"{zero} {words}" if zero and minute < 10 else words

    def _day_names(self) -> list[str]:
        return [*self._weekdays, *self._weekdays.values()]

    def _spell_days(self, found: re.Match[str]) -> str:
        first, last = (self._weekdays.get(day.lower(), day) for day in (found[1], found[2]))
        return f"{first} {self._table.word('to')} {last}"

    def _spell_months(self, found: re.Match[str]) -> str:
        first, last = (self._table.month_names[self._table.months[month.lower()] - 1] for month in (found[1], found[2]))
        return f"{first} {self._table.word('to')} {last}"

    def _name_day(self, found: re.Match[str]) -> str:
        return self._weekdays[found[1].lower()]

    def _spell_decade(self, found: re.Match[str]) -> str | None:
        number = int(found[1])
        words = self._speller.year(number) if number >= 100 else self._speller.cardinal(number)
        endings = self._table.raw["decades"]["endings"]
        for ending, plural in endings.items():
            if words and words.endswith(ending):
                return words.removesuffix(ending) + str(plural)
        return None
