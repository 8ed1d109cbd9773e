"""Signs and decimals in languages without a table, by Unicode CLDR (the package unicode-rbnf).

Numbers stay digits, whose gender and case the engine decides on.
"""

import re
from importlib.util import find_spec

from unicode_rbnf import RbnfEngine
from unicode_rbnf.engine import NoRuleForNumberError

from wyoming_rosie_tts.text.normalization.rules import Rule, create_rule
from wyoming_rosie_tts.text.normalization.signs import minus_rules

_CLDR_LANGUAGES = {"cmn": "zh", "no": "nb", "nb": "nb", "tl": "fil", "iw": "he", "in": "id", "hyw": "hy"}
_RBNF_LANGUAGES = {"nb": "no"}
# Words that CLDR lacks, or has only for fractions: "seven wholes, five tenths".
_POINTS = {"ja": "点", "kk": "үтір", "ky": "үтүр", "pl": "przecinek", "ru": ""}
_MINUS = {
    "an": "menos", "ba": "минус", "bn": "মাইনাস", "cv": "минус", "eu": "minus", "gu": "માઈનસ", "ht": "mwens",
    "ia": "minus", "io": "minus", "kn": "ಮೈನಸ್", "ku": "mînus", "la": "minus", "lfn": "minus", "ml": "മൈനസ്",
    "mr": "उणे", "pa": "ਮਾਈਨਸ", "te": "మైనస్", "tk": "minus", "tt": "минус", "ur": "منفی", "uz": "minus",
}  # fmt: skip
_ANY_MINUS = "minus"
"""The word where none is known: engines read it as a foreign word, while the sign alone would be silent."""
_GROUP = 3
_MUTE_DIGITS = frozenset({"lb"})
"""Languages whose digits espeak-ng does not read."""
_POINT_LANGUAGES = "am ar bn cy fa fil ga gu he hi ja kn ko ml mr ms mt my ne pa qu si sw ta te th ur yue zh"
"""Languages that write 3.5; others write 3,5."""


def create_cldr_rules(language: str) -> list[Rule]:
    """Return the rules of a language; units and currencies need the package Babel. Blocks."""
    base = _CLDR_LANGUAGES.get(language, language)
    decimal = "." if base in _POINT_LANGUAGES.split() else ","
    numbers = _number_rules(base) if base in _MUTE_DIGITS else []
    return [*minus_rules(find_minus(base), []), *_unit_rules(base, decimal), *_decimal_rules(base, decimal), *numbers]


def _unit_rules(language: str, decimal: str) -> list[Rule]:
    if find_spec("babel") is None:
        return []
    from wyoming_rosie_tts.text.normalization.cldr_units import create_unit_rules

    return create_unit_rules(language, decimal)


def _number_rules(language: str) -> list[Rule]:
    rules = _load_rules(language)
    return (
        [create_rule(r"(?<!\w)\d{1,15}(?!\w)", lambda found: rules.format_number(int(found[0])).text)] if rules else []
    )


def _decimal_rules(language: str, decimal: str) -> list[Rule]:
    """Return the rule for decimals, said as single digits after the word for the decimal sign."""
    if _load_rules(language) is None:
        return []
    point = _find_point(language)
    signs = re.escape(decimal) if decimal == "." else f"{re.escape(decimal)}."
    pattern = re.compile(rf"(?<![\w.,:/-])(\d+)[{signs}](\d+)(?![\w:/]|[.,]\d)")

    def spell(found: re.Match[str]) -> str | None:
        if decimal not in found[0] and len(found[2]) == _GROUP:
            return None  # a thousand
        if not point:
            return f"{found[1]}{decimal}{found[2]}"
        return f"{found[1]} {point} {' '.join(found[2])}"

    return [Rule(pattern, spell)]


def find_minus(language: str) -> str:
    """Return the word for minus, which is what CLDR puts before a negative number."""
    language = _CLDR_LANGUAGES.get(language, language)
    rules = _load_rules(language)
    if rules is None:
        return _MINUS.get(language, _ANY_MINUS)
    negative, positive = (rules.format_number(number).text for number in (-5, 5))
    return _strip(negative.removesuffix(positive)) if negative.endswith(positive) else _ANY_MINUS


def _find_point(language: str) -> str:
    """Return the word for the decimal sign; empty where CLDR has none, or says it by a fraction."""
    if language in _POINTS:
        return _POINTS[language]
    rules = _load_rules(language)
    try:
        words = rules.format_number("7.5").text if rules else ""
    except NoRuleForNumberError:
        return ""
    whole, digit = (rules.format_number(number).text for number in (7, 5)) if rules else ("", "")
    if words.startswith(whole) and words.endswith(digit):
        return _strip(words.removeprefix(whole).removesuffix(digit))
    parts = words.split()
    return parts[1] if len(parts) == 3 and parts[2][:3] == digit[:3] else ""


def _load_rules(language: str) -> RbnfEngine | None:
    name = _RBNF_LANGUAGES.get(language, language)
    return RbnfEngine.for_language(name) if name in RbnfEngine.get_supported_languages() else None


def _strip(word: str) -> str:
    return word.strip(" \u200b\u30fb")
