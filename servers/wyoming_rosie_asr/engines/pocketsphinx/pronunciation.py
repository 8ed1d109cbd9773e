"""Pronunciations of words and names: a pronouncing dictionary, and rules for what it lacks."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import TypeAlias

from wyoming_rosie_asr.engines.pocketsphinx import number_words, tokens

Phones: TypeAlias = str
"""The phones of one word in ARPABET, separated by spaces."""

_SYMBOLS = {"&": "and", "+": "plus", "%": "percent", "@": "at", "°": "degrees", "#": "number"}
# fmt: off
_ORDINALS = ("", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
# fmt: on
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")
_PARTS = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[&+%@°#]")
_CAUGHT_VOWEL = re.compile(r"\bAO\b(?! R\b)")
_PREFIXES = ("un", "re", "non", "mini", "multi")
_SIBILANTS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_VOICELESS = {"P", "T", "K", "F", "TH"}
_VOWELS = set("aeiouy")
_PUNCTUATION = ".,;:!?\"'()[]{}"
_MAX_PRONUNCIATIONS = 16  # of a name: each acronym in it doubles them
_MIN_PART = 3  # letters of a part of a compound word; shorter parts produce nonsense
_MAX_ACRONYM = 4
_MAX_ABBREVIATION = 2  # of letters beside digits and signs, as in PS5 and A/C


def read_dictionary(path: Path) -> dict[str, tuple[Phones, ...]]:
    """Read a file in the format of CMU's dictionary: words with their pronunciations."""
    words: dict[str, tuple[Phones, ...]] = {}
    for line in path.read_text("utf-8").splitlines():
        entry, _, phones = line.partition(" ")
        word = entry.partition("(")[0]
        words[word] = (*words.get(word, ()), phones.strip())
    return words


class Lexicon:
    """Pronounces words and names by the dictionary's words, their parts, or their letters."""

    def __init__(self, dictionary: Mapping[str, tuple[Phones, ...]]) -> None:
        self._dictionary = dictionary

    def find_phones(self, word: str) -> tuple[Phones, ...]:
        """Return the pronunciations of a lower-case word, none if it is unknown."""
        known = (
            self._dictionary.get(word)
            or self._find_with_suffix(word)
            or self._find_with_prefix(word)
            or self._find_parts(word)
        )
        return tuple(dict.fromkeys((*known, *map(_merge_vowels, known))))

    def pronounce(self, name: str) -> list[tuple[str, ...]]:
        """Return the spoken forms of a name, each as tokens; none if a part of it is unknown."""
        plain = name.replace("\u2019", "'")
        words = [self._pronounce_word(word) for word in plain.split() if _PARTS.search(_strip_accents(word.casefold()))]
        if not words:
            return []
        combined = islice(product(*words), _MAX_PRONUNCIATIONS)
        return [tuple(token for part in pronunciation for token in part) for pronunciation in combined]

    def _pronounce_word(self, word: str) -> list[tuple[str, ...]]:
        text = word.casefold().strip(_PUNCTUATION)
        bare = _strip_accents(text)
        pronunciations: list[tuple[str, ...]] = []
        if self.find_phones(bare):
            pronunciations.append((bare,))
        elif pieces := self._expand(bare):
            pronunciations.append(pieces)
        if word.isupper() and bare.isalpha() and 1 < len(bare) <= _MAX_ACRONYM:
            pronunciations.append(tuple(bare))
        return [tokens.create_tokens(text, pronunciation) for pronunciation in pronunciations]

    def _expand(self, word: str) -> tuple[str, ...]:
        if (ordinal := _ORDINAL.fullmatch(word)) and 0 < int(ordinal[1]) < len(_ORDINALS):
            return (_ORDINALS[int(ordinal[1])],)
        pieces = [self._expand_part(piece) for piece in _PARTS.findall(word)]
        return tuple(word for piece in pieces for word in piece) if all(pieces) else ()

    def _expand_part(self, piece: str) -> tuple[str, ...]:
        if piece.isdecimal():
            return _pronounce_number(piece)
        if piece in _SYMBOLS:
            return (_SYMBOLS[piece],)
        is_abbreviation = len(piece) <= _MAX_ABBREVIATION or not set(piece) & _VOWELS
        if is_abbreviation and piece.isalpha():
            return tuple(piece)
        return (piece,) if self.find_phones(piece) else ()

    def _find_with_suffix(self, word: str) -> tuple[Phones, ...]:
        for ending in ("'s", "s'", "s"):
            if word.endswith(ending) and (stems := self._dictionary.get(word.removesuffix(ending))):
                return tuple(f"{phones} {_suffix_phone(phones)}" for phones in stems)
        return ()

    def _find_with_prefix(self, word: str) -> tuple[Phones, ...]:
        for prefix in _PREFIXES:
            stem = word.removeprefix(prefix)
            if stem != word and len(stem) >= _MIN_PART and stem in self._dictionary:
                return self._combine(prefix, stem)
        return ()

    def _find_parts(self, word: str) -> tuple[Phones, ...]:
        # prefers the most even split
        splits = sorted(_split_word(word), key=lambda parts: -min(map(len, parts)))
        return next((self._combine(*parts) for parts in splits if all(part in self._dictionary for part in parts)), ())

    def _combine(self, *parts: str) -> tuple[Phones, ...]:
        return tuple(" ".join(pronunciation) for pronunciation in product(*(self._dictionary[part] for part in parts)))


def _merge_vowels(phones: Phones) -> Phones:
    """Return the pronunciation with the cot-caught merger; the dictionary has "off" only without it."""
    return _CAUGHT_VOWEL.sub("AA", phones)


def _split_word(word: str) -> Iterator[tuple[str, str]]:
    return ((word[:cut], word[cut:]) for cut in range(_MIN_PART, len(word) - _MIN_PART + 1))


def _strip_accents(word: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))


def _pronounce_number(number: str) -> tuple[str, ...]:
    """Return the words of a number: up to three digits as a whole, more digit by digit."""
    if len(number) <= 3 and not number.startswith("0"):
        return number_words.number_to_words(int(number))
    return tuple(word for digit in number for word in number_words.number_to_words(int(digit)))


def _suffix_phone(phones: Phones) -> Phones:
    last = phones.split()[-1]
    if last in _SIBILANTS:
        return "IH Z"
    return "S" if last in _VOICELESS else "Z"
