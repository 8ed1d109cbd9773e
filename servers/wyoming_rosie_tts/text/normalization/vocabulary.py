"""Words that are written otherwise than they are said: addresses, hashtags, abbreviations, titles, acronyms."""

import re
from collections.abc import Mapping

from wyoming_rosie_tts.text.normalization.language_table import LanguageTable
from wyoming_rosie_tts.text.normalization.rules import Rule, any_of, create_rule, substitute

_DOMAINS = "com org net edu gov info biz io ai app dev tv de at ch fr es it nl be uk eu us ca au pl se no dk fi pt ru jp cn in br"
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_PARTS = re.compile(r"[^\W_]+|.")
_WORDS_IN_TAG = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[^\WA-Z\d_]+|[A-Z]|\d+")
_SPOKEN_DOMAINS = frozenset({"com", "org", "net", "edu", "gov", "info", "biz", "app", "dev"})
_VOWELS = frozenset("AEIOUYÄÖÜÉ")
_HALVES_OF_DAY = frozenset({"AM", "PM"})
_MAX_ACRONYM_LETTERS = 5


def address_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for e-mail and web addresses, hashtags and mentions."""
    host = rf"{_LABEL}(?:\.{_LABEL})*\.(?:{any_of(_DOMAINS.split())})"
    return [
        create_rule(rf"(?<![\w.@])([\w.+-]+@{_LABEL}(?:\.{_LABEL})+)", lambda found: _spell_address(found[1], table)),
        create_rule(
            r"(?<!\w)https?://(?:www\.)?([^\s/?#:]+)(?:[/?#:][^\s]*[^\s.,;:!?)])?/?",
            lambda found: _spell_address(found[1], table),
        ),
        create_rule(
            rf"(?<![\w.@/-])(?:www\.)?({host}(?:/[\w./-]*\w)?)(?:/(?!\w))?(?![\w@-])",
            lambda found: _spell_address(found[1], table),
        ),
        create_rule(r"(?<![\w&#])#([^\W\d_]\w*)", lambda found: f"{table.word('hashtag')} {split_words(found[1])}"),
        substitute(r"(?<![\w#])#\s?(?=\d)", f"{table.word('number')} "),
        substitute(r"(?<![\w.@])@(?=[^\W\d_])", f"{table.word('at')} "),
    ]


def number_abbreviation_rules(table: LanguageTable) -> list[Rule]:
    """Return the rule for abbreviations before a number: No. 5, Kap. III."""
    words = table.words("before_number")
    pattern = rf"(?<!\w)({any_of(words)})\s?(?=\d|[IVXLC]+(?!\w))"
    return [create_rule(pattern, lambda found: f"{words[found[1]]} ")]


def abbreviation_rules(table: LanguageTable) -> list[Rule]:
    """Return the rules for abbreviations, titles, streets and the sign &."""
    titles, streets = table.words("titles"), table.words("streets")
    abbreviations = {**_with_capitals(table.words("abbreviations")), **table.words("abbreviations")}
    rules = [
        create_rule(
            rf"(?<![\w.])({_any_spaced(abbreviations)})(?!\w)",
            lambda found: _with_full_stop(abbreviations[_key(found[0], abbreviations)], found),
        ),
    ]
    if streets:
        starters = rf"(?:{any_of(table.texts('sentence_starters'))})(?!\w)"
        street = rf"(?<=[a-z0-9]) ({any_of(streets)})(?!\w)"
        rules.append(create_rule(rf"(\d+ (?:[A-Z][a-z]+ )*[A-Z][a-z]+){street}", lambda f: f"{f[1]} {streets[f[2]]}"))
        rules.append(
            create_rule(
                rf"((?<!\w)(?:[A-Z][a-z]+|\w*(?:st|nd|rd|th|irst|cond)))(?<!\bSt){street}(?! (?!{starters})[A-Z])",
                lambda found: f"{found[1]} {_with_full_stop(streets[found[2]], found, starters)}",
            )
        )
    rules.append(create_rule(rf"(?<!\w)({any_of(titles)})(?=\s[^\W\d_])", lambda found: titles[found[1]]))
    for suffix, ending in table.words("suffixes").items():
        rules.append(substitute(rf"(?<=[a-zß-ÿ]){re.escape(ending)}(?!\w)", suffix))
    return [*rules, substitute(r"\s?&(?!\w+;)\s?(?=\S)", f" {table.word('and')} ")]


def acronym_rules(table: LanguageTable) -> list[Rule]:
    """Return the rule for acronyms that are spelled or said as words; sentences in capitals stay as they are."""
    spelled, words = set(table.items("acronyms", "spelled")), set(table.items("acronyms", "words"))
    respelled = {key: str(value) for key, value in table.raw["acronyms"].get("respelled", {}).items()}

    def spell(found: re.Match[str]) -> str | None:
        acronym, plural = found[1], found[2] or ""
        if acronym in respelled:
            return respelled[acronym] + plural
        if found.string.isupper() or acronym in _HALVES_OF_DAY:
            return None
        if acronym in words:
            return acronym.capitalize() + plural
        if acronym in spelled or (len(acronym) <= _MAX_ACRONYM_LETTERS and not _VOWELS & set(acronym)):
            return spell_letters(acronym, table.language) + ("'s" if plural else "")
        return None

    return [create_rule(r"(?<![\w.&-])([^\W\d_a-zß-ÿ]{2,}\d?)(s?)(?![\w&])", spell)]


def spell_letters(word: str, language: str) -> str:
    """Return the letters apart. With a full stop, an English A is no article."""
    return f"{'. '.join(word)}." if language == "en" and "A" in word[:-1] else " ".join(word)


def split_words(tag: str) -> str:
    """Return the words of SmartHome or smart_home apart."""
    return " ".join(_WORDS_IN_TAG.findall(tag)) or tag


def _spell_address(address: str, table: LanguageTable) -> str:
    names = {"@": "at", ".": "dot", "/": "slash", "_": "underscore", "-": "dash", "+": "plus"}
    host, slash, path = address.partition("/")
    words = [table.word(names[part]) if part in names else part for part in _PARTS.findall(host)]
    if words[-1] not in _SPOKEN_DOMAINS and len(words[-1]) == 2:
        words[-1] = spell_letters(words[-1].upper(), table.language)
    words += [table.word(names[part]) if part in names else part for part in _PARTS.findall(slash + path)]
    return " ".join(words)


def _with_capitals(abbreviations: Mapping[str, str]) -> Mapping[str, str]:
    """Return the abbreviations as they begin a sentence."""
    return {key[0].upper() + key[1:]: value for key, value in abbreviations.items() if len(key) > 4}


def _any_spaced(abbreviations: Mapping[str, str]) -> str:
    """Return a pattern for any abbreviation, whose parts may be written together: z. B., z.B."""
    return any_of(abbreviations).replace(r"\ ", r"\s?")


def _key(written: str, abbreviations: Mapping[str, str]) -> str:
    if written in abbreviations:
        return written
    plain = "".join(written.split())
    return next(key for key in abbreviations if "".join(key.split()) == plain)


def _with_full_stop(words: str, found: re.Match[str], starters: str = "(?!)") -> str:
    """Return the words, with the full stop of the abbreviation if it ends the sentence as well."""
    ends = re.compile(rf"$|\s+{starters}").match(found.string, found.end())
    return f"{words}." if found[0].endswith(".") and ends else words
