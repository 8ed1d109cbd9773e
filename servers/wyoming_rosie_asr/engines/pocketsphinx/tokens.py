"""Tokens of a grammar: the spoken word and, after an equals sign, the written text where that differs.

Examples: `light`; `five=5`; `eco=EcoBee` `bee=` for two spoken words that are written as one.
"""

from collections.abc import Iterable
from itertools import groupby

from wyoming_rosie_asr.engines.pocketsphinx import number_words


def spoken_word(token: str) -> str:
    """Return the spoken word of a token."""
    return token.partition("=")[0]


def create_tokens(text: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return the tokens of spoken words that are together written as `text`."""
    first, *others = words
    if not others and first == text:
        return (first,)
    return (f"{first}={text}", *(f"{word}=" for word in others))


def number_tokens(number: int) -> tuple[str, ...]:
    """Return the tokens of a number, which `to_text` turns into digits."""
    return tuple(f"{word}={number_words.word_values()[word]}" for word in number_words.number_to_words(number))


def to_text(tokens: Iterable[str]) -> str:
    """Return the text of recognized tokens: names as the home writes them, numbers in digits."""
    words = [text for text in map(_token_text, tokens) if text]
    runs = [(is_number, list(run)) for is_number, run in groupby(words, str.isdecimal)]
    return " ".join(text for is_number, run in runs for text in (_combine_numbers(run) if is_number else run))


def _token_text(token: str) -> str:
    spoken, equals, text = token.partition("=")
    return text if equals else spoken


def _combine_numbers(run: Iterable[str]) -> list[str]:
    return [str(number) for number in number_words.join_values(map(int, run))]
