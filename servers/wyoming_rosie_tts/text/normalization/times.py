"""Times of day."""

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule

_BEGINS = r"(?<![\w.,:/-])"
_HOUR = rf"{_BEGINS}(?P<hour>\d\d?)"
_MERIDIEM = r"\s?(?P<half>[ap])(?:m|(?P<dots>\.\s?m\.))(?!\w)"


class TimeWords:
    """Spells times of day."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._table = table
        self._speller = speller
        self._second = table.forms("units")["s"]

    def rules(self) -> list[Rule]:
        """Return the rules for 14:05, with seconds, AM or PM, and for what else the language writes: 14h05, 20.15 Uhr."""
        words = rf"(?:{any_of(self._table.texts('hour_words'))})(?!\w)"
        clock = rf"{_HOUR}:(?P<minute>\d\d)(?::(?P<second>\d\d))?Z?(?![\d:])"
        patterns = [rf"{clock}(?:{_MERIDIEM}|(?:\s?{words})?)", *self._other_patterns(words)]
        return [create_rule(pattern, self._spell_time, ignore_case=True) for pattern in patterns]

    def _other_patterns(self, words: str) -> list[str]:
        patterns = []
        if self._table.has("meridiem"):
            patterns += [rf"{_HOUR}{_MERIDIEM}", rf"{_HOUR}\.(?P<minute>\d\d){_MERIDIEM}"]
        if letter := self._table.text("hour_letter"):
            patterns.append(rf"{_HOUR}\s?{letter}\s?(?P<minute>\d\d)(?!\w|\s?mi?n)")
        if self._table.has("dotted_times"):
            patterns.append(rf"{_HOUR}\.(?P<minute>\d\d)\s?{words}")
        if before := self._table.texts("dotted_times_after"):
            patterns.append(rf"(?<!\w)(?P<before>(?:{any_of(before)}) )(?P<hour>\d\d?)\.(?P<minute>\d\d)(?![\d%°])")
        if "{hour} " in self._table.text("hour") and self._table.texts("hour_words"):
            patterns.append(rf"{_HOUR} {words}")
        return patterns

    def _spell_time(self, found: re.Match[str]) -> str | None:
        parts = found.groupdict()
        hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
        half = (parts.get("half") or "").upper()
        if hour > 24 or minute > 59 or second > 59 or (half and not 1 <= hour <= 12):
            return None
        words = self._spell_hour(hour, minute) if half else self._spell_clock(hour, minute)
        words = self._add_seconds(words, second) + (f" {half}M" if half else "")
        ends = "." if parts.get("dots") and found.end() == len(found.string) else ""
        return (parts.get("before") or "") + words + ends

    def _add_seconds(self, words: str, second: int) -> str:
        if not second:
            return words
        name = self._second.singular if second == 1 else self._second.plural
        seconds = f"{self._speller.cardinal(second, self._second.gender)} {name}"
        return self._table.text("seconds").format(time=words, seconds=seconds)

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
        late = self._table.text("late_hour") if hour > 12 else ""
        return (late or self._table.text(f"{prefix}hour")).format(hour=words)

    def _spell_minute(self, minute: int) -> str:
        words = self._speller.cardinal(minute) or str(minute)
        zero = self._table.text("zero_minute")
        return f"{zero} {words}" if zero and minute < 10 else words
