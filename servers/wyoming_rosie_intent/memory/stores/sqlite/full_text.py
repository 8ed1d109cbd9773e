"""Words of texts: the tokenizer of a memory, and the terms of a question, which are never query syntax."""

import re
from collections.abc import Iterable

from wyoming_rosie.text.language_tags import base_language

MAX_WORDS = 24
"""Words of a question that are searched for; more are left out."""
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def choose_tokenizer(text: str, language: str | None) -> str:
    """Return the name of the full-text table for a text."""
    if _WITHOUT_SPACES.search(text):
        return "trigram"
    return "porter" if base_language(language or "") == "en" else "words"


def split_words(text: str) -> tuple[str, ...]:
    """Return the words to search for, each once."""
    return tuple(dict.fromkeys(word.lower() for word in _WORD.findall(text)))[:MAX_WORDS]


def split_terms(words: Iterable[str], table: str) -> list[str]:
    """Return the terms to search for in a table: words, or the trigrams of runs that are written without spaces."""
    in_table = [word for word in words if bool(_WITHOUT_SPACES.search(word)) == (table == "trigram")]
    if table != "trigram":
        return in_table
    return list(dict.fromkeys(word[start : start + 3] for word in in_table for start in range(len(word) - 2)))


def quote(term: str) -> str:
    """Return a term as a string of the query language."""
    return '"' + term.replace('"', '""') + '"'
