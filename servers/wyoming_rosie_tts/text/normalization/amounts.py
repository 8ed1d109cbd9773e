"""Amounts of money and of units, percentages, feet and inches."""

# ruff: noqa: RUF001 - dashes and primes are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable, WordForms
from wyoming_rosie_tts.text.normalization.number_words import NARROW_SPACES, NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule

GAP = rf"[ {NARROW_SPACES}]?"
_BEFORE, _AFTER = r"(?<![\w.,])", r"(?![\w²³]|\.\w)"
_SPACED_ONLY = frozenset({"K", "B"})  # a 4K television, a 7B model
_SIGNS_OF_UNITS = "°²³%‰µΩ"


class AmountWords:
    """Spells amounts of money and of units."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller) -> None:
        self._table = table
        self._speller = speller
        self._units = table.forms("units")
        self._currencies, self._minor, self._scales = (
            table.forms(section) for section in ("currencies", "minor", "scales")
        )
        self._inches = table.forms("inches")
        self._attributive = re.compile(rf"[ -](?:{any_of(table.texts('attributive_nouns'))})(?!\w)")
        forms = [*self._units.values(), *self._currencies.values(), *self._scales.values()]
        self._genders = {form.singular: form.gender for form in forms if form.singular[0].isalpha()}

    def rules(self) -> list[Rule]:
        """Return the rules, money first."""
        return [*self._money_rules(), *self._length_rules(), *self._unit_rules()]

    def _money_rules(self) -> list[Rule]:
        price = rf"(?P<number>{self._speller.pattern})(?:,[-–]{{1,2}})?"  # 5,- €
        scale = rf"(?:{GAP}(?P<scale>{any_of(self._scales)})\.?(?!\w))?"
        sign = rf"(?P<sign>{any_of(self._currencies)})"
        return [
            create_rule(rf"{_BEFORE}{sign}{GAP}{price}(?![\d.,]*\d){scale}(?!\w){self._per}", self._spell_money),
            create_rule(rf"{_BEFORE}{price}{scale}{GAP}{sign}{_AFTER}{self._per}", self._spell_money),
        ]

    def _length_rules(self) -> list[Rule]:
        """Return the rules for 6'2", 5 ft. 3 in. and 10 in. long."""
        inches = r"(?:in(?!\w)\.?|[\"″]|'')"
        alone = r"(?:″|in(?!\w)| in\.(?= [a-z])|\"(?=[^\"]*$))"
        return [
            create_rule(rf"{_BEFORE}(\d+){GAP}(?:ft\.?|['′]){GAP}(\d+){GAP}{inches}", self._spell_feet),
            create_rule(rf"{_BEFORE}(?P<number>{self._speller.pattern}){alone}", self._spell_inches),
        ]

    def _unit_rules(self) -> list[Rule]:
        units, full_stop = any_of(self._units), r"(?:\.(?= [a-zß-ÿ]|[,;)]))?"
        quantity = rf"{_BEFORE}(?P<number>{self._speller.pattern})(?P<gap>{GAP})(?P<unit>{units}){_AFTER}"
        one = rf"(?<![\w.,:/-])1 (?=({any_of(self._genders)})(?!\w))"
        alone = rf"(?<![\w/.])(?:(?P<unit>{any_of(self._distinct_units())}){_AFTER}{self._per})"
        ratio = rf"(?<![\w/.])(?![A-Z]/[A-Z])(?P<unit>{units})/(?P<per>{units})(?![\w²³/])"
        return [
            create_rule(r"(?<![\w.,])(\d+ ?h ?\d+ ?)m(?!\w)", lambda found: f"{found[1]}min"),  # 1h 30m
            create_rule(r"(?<![\w.,])(\d+ ?)m(?= ?\d+ ?s(?!\w))", lambda found: f"{found[1]}min"),
            create_rule(rf"{quantity}{self._per}{full_stop}", self._spell_quantity),
            create_rule(one, lambda found: f"{self._speller.cardinal(1, self._genders[found[1]])} "),
            create_rule(alone, self._name_unit),
            create_rule(ratio, self._name_unit),
        ]

    @property
    def _per(self) -> str:
        """The pattern for a unit after a slash, or a number of them: /h, /100 km."""
        units = any_of(self._units)
        unit = rf"(?P<per>(?:{units}|[^\W\d_]+)(?![\w²³])|(?=10*{GAP}(?:{units})(?!\w)))"
        return rf"(?:{GAP}/{GAP}{unit})?"

    def range_rules(self) -> list[Rule]:
        """Return the rules for a dash between two amounts: $1.5M-$2M, 100 km/h-120 km/h, 10am-4pm."""
        number, units = (
            self._speller.pattern,
            rf"(?:{any_of([*self._units, *self._currencies, 'am', 'pm', 'AM', 'PM'])})(?![\w²³])",
        )
        quantity, dash = rf"{number}{GAP}{units}(?:/\w+)?", r"\s?[-\u2013]\s?"
        signs = any_of(self._currencies)
        price = rf"(?:{signs}){GAP}{number}(?:{GAP}(?:{any_of(self._scales)})(?!\w))?"
        to = self._table.word("to")
        return [
            create_rule(rf"(?<![\w.,])({quantity}){dash}(?={quantity})", lambda found: f"{found[1]} {to} "),
            create_rule(rf"(?<![\w.,])({price}){dash}(?={price})", lambda found: f"{found[1]} {to} "),
        ]

    def spell_part(self, part: str, unit: str, *, is_plural: bool) -> str:
        """Return a fraction in words with its unit."""
        forms = self._units.get(unit)
        return f"{part} {forms.plural if is_plural else forms.singular}" if forms else part

    def is_unit(self, text: str) -> bool:
        return text in self._units

    @property
    def unit_pattern(self) -> str:
        return any_of(self._units)

    def _spell_money(self, found: re.Match[str]) -> str | None:
        currency, number = self._currencies[found["sign"]], found["number"]
        if scale := self._scales.get(found["scale"] or ""):
            words = self._spell_scaled(number, scale, currency)
        else:
            words = self._spell_price(number, currency, self._minor.get(found["sign"]))
        if words and self._attributive.match(found.string, found.end()):
            words = words.removesuffix(currency.plural) + currency.singular  # a twenty dollar bill
        return words and words + self._spell_per(found["per"])

    def _spell_price(self, number: str, currency: WordForms, minor: WordForms | None) -> str | None:
        whole, decimals = self._speller.parse(number)
        if minor is None or len(decimals) != 2:
            return self._count(number, currency)
        if not int(decimals):
            return self._count(str(whole), currency)
        if not whole:
            return self._count(decimals.lstrip("0"), minor)
        rest = (
            self._count(decimals.lstrip("0"), minor)
            if self._table.has("minor_named")
            else self._spell_minor(decimals, minor)
        )
        amount = self._count(str(whole), currency)
        return amount and self._table.text("money").format(amount=amount, minor=rest)

    def _spell_minor(self, decimals: str, minor: WordForms) -> str | None:
        """Return the decimals of a price as a number; with their name if they have a zero in front."""
        return self._count(decimals.lstrip("0"), minor) if decimals[0] == "0" else self._speller.cardinal(int(decimals))

    def _spell_scaled(self, number: str, scale: WordForms, currency: WordForms) -> str | None:
        amount = self._count(number, scale)
        is_plain = scale.singular in self._table.texts("plain_scales")
        of = "{scale} {currency}" if is_plain else self._table.text("scale_of", "{scale} {currency}")
        return amount and of.format(scale=amount, currency=currency.plural)

    def _count(self, number: str, forms: WordForms) -> str | None:
        words = self._speller.spell(number, forms.gender)
        return words and f"{words} {forms.singular if self._speller.is_singular(number) else forms.plural}"

    def _spell_per(self, unit: str | None) -> str:
        if unit is None:
            return ""
        if not unit:
            return f" {self._table.word('per')} "  # 5 kWh/100 km
        forms = self._units.get(unit)
        return f" {self._table.word('per')} {forms.singular if forms else unit}"

    def _spell_quantity(self, found: re.Match[str]) -> str | None:
        unit = found["unit"]
        if unit in _SPACED_ONLY and not found["gap"]:
            return None
        words = self._count(found["number"], self._units[unit])
        return words and words + self._spell_per(found["per"])

    def _name_unit(self, found: re.Match[str]) -> str:
        return self._units[found["unit"]].plural + self._spell_per(found["per"])

    def _distinct_units(self) -> list[str]:
        """Return the units that are no words, so that they are known without a number."""
        return [
            unit
            for unit in self._units
            if any(sign in unit for sign in _SIGNS_OF_UNITS)
            or (len(unit) > 2 and unit[0].islower() and unit[1:] != unit[1:].lower())
            or unit in ("km", "GHz", "MHz")
        ]

    def _spell_feet(self, found: re.Match[str]) -> str | None:
        feet, inches = self._count(found[1], self._inches["foot"]), self._count(found[2], self._inches["inch"])
        return feet and inches and f"{feet} {inches}"

    def _spell_inches(self, found: re.Match[str]) -> str | None:
        if found.string.count('"', 0, found.start()) % 2:
            return None  # it closes a quotation
        return self._count(found["number"], self._inches["inch"])
