"""Sentences with numbers, dates and times of day, matched by templates of their own.

Their words are kept out of the templates for the home, so that they change no correction of a name.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from wyoming_rosie.text import durations
from wyoming_rosie_intent.engine import Match, SlotValue
from wyoming_rosie_intent.rules import filler_words, templates

if TYPE_CHECKING:
    from hassil import Intents, RecognizeResult

FOLDER = "number_sentences"
MAX_VALUES = 8
"""Values of one kind in a sentence; a sentence with more matches nothing."""
_Piece: TypeAlias = tuple[int, int, str, float]
"""Start and end of a value in the text, its kind and the value itself."""
_EXTENSION = "extension"
"""Kind of a duration such as "five more minutes"; it is a duration, too."""
_KINDS = ("clock", "duration", _EXTENSION, "number", "ordinal")
_TOKEN = re.compile(
    r"(?P<clock>\d{1,2}[:h]\d{2}(?![\d:]))|(?P<digits>\d+(?:[.,]\d+)*)(?P<suffix>[^\W\d_]+|\.(?=\s\w)|[ºª])?"
    r"|(?P<word>[^\W\d_]+)"
)
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_PLACEHOLDER = re.compile(r"\b(clock|duration|extension|number|ordinal)([0-9])\b")
_WORD_RANGE, _ORDINAL_RANGE = 101, 32
_MAX_NUMBER_WORDS = 4


@dataclass(frozen=True)
class EncodedSentence:
    """A sentence with a placeholder for each value: "remind me in duration0 to buy number0 eggs"."""

    text: str
    values: Mapping[str, float]
    originals: Mapping[str, str]

    def decode_text(self, text: str) -> str:
        """Return a part of the sentence as it was said."""
        return _PLACEHOLDER.sub(lambda found: self.originals.get(found[0], found[0]), text)


def recognize(text: str, language: str) -> Match | None:
    """Return what a sentence asks about numbers, dates or alarms; None for all others. Blocks at the first use."""
    grammar = _load(language)
    return grammar.recognize(text) if grammar else None


def encode(text: str, language: str) -> Iterator[EncodedSentence]:
    """Yield a sentence with placeholders, then also without its polite words. Blocks at the first use."""
    if grammar := _load(language):
        yield from grammar.encode(text)


def get_value_templates(language: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Return the lists and the rules for dates, times and values of a language, for templates of encoded sentences.

    Both are empty in a language without such. Blocks at the first use.
    """
    grammar = _load(language)
    return (grammar.lists, grammar.rules) if grammar else ({}, {})


def replace_hyphens(text: str) -> str:
    """Return a text, or a template, with a space for each hyphen within a word, as encoded sentences have it."""
    return _HYPHEN.sub(" ", text)


def languages() -> Sequence[str]:
    """Return the languages whose dates, times and values are known."""
    files = (resources.files("wyoming_rosie_intent.rules") / FOLDER).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def prepare(language: str) -> None:
    """Load a language before its first use. Blocks."""
    _load(language)


@cache
def _load(language: str) -> "_Grammar | None":
    file = resources.files("wyoming_rosie_intent.rules") / FOLDER / f"{language}.toml"
    return _Grammar(tomllib.loads(file.read_text("utf-8")), language) if file.is_file() else None


class _Grammar:
    """The templates of one language, and its words for numbers."""

    def __init__(self, table: Mapping[str, Any], language: str) -> None:
        self._language = language
        self._table = table
        self._triggers = frozenset(table["triggers"])
        self._suffixes = frozenset(table.get("ordinal_suffixes", ()))
        # "à sept heures" is a time of day, although "sept heures" is a duration
        self._clock_words = tuple(f" {word}" for word in table.get("clock_words", ()))
        self._words = _number_words(language, table)
        self.lists = {**table.get("lists", {}), **_create_placeholders()}
        self.rules: Mapping[str, str] = table.get("expansion_rules", {})
        self._intents = _create_intents(table["intents"], self.lists, self.rules, language)
        custom = templates.load_custom_sentences(language)
        self._hints = filler_words.load_hints(custom.get("nearly", {}))
        self._courtesies = [filler_words.normalize_words(phrase) for phrase in custom.get("courtesies", ())]

    def recognize(self, text: str) -> Match | None:
        """Match a whole sentence, also without its polite words."""
        if self._triggers.isdisjoint(filler_words.normalize_words(self._replace_symbols(text))):
            return None
        for encoded in self.encode(text):
            result = self._match(encoded.text)
            if result and not self._is_negated(result):
                return self._create_match(result, encoded, text)
        return None

    def encode(self, text: str) -> Iterator[EncodedSentence]:
        words = tuple(filler_words.split_words(self._replace_symbols(text)))
        polite = " ".join(self._hints.remove_fillers(tuple(word.casefold() for word in words)))
        plain = " ".join(filler_words.strip_phrases(words, self._courtesies))
        for candidate in dict.fromkeys((" ".join(words), plain, polite)):
            if encoded := self._encode(candidate):
                yield encoded

    def _replace_symbols(self, text: str) -> str:
        for symbol, word in self._table.get("symbols", {}).items():
            text = text.replace(symbol, f" {word} ")
        return replace_hyphens(text.replace("\u2019", "'"))

    def _match(self, text: str) -> "RecognizeResult | None":
        from hassil import recognize_best

        return recognize_best(text, self._intents, language=self._language, best_metadata_key="first")

    def _is_negated(self, result: "RecognizeResult") -> bool:
        """Return whether free text ends the sentence with a negation: "erinnere mich um sechs an die Wäsche nicht"."""
        last = (str(entity.value).rpartition(" ")[2] for entity in result.entities_list if entity.is_wildcard)
        return not frozenset(self._table.get("final_negations", ())).isdisjoint(last)

    def _create_match(self, result: "RecognizeResult", encoded: EncodedSentence, text: str) -> Match:
        slots: dict[str, SlotValue] = {}
        for name, entity in result.entities.items():
            value = str(entity.value)
            if value in encoded.values:
                number = encoded.values[value]
                slots[name] = int(number) if number.is_integer() else number
            else:
                slots[name] = encoded.decode_text(value) if entity.is_wildcard else entity.value
        return Match(result.intent.name, slots, text, question=result.response or "", language=self._language)

    def _encode(self, text: str) -> EncodedSentence | None:
        """Replace the values of a text; None if there are more than MAX_VALUES of one kind."""
        counts = dict.fromkeys(_KINDS, 0)
        values: dict[str, float] = {}
        originals: dict[str, str] = {}
        parts, end = [], 0
        for start, stop, kind, value in self._find_values(text):
            name = f"{kind}{counts[kind]}"
            counts[kind] += 1
            values[name], originals[name] = value, text[start:stop]
            parts += [text[end:start], f" {name} "]
            end = stop
        if max(counts.values()) > MAX_VALUES:
            return None
        return EncodedSentence(" ".join("".join((*parts, text[end:])).split()), values, originals)

    def _find_values(self, text: str) -> Iterator[_Piece]:
        spans = [
            (found.start, found.end, _EXTENSION if found.is_extra else "duration", float(found.total))
            for found in durations.find(text, self._language)
            if any(character.isalpha() for character in text[found.start : found.end])
            and not text[: found.start].casefold().rstrip().endswith(self._clock_words)
        ]
        tokens = list(_TOKEN.finditer(text))
        at = 0
        while at < len(tokens):
            token = tokens[at]
            span = next((span for span in spans if span[0] <= token.start() < span[1]), None)
            if span is not None:
                yield span
                at = next((i for i, later in enumerate(tokens) if later.start() >= span[1]), len(tokens))
            elif token["word"] is None:
                yield self._parse_digits(token)
                at += 1
            else:
                piece, length = self._parse_words(text, tokens[at : at + _MAX_NUMBER_WORDS])
                if piece is not None:
                    yield piece
                at += length

    def _parse_digits(self, token: re.Match[str]) -> _Piece:
        if token["clock"]:
            hours, minutes = re.split("[:h]", token["clock"])
            return token.start(), token.end(), "clock", 60.0 * int(hours) + int(minutes)
        number = _parse_number(token["digits"], self._table["decimal"])
        if token["suffix"] in self._suffixes and number.is_integer():
            return token.start(), token.end(), "ordinal", number
        return token.start(), token.end("digits"), "number", number

    def _parse_words(self, text: str, tokens: Sequence[re.Match[str]]) -> tuple[_Piece | None, int]:
        """Return the value of the longest run of number words here, and the number of words to go on after."""
        for length in range(len(tokens), 0, -1):
            first, last = tokens[0].start(), tokens[length - 1].end()
            known = self._words.get(" ".join(text[first:last].casefold().replace("-", " ").split()))
            if known is not None:
                return (first, last, *known), length
        return None, 1


def _parse_number(digits: str, decimal: str) -> float:
    """Parse digits with separators: "1,500" is 1500 where the decimal sign is a full stop."""
    thousands = "," if decimal == "." else "."
    if re.fullmatch(rf"\d{{1,3}}(\{thousands}\d{{3}})+(\{decimal}\d+)?", digits):
        digits = digits.replace(thousands, "")
    return float(re.sub(r"[.,](?=.*[.,])", "", digits).replace(",", "."))


def _number_words(language: str, table: Mapping[str, Any]) -> Mapping[str, tuple[str, float]]:
    """Return kind and value of each number in words, without those that are also articles."""
    from hassil.numbers import get_rbnf_engine

    engine = get_rbnf_engine(language)
    words: dict[str, tuple[str, float]] = {}
    for number in range(_WORD_RANGE):
        for form in engine.format_number(number).text_by_ruleset.values():
            words.setdefault(_plain_form(form), ("number", float(number)))
    for ruleset in table.get("ordinal_rulesets", ()):
        for number in range(1, _ORDINAL_RANGE):
            form = engine.format_number(number, ruleset_names=[ruleset]).text
            words[_plain_form(form)] = ("ordinal", float(number))
    words |= {word: ("ordinal", float(value)) for word, value in table.get("ordinals", {}).items()}
    words |= {word.replace("dreissig", "dreißig"): value for word, value in words.items()}
    return {word: value for word, value in words.items() if word not in table.get("not_numbers", ())}


def _plain_form(form: str) -> str:
    return " ".join(form.replace("\u00ad", "").replace("-", " ").casefold().split())


def _create_placeholders() -> Mapping[str, Any]:
    values = {
        kind: [{"in": f"{kind}{place}", "out": f"{kind}{place}"} for place in range(MAX_VALUES)] for kind in _KINDS
    }
    values["duration"] += values[_EXTENSION]
    return {kind: {"values": some} for kind, some in values.items()}


def _create_intents(
    intents: Mapping[str, Any], lists: Mapping[str, Any], rules: Mapping[str, str], language: str
) -> "Intents":
    from hassil import Intents

    return Intents.from_dict({"language": language, "intents": intents, "lists": lists, "expansion_rules": rules})
