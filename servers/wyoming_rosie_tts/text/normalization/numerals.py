"""Telephone numbers, versions, fractions, powers, ordinals, Roman numerals and all other numbers."""

# ruff: noqa: RUF001 - superscripts and Unicode fractions are intended

import re
import unicodedata
from collections.abc import Callable

from wyoming_rosie_tts.text.normalization.amounts import GAP, AmountWords
from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.number_words import NumberSpeller
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒"
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_MOST_REGNAL = 40
_MAX_DIGITS = 10
"""Length from which a number without groups is a code, spelled by digits."""
_PHONE = re.compile(
    r"(?<![\w.,:/-])(?<!\d )(?:"
    r"\+\d[\d ()/-]{5,20}\d"  # +49 30 1234567
    r"|\(0?\d{2,5}\)[ -]?\d{2,8}(?:[ -]\d{2,5}){0,3}"  # (555) 867-5309
    r"|(?:1-)?\d{3}-\d{3}-\d{4}"  # 1-800-555-0199
    r"|\d\d \d{3} \d\d \d\d|\d{3} \d\d \d\d \d\d"  # 91 123 45 67
    r"|\d{3} \d{6,7}"  # 333 1234567
    r"|0\d(?:[ .]\d\d){4}"  # 01 23 45 67 89
    r"|0\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,5}){0,3}"  # 030 1234567
    r"|\d{3}\.\d{3}\.\d{4}"  # 555.867.5309
    r"|1-8\d\d-(?=[A-Z])"  # 1-800-FLOWERS
    r"|\d{1,5}(?:-\d{1,7}){2,}|\d{5}-\d{4}"  # 978-3-16-148410-0, 10001-1234
    r"|\d{3}-\d{4}"  # 555-1234
    r")(?![\d/-]|[.,:]\d)",
    re.ASCII,
)


class NumeralWords:
    """Spells numbers that are no amounts, dates or times."""

    def __init__(self, table: LanguageTable, speller: NumberSpeller, amounts: AmountWords) -> None:
        self._table = table
        self._speller = speller
        self._amounts = amounts
        self._fractions = table.forms("fractions")
        self._endings = table.words("ordinal_endings")
        self._articles = {
            name: article for article in table.raw["monarchs"] for name in table.items("monarchs", article)
        }

    def phone_rules(self) -> list[Rule]:
        """Return the rules for telephone numbers, and for emergency numbers after a word such as "call"."""
        written = r"(?<!\w)(?P<word>(?:tel|tél|phone|telefon|telefoon|telefono|teléfono|téléphone)\.?:? )(?P<number>\d[\d /.-]{4,}\d)"
        called, emergency = any_of(self._table.texts("called")), any_of(self._table.texts("emergency"))
        return [
            create_rule(written, self._spell_written, ignore_case=True),
            Rule(_PHONE, self._spell_phone),
            create_rule(
                rf"(?<!\w)((?:{called}):? (?:[^\W\d_]+ )?)({emergency})(?!\w|[.,:]\d)",
                lambda found: found[1] + self._speller.digits(found[2]),
                ignore_case=True,
            ),
        ]

    def named_version_rules(self) -> list[Rule]:
        """Return the rule for a version after its word: version 3.5."""
        names = rf"{self._table.word('version')}s?|version|release"
        pattern = rf"(?<!\w)((?:{names}) )(\d+(?:\.\d+)+)(?!\w)"
        return [create_rule(pattern, self._spell_named_version, ignore_case=True)]

    def version_rules(self) -> list[Rule]:
        """Return the rules for versions and addresses of machines: 2.10.3, v3.2, 192.168.1.10."""
        monthly = rf"(?<![\w.,$€£-])(20[1-4]\d)\.(\d\d?(?:\.\d+)?)(?![\w%°]|[.,]\d|{GAP}(?:{self._amounts.unit_pattern})(?!\w))"
        return [
            create_rule(monthly, self._spell_monthly_version),
            create_rule(r"(?<![\w.,-])v(\d{1,4}(?:\.\d+)*)(?!\w)", self._spell_short_version),
            create_rule(r"(?<![\w.,])\d+(?:\.\d+){2,}(?![\w]|[.,]\d)", self._spell_version),
        ]

    def fraction_rules(self) -> list[Rule]:
        """Return the rules for fractions, also with a unit, and powers."""
        unit = rf"(?:{GAP}(?P<unit>{self._amounts.unit_pattern})(?![\w²³]|\.\w)(?:\.(?= [a-zß-ÿ]|[,;)]))?)?"
        denominators = any_of(self._fractions)
        return [
            create_rule(rf"(?<![\w.,/])(?:(?P<whole>\d+) ?)?(?P<sign>[{_VULGAR}]){unit}", self._spell_vulgar),
            create_rule(
                rf"(?<![\w.,/:])(?:(?P<whole>\d+)[ -])?(?P<above>\d{{1,2}})[/⁄](?P<below>{denominators})(?![\d/:]|[.,]\d){unit}",
                self._spell_fraction,
            ),
            create_rule(
                r"(?<![\w.])((?:\d+(?:\.\d+)?|[^\W\d_]))(?:\^|\*\*)\(?(-?\d+|[a-z](?!\w))\)?", self._spell_power
            ),
            create_rule(
                r"(?<![\w.])(?<!\d[ \u00a0\u202f])(\d+|[^\W\d_]{1,3})([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", self._spell_superscript
            ),
        ]

    def ordinal_rules(self) -> list[Rule]:
        """Return the rules for 1st, 3. and Louis XIV."""
        rules = [
            create_rule(rf"(?<![\w.,]){form['pattern']}", self._ordinal_speller(form.get("form", "")), ignore_case=True)
            if not form["pattern"].startswith("(?<")
            else create_rule(form["pattern"], self._ordinal_speller(form.get("form", "")))
            for form in self._table.raw.get("ordinal_forms", ())
        ]
        if self._endings:
            before = any_of(self._endings)
            rules.append(
                create_rule(
                    rf"(?<!\w)(?:(?P<before>(?i:{before})) )?([IVX]{{2,}})\.(?= [A-ZÄÖÜ])", self._spell_roman_ordinal
                )
            )
            rules.append(
                create_rule(
                    rf"(?<!\w)(?P<before>{before}) (?P<day>\d{{1,3}})\.(?= [^\W\d_])",
                    self._spell_inflected,
                    ignore_case=True,
                )
            )
        return [*rules, *self._roman_rules()]

    def other_rules(self) -> list[Rule]:
        """Return the rule for the numbers that are left; those with leading zeros are spelled by digits."""
        one = self._table.text("one_before_noun", "(?!)")
        pattern = rf"(?<![\w.,:/]){self._speller.pattern}(?![\w:/]|[.,]\d)"
        return [
            create_rule(r"(?<!\w)['’](?=\d\d(?!\d))", lambda _: ""),  # '80
            create_rule(one, self._spell_one),
            create_rule(pattern, self._spell_other),
            create_rule(r"(?<![\w.,])\.(\d+)(?![\w.])", self._spell_point),
        ]

    def _spell_one(self, found: re.Match[str]) -> str:
        """Return the number one in the gender of the noun after it, as far as its ending tells."""
        noun = found.string[found.end() :].split()[0].rstrip(".,;:!?").lower()
        gender = "f" if noun.endswith(tuple(self._table.texts("feminine_endings"))) else "m"
        return f"{found[0][:-2]}{self._speller.cardinal(1, gender)} "

    def _spell_point(self, found: re.Match[str]) -> str:
        return f"{self._table.word('point')} {self._speller.digits(found[1])}"

    def _spell_other(self, found: re.Match[str]) -> str | None:
        number = found[0]
        is_code = number.isdecimal() and (number.startswith("0") or len(number) > _MAX_DIGITS) and len(number) > 1
        return self._speller.digits(number) if is_code else self._speller.spell(number)

    def _roman_rules(self) -> list[Rule]:
        numbered, names = any_of(self._table.items("numbered", "words")), any_of(self._articles)
        ordinals = self._table.words("roman_ordinals").get("pattern", "(?!)")
        capitals = any_of(word.capitalize() for word in self._table.items("numbered", "words"))
        dot = r"\.?" if self._table.has("regnal_period") else ""
        return [
            create_rule(rf"(?<!\w){ordinals}", self._spell_roman),
            create_rule(rf"(?<!\w)({names}) ({_ROMAN}){dot}(?!\w)", self._spell_regnal),
            create_rule(rf"(?<!\w)((?i:{numbered})s? )({_ROMAN})(?!\w)", self._spell_numbered),
            create_rule(
                r"(?<!\w)((?!(?:The|A|An|In|My)\b)[A-Z][a-zß-ÿ]+ )([IVX]{2,}|[IVXL]{3,})(?![\w'’-])",
                self._spell_numbered,
            ),
            create_rule(
                rf"(?<!\w)((?:{capitals}) )(I)(?=[.,;:!?)]|$)",
                lambda found: found[1] + (self._speller.cardinal(1) or ""),
            ),
        ]

    def _spell_written(self, found: re.Match[str]) -> str:
        return found["word"] + ", ".join(self._speller.digits(group) for group in re.findall(r"\d+", found["number"]))

    def _spell_phone(self, found: re.Match[str]) -> str | None:
        text = found[0]
        groups = re.findall(r"\d+", text)
        if (
            len(groups) == 2
            and not text.startswith(("0", "+", "("))
            and _is_round(int(groups[0]))
            and _is_round(int(groups[1]))
        ):
            return None  # 500-1000 people
        plus = f"{self._table.word('plus')} " if text.startswith("+") else ""
        words = plus + ", ".join(self._speller.digits(group) for group in groups)
        return f"{words}, " if text.endswith("-") else words

    def _spell_named_version(self, found: re.Match[str]) -> str:
        return found[1] + self._spell_dotted(found[2], self._table.text("version_point"))

    def _spell_short_version(self, found: re.Match[str]) -> str:
        return f"{self._table.word('version')} {self._spell_dotted(found[1], self._table.text('version_point'))}"

    def _spell_monthly_version(self, found: re.Match[str]) -> str | None:
        """Return 2026.11, as Home Assistant counts, in words."""
        point = self._table.text("version_point")
        return f"{self._speller.year(int(found[1]))} {point} {self._spell_dotted(found[2], point)}"

    def _spell_version(self, found: re.Match[str]) -> str | None:
        if self._speller.parse(found[0])[0] > 999 and "." in self._table.text("groups"):
            first, *groups = found[0].split(".")
            if len(first) <= 3 and all(len(group) == 3 for group in groups):
                return None  # 1.234.567
        is_address = found[0].count(".") == 3
        return self._spell_dotted(
            found[0], self._table.word("dot") if is_address else self._table.text("version_point")
        )

    def _spell_dotted(self, version: str, point: str) -> str:
        return f" {point} ".join(self._speller.cardinal(int(part[:15])) or part for part in version.split("."))

    def _spell_vulgar(self, found: re.Match[str]) -> str | None:
        above, below = unicodedata.normalize("NFKD", found["sign"]).split("⁄")
        return self._spell_parts(found["whole"], int(above), below, found["unit"])

    def _spell_fraction(self, found: re.Match[str]) -> str | None:
        above = int(found["above"])
        if not 0 < above < int(found["below"]):
            return None
        return self._spell_parts(found["whole"], above, found["below"], found["unit"])

    def _spell_parts(self, whole: str | None, above: int, below: str, unit: str | None) -> str | None:
        is_half = (above, below) == (1, "2")
        if whole and is_half and (mixed_half := self._table.text("mixed_half")):
            words = mixed_half.format(whole=self._speller.cardinal(int(whole), "m"))
        elif whole:
            part = (
                self._table.text("mixed_part_half", self._table.text("half"))
                if is_half
                else self._spell_part(above, below)
            )
            words = self._table.text("mixed").format(whole=self._speller.cardinal(int(whole)), part=part)
        elif is_half and self._table.language != "en":
            words = self._table.text("half")
        else:
            words = self._spell_part(above, below)
        return self._amounts.spell_part(words, unit or "", is_plural=bool(whole))

    def _spell_part(self, above: int, below: str) -> str:
        forms = self._fractions[below]
        return f"{self._speller.cardinal(above, forms.gender)} {forms.singular if above == 1 else forms.plural}"

    def _spell_power(self, found: re.Match[str]) -> str | None:
        base = (self._speller.spell(found[1]) if found[1][0].isdecimal() else found[1]) or found[1]
        return f"{base} {self._spell_exponent(found[2])}"

    def _spell_superscript(self, found: re.Match[str]) -> str | None:
        if self._amounts.is_unit(found[0]):
            return None
        base = (self._speller.spell(found[1]) if found[1].isdecimal() else found[1]) or found[1]
        return f"{base} {self._spell_exponent(found[2].translate(_SUPERSCRIPTS))}"

    def _spell_exponent(self, exponent: str) -> str:
        if word := self._table.words("superscripts").get(exponent):
            return word
        digits = exponent.lstrip("+-")
        words = self._speller.cardinal(int(digits[:15])) if digits.isdecimal() else exponent
        sign = f"{self._table.word('minus')} " if exponent.startswith("-") else ""
        return self._table.text("power").format(exponent=f"{sign}{words}")

    def _ordinal_speller(self, form: str) -> Callable[[re.Match[str]], str | None]:
        return lambda found: self._speller.ordinal(int(found[1][:15]), form)

    def _spell_inflected(self, found: re.Match[str]) -> str | None:
        before, number = found["before"], int(found["day"])
        return f"{before} {self._speller.ordinal(number, self._endings[before.lower()])}"

    def _spell_roman_ordinal(self, found: re.Match[str]) -> str | None:
        before = found["before"]
        if not re.fullmatch(_ROMAN, found[2]) or re.search(
            rf"(?:{any_of(self._articles)}) $", found.string[: found.start()]
        ):
            return None
        words = self._speller.ordinal(_parse_roman(found[2]), self._endings.get((before or "").lower(), "r"))
        return f"{before} {words}" if before else words

    def _spell_roman(self, found: re.Match[str]) -> str | None:
        return self._speller.ordinal(_parse_roman(found[1])) if re.fullmatch(_ROMAN, found[1]) else None

    def _spell_regnal(self, found: re.Match[str]) -> str | None:
        number = _parse_roman(found[2])
        if number > _MOST_REGNAL or (len(found[2]) == 1 and found[2] in "CDLM"):
            return None
        article = self._articles[found[1]]
        form = article if article in self._table.words("ordinals") else "e"
        limit = int(self._table.raw.get("last_regnal_ordinal", _MOST_REGNAL))
        cardinal = self._speller.ordinal(1) if number == 1 else self._speller.cardinal(number)
        if number > limit:
            return f"{found[1]} {cardinal}"
        words = self._table.text("regnal").format(
            article=article, ordinal=self._speller.ordinal(number, form), cardinal=cardinal
        )
        return f"{found[1]} {words}"

    def _spell_numbered(self, found: re.Match[str]) -> str | None:
        if found[2] == "I" or not re.fullmatch(_ROMAN, found[2]):
            return None  # the word I
        return found[1] + (self._speller.cardinal(_parse_roman(found[2])) or found[2])


def _is_round(number: int) -> bool:
    return number % 50 == 0


def _parse_roman(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[at:]) else value for at, value in enumerate(values))
