"""Signs of numbers, and mathematical signs."""

# ruff: noqa: RUF001 - dashes and minus signs of all kinds are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule, substitute

MINUS = "\u2212\u2796\ufe63\uff0d"
"""Characters that are nothing but a minus sign."""
HYPHENS = "-\u2010\u2011\u2013"
"""Characters that may be a minus sign."""
CURRENCY_SIGNS = "$€£¥₹₽"
_COMPARISONS = {"<=": "≤", ">=": "≥", "!=": "≠"}


def sign_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for the sign of a number: -5, ±2, ~20."""
    return [
        create_rule(rf"(?<=\d)\s?[-–]\s?[-{MINUS}](?=\d)", lambda _: f" {table.word('to')} {table.word('minus')} "),
        *minus_rules(table.word("minus"), [forms.plural for key, forms in table.forms("units").items() if key == "°"]),
        _before_number("±", table.word("plus_minus")),
        _before_number(r"(?<![\w~])[~∼≈]", table.word("about")),
        _before_number(r"(?:(?<=\s)|^)\+", table.word("plus")),
    ]


def minus_rules(minus: str, degrees: list[str]) -> list[Rule]:
    """Return the rules for a minus before or between numbers; `degrees` are words for the unit of temperature."""
    temperature = rf"(?=\d+(?:[.,]\d+)?\s?(?:°|º|{any_of(degrees)}))"
    amount = rf"(?=(?:[{CURRENCY_SIGNS}]\s?)?[.,]?\d)"
    return [
        create_rule(rf"(?<=[\d)²³])\s?[{MINUS}]\s?(?=[\d(])", lambda _: f" {minus} "),
        substitute(rf"[{MINUS}]\s?{amount}", f"{minus} "),
        create_rule(rf"(?:(?<=[\s(\[:=,<>≤≥×÷*/±~≈\"'“„«])|^)[{HYPHENS}]{amount}", lambda _: f"{minus} "),
        substitute(rf"(?:(?<=[^\d\s] )|^)[{HYPHENS}] {temperature}", f"{minus} "),
        substitute(rf"^[{HYPHENS}] (?=\d)", ""),  # the mark of a list item
    ]


def math_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for operators, which stand between numbers, single letters or with spaces around them."""
    word, ends = table.word, r"(?=[\s,.;)]|$)"
    return [
        create_rule(r"(?:(?<=[\s\w(%°])|^)(?:<=|>=|!=)(?=[\s\w$€£])", lambda found: _COMPARISONS[found[0]]),
        substitute(r"(?<=\d) : (?=\d+ =)", f" {word('divided')} "),
        substitute(r"(?<=\w) - (?=[a-z0-9] =)", f" {word('minus')} "),
        *_operator_rules(table),
        *_comparison_rules(table),
        substitute(r"(?<=\d)\s?\*\s?(?=\d)", f" {word('times')} "),
        substitute(r"(?<=\d) / (?=\d)", f" {word('divided')} "),
        substitute(r"(?<=\d) ?[x×] ?(?=\d)", f" {word('by')} "),
        substitute(rf"(?<=\d) ?[x×]{ends}", f" {word('fold')}"),
        substitute(rf"(?<=\d)\+{ends}", f" {word('plus')}"),
        substitute(r"√\s?(?=[\w(])", f"{word('root')} "),
        substitute(r"\s?∞", f" {word('infinity')}"),
        substitute(r"≈\s?(?=\d)", f"{word('about')} "),
    ]


def _operator_rules(table: LanguageTable) -> list[Rule]:
    left, right = r"(?<=[\w)²³%°])", rf"(?=[\w(√π∞{CURRENCY_SIGNS}])"
    names = {"+": "plus", "=": "equals", "×": "times", "·": "times", "÷": "divided", "≠": "unequal", "≈": "about"}
    return [substitute(rf"{left}\s*{re.escape(sign)}\s*{right}", f" {table.word(key)} ") for sign, key in names.items()]


def _comparison_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for x < 5 and < 5; what is no number or single letter may be a menu: Settings > System."""
    number = rf"(?=[{CURRENCY_SIGNS}]?\d|{table.word('minus')} \d|(?<!\w)[^\W\d_](?!\w))"
    no_heart = r"(?! ?<3(?!\d))"
    rules = []
    for sign, key in (("<", "less"), (">", "greater"), ("≤", "at_most"), ("≥", "at_least")):
        words = table.word(key)
        alone = words.removeprefix("is ").removeprefix("es ")
        rules.append(substitute(rf"(?<=[\w)%°]){sign}{number}", f" {words} "))
        rules.append(substitute(rf"(?<=[\w)%°]){no_heart}\s+{sign}\s*{number}", f" {words} "))
        rules.append(substitute(rf"(?:(?<=[\s(])|^){no_heart}{sign}\s?{number}", f"{alone} "))
    return rules


def _before_number(pattern: str, word: str) -> Rule:
    return substitute(rf"{pattern}\s?(?=[{CURRENCY_SIGNS}]?\d)", f"{word} ")
