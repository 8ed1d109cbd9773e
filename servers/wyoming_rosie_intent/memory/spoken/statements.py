"""Statements: facts as they are kept, and as they are told to the person whose they are. Pure."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language

_TABLE = Path(__file__).with_name("statements.toml")
_ENDS = " \t\n\"'“”„«».,;:!?…"
_APOSTROPHE = str.maketrans("\u2019", "'")
_MAX_ADJECTIVES = 3
_MIN_STEM = 3
"""Characters of a verb without its prefix."""
_NONE = r"(?!)"


@dataclass(frozen=True)
class _Language:
    conjunction: re.Pattern[str]
    no_statement: re.Pattern[str]
    swapped: re.Pattern[str]
    swaps: Mapping[str, str]
    untold: re.Pattern[str]
    pronouns: re.Pattern[str]
    articles: re.Pattern[str]
    genitives: re.Pattern[str]
    verb: re.Pattern[str]  # with a prefix that leaves it
    has_verb_last: bool


def parse_fact(said: str, language: str) -> str | None:
    """Return the statement in what is to be remembered, as a sentence of its own; None if it is none.

    "dass mein Mülltag Dienstag ist" becomes "mein Mülltag ist Dienstag".
    """
    rules = _find_rules(language)
    clause = said.translate(_APOSTROPHE).strip(_ENDS)
    if rules is None:
        return clause if " " in clause else None
    statement = rules.conjunction.sub("", clause).strip(_ENDS)
    if not statement or rules.no_statement.fullmatch(statement.lower()):
        return None
    if rules.has_verb_last and statement != clause:
        return _put_verb_second(statement.split(), rules)
    return statement


def tell(fact: str, language: str | None) -> str | None:
    """Return a fact as it is told to the person whose it is: "Your bin day is Tuesday."; None if it is to be quoted."""
    rules = _find_rules(language)
    if rules is None:
        return None
    swapped = rules.swapped.sub(lambda found: rules.swaps[found[0].lower()], fact)
    rest = rules.swapped.sub("\0", fact)
    return None if rules.untold.search(rest.lower()) else to_sentence(swapped)


def to_sentence(text: str) -> str:
    """Return a text with a capital letter at its beginning and an end."""
    plain = text.strip()
    return plain[:1].upper() + plain[1:] + ("" if plain.endswith((".", "!", "?", "…")) else ".")


def prepare() -> None:
    """Load the words of all languages. Blocks."""
    _load()


def _put_verb_second(words: Sequence[str], rules: _Language) -> str:
    """Return a clause of which the verb comes last as a sentence in which it comes second."""
    end = _find_subject_end(words, rules)
    *rest, verb = words[end:]
    if not rest:
        return " ".join(words)
    prefixed = rules.verb.fullmatch(verb.lower())
    moved = [prefixed["stem"], *rest, prefixed["prefix"]] if prefixed else [verb, *rest]
    return " ".join((*words[:end], *moved))


def _find_subject_end(words: Sequence[str], rules: _Language) -> int:
    if rules.pronouns.fullmatch(words[0].lower()) and not _is_article(words, rules):
        return 1
    end = _find_noun(words, 1) + 1 if rules.articles.fullmatch(words[0].lower()) else 1
    if end < len(words) - 2 and rules.genitives.fullmatch(words[end].lower()):
        is_named = words[end + 1][:1].isupper() or not rules.articles.fullmatch(words[end + 1].lower())
        end = _find_noun(words, end + 1 if is_named else end + 2) + 1
    return min(end, len(words) - 1)


def _is_article(words: Sequence[str], rules: _Language) -> bool:
    """Return whether a word that is pronoun and article has its noun beside it: "ihr Auto"."""
    return bool(rules.articles.fullmatch(words[0].lower())) and words[1][:1].isupper()


def _find_noun(words: Sequence[str], start: int) -> int:
    """Return the index of the noun, which some languages begin with a capital letter; else that of the next word."""
    capitals = (at for at in range(start, min(start + _MAX_ADJECTIVES, len(words))) if words[at][:1].isupper())
    return next(capitals, start)


def _find_rules(language: str | None) -> _Language | None:
    return _load().get(base_language(language or ""))


@cache
def _load() -> Mapping[str, _Language]:
    tables = tomllib.loads(_TABLE.read_text("utf-8"))
    return {name: _compile(table) for name, table in tables.items()}


def _compile(table: Mapping[str, object]) -> _Language:
    swaps = table["swaps"]
    assert isinstance(swaps, Mapping)

    def pattern(key: str) -> re.Pattern[str]:
        return re.compile(str(table.get(key, _NONE)))

    prefixes, whole = table.get("prefixes", _NONE), table.get("whole_verbs", _NONE)
    longest_first = "|".join(re.escape(words) for words in sorted(swaps, key=len, reverse=True))
    return _Language(
        conjunction=re.compile(rf"^(?i:{table['conjunctions']})(?:(?<=')|\s|,)+"),
        no_statement=pattern("no_statement"),
        swapped=re.compile(rf"(?i)(?<![\w'])(?:{longest_first})(?![\w'])"),
        swaps=swaps,
        untold=pattern("untold"),
        pronouns=pattern("pronouns"),
        articles=pattern("articles"),
        genitives=pattern("genitives"),
        verb=re.compile(rf"(?!{whole})(?P<prefix>{prefixes})(?P<stem>\w{{{_MIN_STEM},}})"),
        has_verb_last="pronouns" in table,
    )
