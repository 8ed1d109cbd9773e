"""Units and currencies in languages without a table, named by Unicode CLDR (the package Babel)."""

# ruff: noqa: RUF001 - units in Cyrillic letters are intended

import re
from collections.abc import Mapping

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_name
from babel.units import UnknownUnitError, format_unit

from wyoming_rosie_tts.text.normalization.number_words import NARROW_SPACES
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule

_GROUP = 3
_BORDERS = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")
_PLAIN_NUMBER = "0.##########"
_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "₴": "UAH",
               "zł": "PLN", "Kč": "CZK", "лв": "BGN", "Ft": "HUF", "lei": "RON"}  # fmt: skip
_CURRENCY_CODES = "EUR USD GBP JPY CHF INR RUB TRY UAH PLN CZK BGN HUF RON SEK NOK DKK ISK CNY KRW BRL"
_UNITS: Mapping[str, str] = {
    "%": "concentr-percent", "°": "angle-degree", "°C": "temperature-celsius", "°F": "temperature-fahrenheit",
    "mm": "length-millimeter", "cm": "length-centimeter", "m": "length-meter", "km": "length-kilometer",
    "м": "length-meter", "км": "length-kilometer", "см": "length-centimeter", "мм": "length-millimeter",
    "m²": "area-square-meter", "km²": "area-square-kilometer", "m³": "volume-cubic-meter",
    "м²": "area-square-meter", "м³": "volume-cubic-meter",
    "mg": "mass-milligram", "g": "mass-gram", "kg": "mass-kilogram", "г": "mass-gram", "кг": "mass-kilogram",
    "ml": "volume-milliliter", "l": "volume-liter", "L": "volume-liter", "л": "volume-liter",
    "s": "duration-second", "min": "duration-minute", "h": "duration-hour", "ms": "duration-millisecond",
    "W": "power-watt", "kW": "power-kilowatt", "MW": "power-megawatt", "kWh": "energy-kilowatt-hour",
    "Вт": "power-watt", "кВт": "power-kilowatt",
    "V": "electric-volt", "A": "electric-ampere", "mA": "electric-milliampere", "В": "electric-volt",
    "J": "energy-joule", "kJ": "energy-kilojoule", "kcal": "energy-kilocalorie",
    "Hz": "frequency-hertz", "kHz": "frequency-kilohertz", "MHz": "frequency-megahertz", "GHz": "frequency-gigahertz",
    "hPa": "pressure-hectopascal", "mbar": "pressure-millibar", "bar": "pressure-bar", "lx": "light-lux",
    "km/h": "speed-kilometer-per-hour", "км/ч": "speed-kilometer-per-hour", "m/s": "speed-meter-per-second",
    "м/с": "speed-meter-per-second", "mph": "speed-mile-per-hour", "ppm": "concentr-permillion",
    "kB": "digital-kilobyte", "MB": "digital-megabyte", "GB": "digital-gigabyte", "TB": "digital-terabyte",
}  # fmt: skip


def create_unit_rules(language: str, decimal: str) -> list[Rule]:
    """Return the rules of a language with this decimal sign; none if CLDR does not know it. Blocks."""
    try:
        return UnitNames(Locale.parse(language), decimal).rules()
    except (UnknownLocaleError, ValueError):
        return []


class UnitNames:
    """Names units and currencies in a locale."""

    def __init__(self, locale: Locale, decimal: str) -> None:
        self._locale = locale
        self._decimal = decimal

    def rules(self) -> list[Rule]:
        """Return the rules; numbers stay digits, whose gender and case the engine decides on."""
        number, gap = r"\d+(?:[.,]\d+)?(?!\d)", rf"[ {NARROW_SPACES}]?"
        before, after = r"(?<![\w.,])", r"(?![\w²³/])"
        signs = any_of([*_CURRENCIES, *_CURRENCY_CODES.split()])
        return [
            create_rule(rf"{before}(?P<sign>{signs}){gap}(?P<number>{number})(?![.,]\d)", self._name_money),
            create_rule(rf"{before}(?P<number>{number}){gap}(?P<sign>{signs}){after}", self._name_money),
            create_rule(rf"{before}(?P<number>{number}){gap}(?P<unit>{any_of(_UNITS)}){after}", self._name_unit),
        ]

    def _name_money(self, found: re.Match[str]) -> str:
        code = _CURRENCIES.get(found["sign"], found["sign"])
        whole, decimals = self._parse(found["number"])
        name = get_currency_name(code, count=float(f"{whole}.{decimals or 0}"), locale=self._locale)
        if len(decimals) == 2:
            name = get_currency_name(code, count=int(whole), locale=self._locale)
            return f"{whole} {name} {decimals}" if int(decimals) else f"{whole} {name}"
        return f"{whole}{self._decimal}{decimals} {name}" if decimals else f"{whole} {name}"

    def _name_unit(self, found: re.Match[str]) -> str | None:
        whole, decimals = self._parse(found["number"])
        value = float(f"{whole}.{decimals}") if decimals else int(whole)
        try:
            words = format_unit(value, _UNITS[found["unit"]], length="long", format=_PLAIN_NUMBER, locale=self._locale)
            return _BORDERS.sub(" ", words.replace("/", " "))
        except (UnknownUnitError, KeyError, ValueError):
            return None

    def _parse(self, number: str) -> tuple[str, str]:
        """Return the whole part and the decimals; three digits after the other sign are thousands."""
        parts = re.split(r"[.,]", number)
        if len(parts) == 1 or (len(parts[1]) == _GROUP and self._decimal not in number):
            return "".join(parts), ""
        return parts[0], parts[1]
