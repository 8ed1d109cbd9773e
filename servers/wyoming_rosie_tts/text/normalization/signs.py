"""Signs of numbers, ranges and mathematical signs."""

# ruff: noqa: RUF001 - dashes and minus signs of all kinds are intended

import re

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule, substitute

MINUS = "\u2212\u2796\ufe63\uff0d"
"""Characters that are nothing but a minus sign."""
HYPHENS = "-\u2010\u2011\u2013"
"""Characters that may be a minus sign."""
_CURRENCY_SIGNS = "$€£¥₹₽"
_HIGHEST_SCORE = 200
_COMPARISONS = {"<=": "≤", ">=": "≥", "!=": "≠"}


def sign_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for the sign of a number: -5, ±2, ~20."""
    return [
        create_rule(rf"(?<=\d)\s?[-–]\s?[-{MINUS}](?=\d)", lambda _: f" {table.word('to')} {table.word('minus')} "),
        *minus_rules(table.word("minus"), [forms.plural for key, forms in table.forms("units").items() if key == "°"]),
        _word_rule(r"±\s?(?=\d)", table.word("plus_minus")),
        _word_rule(rf"(?<![\w~]){_about_pattern()}\s?(?=[{_CURRENCY_SIGNS}]?\d)", table.word("about")),
        _word_rule(r"(?:(?<=\s)|^)\+(?=\d)", table.word("plus")),
    ]


def minus_rules(minus: str, degrees: list[str]) -> list[Rule]:
    """Return the rules for a minus before or between numbers; `degrees` are words for the unit of temperature."""
    temperature = rf"(?=\d+(?:[.,]\d+)?\s?(?:°|º|{any_of(degrees)}))"
    amount = rf"(?=(?:[{_CURRENCY_SIGNS}]\s?)?[.,]?\d)"
    return [
        create_rule(rf"(?<=[\d)²³])\s?[{MINUS}]\s?(?=[\d(])", lambda _: f" {minus} "),
        substitute(rf"[{MINUS}]\s?{amount}", f"{minus} "),
        create_rule(rf"(?:(?<=[\s(\[:=,<>≤≥×÷*/±~≈\"'“„«])|^)[{HYPHENS}]{amount}", lambda _: f"{minus} "),
        substitute(rf"(?:(?<=[^\d\s] )|^)[{HYPHENS}] {temperature}", f"{minus} "),
        substitute(rf"^[{HYPHENS}] (?=\d)", ""),  # the mark of a list item
    ]


def range_rules(table: LanguageTable, speller: NumberSpeller) -> list[Rule]:
    """Return the rules for ranges and scores: 10-15, 9:00-17:30, $10-$20, 3:2."""
    to, score, minus, out_of = table.word("to"), table.text("score"), table.word("minus"), table.word("out_of")
    clock = r"\d\d?(?::\d\d|h(?:\d\d)?)"
    operand = rf"(?:[{_CURRENCY_SIGNS}]\s?)?(?:{clock}|{speller.pattern})(?:\s?(?:%|°[CF]?))?"
    between = re.compile(rf"(?<![\w.,:/–-])({operand})(\s?)[{HYPHENS}]\2({operand})(?![\d/:–]|-\d|[.,]\d)")

    def spell_range(found: re.Match[str]) -> str | None:
        first, gap, second = found.groups()
        falls = _value(first) > _value(second)
        if gap and (falls or re.search(r"[=≠<>≤≥]", found.string)):
            return f"{first} {minus} {second}"
        if falls and not gap and _value(first) > _HIGHEST_SCORE:
            return None
        if first[0] in _CURRENCY_SIGNS and second[0] in first[0] + "0123456789":
            first, second = first[1:], first[0] + second.lstrip(first[0])  # ten to twenty dollars
        return f"{first} {score if falls else to} {second}"

    def _value(text: str) -> float:
        digits = re.sub(rf"[{_CURRENCY_SIGNS}%°CF\s]", "", text)
        return float(re.sub(r"\D.*", "", digits)) if re.search(r"[:h]", digits) else speller.parse(digits)[0]

    return [
        Rule(between, spell_range),
        create_rule(
            r"(?<![\w.,:/-])(\d{1,3}):(\d)[-–](\d{1,3})(?![\w:/-])",  # verses
            lambda found: f"{found[1]} {found[2]} {to} {found[3]}",
        ),
        create_rule(
            rf"(?<![\w.,:/-])(\d{{1,3}}):((?!0\d){speller.pattern})(?![\w:/-]|[.,]\d)",
            lambda found: f"{found[1]} {score} {found[2]}",
        ),
        create_rule(r"(?<![\w.,:/-])(\d+[.,]\d+)/(\d+)(?![\w:/-])", lambda found: f"{found[1]} {out_of} {found[2]}"),
    ]


def math_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for operators, which stand between numbers, single letters or with spaces around them."""
    left, right = r"(?<=[\w)²³%°])", rf"(?=[\w(√π∞{_CURRENCY_SIGNS}])"
    single = rf"(?:[{_CURRENCY_SIGNS}]?\d|{table.word('minus')} \d|(?<!\w)[^\W\d_](?!\w))"
    operators = {
        "+": "plus", "=": "equals", "×": "times", "·": "times", "÷": "divided", "≠": "unequal",
        "≈": "about",
    }  # fmt: skip
    rules = [
        _word_rule(rf"{left}\s*{re.escape(sign)}\s*{right}", f" {table.word(key)} ") for sign, key in operators.items()
    ]
    for sign, key in (("<", "less"), (">", "greater"), ("≤", "at_most"), ("≥", "at_least")):
        words = table.word(key)
        rules.append(_word_rule(rf"(?<=[\w)%°])(?! <3(?!\d))\s*{sign}\s*(?={single})", f" {words} "))
        rules.append(
            _word_rule(
                rf"(?:(?<=[\s(])|^)(?!<3(?!\d)){sign}\s?(?={single})",
                f"{words.removeprefix('is ').removeprefix('es ')} ",
            )
        )
    return [
        create_rule(r"(?:(?<=[\s\w(%°])|^)(?:<=|>=|!=)(?=[\s\w$€£])", lambda found: _COMPARISONS[found[0]]),
        _word_rule(r"(?<=\d) : (?=\d+ =)", f" {table.word('divided')} "),
        _word_rule(r"(?<=\w) - (?=[a-z0-9] =)", f" {table.word('minus')} "),
        *rules,
        _word_rule(r"(?<=\d)\s?\*\s?(?=\d)", f" {table.word('times')} "),
        _word_rule(r"(?<=\d) / (?=\d)", f" {table.word('divided')} "),
        _word_rule(r"(?<=\d) ?[x×] ?(?=\d)", f" {table.word('by')} "),
        _word_rule(r"(?<=\d) ?[x×](?=[\s,.;)]|$)", f" {table.word('fold')}"),
        _word_rule(r"√\s?(?=[\w(])", f"{table.word('root')} "),
        _word_rule(r"(?<=\d)\+(?=[\s,.;)]|$)", f" {table.word('plus')}"),
        _word_rule(r"\s?∞", f" {table.word('infinity')}"),
        _word_rule(r"≈\s?(?=\d)", f"{table.word('about')} "),
    ]


def _about_pattern() -> str:
    return "[~∼≈]"


def _word_rule(pattern: str, word: str) -> Rule:
    """Return the rule for a sign before a number; the word brings its own spaces if it has any."""
    return substitute(pattern, word if word.endswith(" ") or word.startswith(" ") else f"{word} ")
