"""Dates, times of day, years, decades, months and days of the week."""

# ruff: noqa: RUF001 - dashes and apostrophes of all kinds are intended

import re
from collections.abc import Mapping

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of

_FIRST_YEAR_OF_TWO_DIGITS = 1970
_YEAR = r"1\d{3}|20\d\d"
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
                re.compile(rf"{_NOT_IN_NUMBER}(\d{{4}})-(\d\d)-(\d\d)(?:(T)(?=\d\d:)|(?![\w-]))", re.ASCII),
                self._spell_iso,
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
        if dated := self._table.texts("dated"):
            rules.append(
                Rule(
                    re.compile(rf"(?<!\w)({any_of(dated)}) (\d\d?)/(\d\d?){_NUMBER_ENDS}", re.IGNORECASE),
                    self._spell_dated,
                )
            )
        if self._endings:  # am 3.5. um acht
            pair = rf"(?<!\w)(?P<before>{any_of(self._endings)}) (\d\d?)\. ?(-|–|{any_of(self._table.texts('pair_words'))}) ?(\d\d?)\.(?!\d)"
            rules.insert(0, Rule(re.compile(pair, re.IGNORECASE), self._spell_pair))
            rules.append(
                Rule(re.compile(rf"{word}{_NOT_IN_NUMBER}(\d\d?)\.(\d\d?)\.(?!\d)", re.IGNORECASE), self._spell_short)
            )
        return rules

    def time_rules(self) -> list[Rule]:
        words = any_of(self._table.texts("hour_words"))
        after = rf"(?:\s?(?:{words})(?!\w))?"
        clock = rf"{_NOT_IN_NUMBER}(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)Z?)?(?![\d:])"
        meridiem = r"\s?(?P<half>[ap])(?:m|(?P<dots>\.\s?m\.))(?!\w)"
        rules = [Rule(re.compile(rf"{clock}(?:{meridiem}|{after})", re.IGNORECASE), self._spell_time)]
        if self._table.language == "en":
            rules.append(
                Rule(re.compile(rf"{_NOT_IN_NUMBER}(?P<hour>\d\d?){meridiem}", re.IGNORECASE), self._spell_time)
            )
        if letter := self._table.text("hour_letter"):
            rules.append(
                Rule(re.compile(rf"(?<![\w.,])(?P<hour>\d\d?){letter}(?P<minute>\d\d)(?!\w)"), self._spell_time)
            )
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
        dash = r"\.?\s?[-–]\s?"
        return [
            Rule(re.compile(rf"(?<!\w)({days}){dash}({days})(?!\w)\.?", re.IGNORECASE), self._spell_days),
            Rule(re.compile(rf"(?<!\w)({any_of(self._short_months())})\.(?!\w)(?= [^\d]|$)", re.IGNORECASE), self._name_month),
            Rule(re.compile(rf"(?<!\w)({months}){dash}({months})(?!\w)", re.IGNORECASE), self._spell_months),
            Rule(re.compile(rf"(?<!\w)({any_of(self._weekdays)})(?:\.(?=,? \d)|(?=, (?:\d|(?:the |{months}))))", re.IGNORECASE), self._name_day),
        ]  # fmt: skip

    def year_rules(self) -> list[Rule]:
        rules = []
        units = any_of([*self._table.forms("units"), *self._table.forms("currencies")])
        if decades := self._table.words("decades") and self._table.raw["decades"]:
            rules.append(Rule(re.compile(decades["pattern"], re.IGNORECASE), self._spell_decade))
        if before := self._table.items("years", "before"):
            words = any_of([*(word for word in before if word.isalpha()), *self._table.months])
            rules.append(
                Rule(
                    re.compile(
                        rf"((?<!\w)(?:{words})\.? |[(©]\s?)({_YEAR})(?![\w%°€$:/-]|[.,]\d|\s?(?-i:{units})(?!\w))",
                        re.IGNORECASE,
                    ),
                    self._spell_year,
                )
            )
            alone = rf"(?<![\w.,:/$€£-])(?P<before>)({_YEAR})(?=[.,;:!?)]*(?:\s*$|[.;:!?)]\s))"
            rules.append(Rule(re.compile(alone), self._spell_year))
        if self._table.language == "en":
            rules.append(
                Rule(re.compile(r"(?<!\w)['’](0\d)(?!\w)"), lambda found: f"oh {self._speller.cardinal(int(found[1]))}")
            )
        return rules

    def span_rules(self) -> list[Rule]:
        """Return the rule for two years: 1914-1918, 1990-91."""
        if self._table.text("year_words") != "year":
            return []
        units = any_of(self._table.forms("units"))
        span = rf"(?<![\w.,:/$€£-])({_YEAR})(\s?)[-–]\2({_YEAR}|\d\d)(?![\w:/-]|[.,]\d|\s?(?:{units})(?!\w))"
        return [Rule(re.compile(span), self._spell_span)]

    def _spell_span(self, found: re.Match[str]) -> str | None:
        first, last = int(found[1]), int(found[3])
        if last <= (first if last > 99 else first % 100):
            return None
        end = self._speller.year(last) if last > 99 else self._speller.cardinal(last)
        return f"{self._speller.year(first)} {self._table.word('to')} {end}"

    def _spell_year(self, found: re.Match[str]) -> str:
        before = found[1].rstrip(" .").lower()
        month = self._table.months.get(before)
        name = f"{self._table.month_names[month - 1]} " if month else found[1]
        return name + (self._speller.year(int(found[2])) or found[2])

    def _short_months(self) -> list[str]:
        names = {name.lower() for name in self._table.month_names}
        return [name for name in self._table.months if name not in names and name not in ("ago", "mar")]

    def _name_month(self, found: re.Match[str]) -> str:
        name = self._table.month_names[self._table.months[found[1].lower()] - 1]
        return f"{name}." if found.end() == len(found.string) else name

    def _before_pattern(self) -> str:
        """Return a pattern for the words before a date that decide on the ending of its day."""
        return rf"(?:(?<!\w)(?P<before>{any_of(self._endings)}) )?" if self._endings else "(?P<before>(?!))?"

    def _spell_iso(self, found: re.Match[str]) -> str | None:
        words = self._spell_date(int(found[1]), int(found[2]), int(found[3]))
        return f"{words} " if words and found[4] else words

    def _spell_dated(self, found: re.Match[str]) -> str | None:
        first, second = int(found[2]), int(found[3])
        month, day = (first, second) if self._table.is_month_first else (second, first)
        return f"{found[1]} {self._format_day_month(day, month, None)}" if self._is_valid(month, day) else None

    def _spell_numeric(self, found: re.Match[str]) -> str | None:
        first, second, year = int(found[2]), int(found[4]), int(found[5])
        if len(found[5]) == 2:
            year += 2000 if year + 1900 < _FIRST_YEAR_OF_TWO_DIGITS else 1900
        is_month_first = self._table.is_month_first and found[3] != "."
        day, month = (second, first) if (is_month_first and first <= 12) or second > 12 else (first, second)
        return self._spell_date(year, month, day, found["before"])

    def _spell_date(self, year: int, month: int, day: int, before: str | None = None) -> str | None:
        if not self._is_valid(month, day):
            return None
        words = self._table.text("date").format(
            day=self._spell_day(day, before), month=self._table.month_names[month - 1], year=self._speller.year(year)
        )
        return f"{before} {words}" if before else words

    def _spell_short(self, found: re.Match[str]) -> str | None:
        day, month = int(found[2]), int(found[3])
        if not self._is_valid(month, day):
            return None
        words = self._format_day_month(day, month, found["before"])
        return f"{found['before']} {words}" if found["before"] else words

    def _spell_pair(self, found: re.Match[str]) -> str:
        before, first, word, last = found.groups()
        days = [self._spell_day(int(day), before) for day in (first, last)]
        return f"{before} {days[0]} {word if word.isalpha() else self._table.word('to')} {days[1]}"

    def _spell_day_month(self, found: re.Match[str]) -> str | None:
        day, month, before = int(found[2]), self._table.months[found["month"].lower()], found["before"]
        if not self._is_valid(month, day):
            return None
        if not found["year"]:
            words = self._format_day_month_first(day, month, before, found)
        else:
            words = self._table.text("day_month_year").format(
                day=self._spell_day(day, before),
                month=self._table.month_names[month - 1],
                year=self._speller.year(int(found["year"])),
            )
        is_full = found["month"].capitalize() in [name.capitalize() for name in self._table.month_names]
        ends = "" if found["year"] else found["dot"] if is_full or found.end() == len(found.string) else ""
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
        words = self._spell_hour(hour, minute) if half else self._spell_clock(hour, minute)
        if second:
            words = self._table.text("seconds").format(time=words, seconds=self._spell_seconds(second))
        words = f"{words} {half}M" if half else words
        ends = "." if parts.get("dots") and found.end() == len(found.string) else ""
        return f"{parts['before']} {words}{ends}" if parts.get("before") else words + ends

    def _spell_seconds(self, second: int) -> str:
        forms = self._table.forms("units")["s"]
        return f"{self._speller.cardinal(second, forms.gender)} {forms.singular if second == 1 else forms.plural}"

    def _spell_hour(self, hour: int, minute: int) -> str:
        words = self._speller.cardinal(hour) or str(hour)
        return f"{words} {self._spell_minute(minute)}" if minute else words

    def _spell_clock(self, hour: int, minute: int) -> str:
        words = self._speller.cardinal(hour, self._table.text("hour_gender"))
        prefix = "one_" if hour == 1 and self._table.text("one_hour") else ""
        if minute:
            return self._table.text(f"{prefix}hour_minute").format(hour=words, minute=self._spell_minute(minute))
        if hour in (0, 24) and (midnight := self._table.text("midnight")):
            return midnight
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
                return words.removesuffix(ending) + str(plural) + "".join(found.groups()[1:])
        return None
