"""Full text: the tokenizer of a text, and queries of the words that people say, which are never query syntax."""

import re

from wyoming_rosie_intent.memory.stores.sqlite.database import TOKENIZERS

MAX_WORDS = 24
"""Words of a query that are searched for; more are left out."""
_WORD = re.compile(r"[^\W_]+")
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Scripts that are written without spaces: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def choose_tokenizer(text: str, language: str | None) -> str:
    """Return the name of the full-text table for a text."""
    if _WITHOUT_SPACES.search(text):
        return "trigram"
    return "porter" if (language or "").partition("-")[0] == "en" else "words"


def split_words(text: str) -> tuple[str, ...]:
    """Return the words to search for, each once."""
    return tuple(dict.fromkeys(word.casefold() for word in _WORD.findall(text)))[:MAX_WORDS]


def queries(words: tuple[str, ...]) -> dict[str, str]:
    """Return the query for each full-text table, where it can find anything."""
    terms = {name: [quote(term) for word in words for term in _terms(word, name)] for name in TOKENIZERS}
    return {name: " OR ".join(quoted[: 2 * MAX_WORDS]) for name, quoted in terms.items() if quoted}


def quote(word: str) -> str:
    """Return a word as a string of the query language."""
    return '"' + word.replace('"', '""') + '"'


def _terms(word: str, table: str) -> list[str]:
    """Return what is searched in a table for a word: a run without spaces is searched by its trigrams."""
    if bool(_WITHOUT_SPACES.search(word)) != (table == "trigram"):
        return []
    return [word[start : start + 3] for start in range(len(word) - 2)] if table == "trigram" else [word]
