"""Words of sentence templates: how they are written, and those of numbers."""

import re
from functools import cache

WORD = re.compile(r"[\w']+")
MAX_NUMBER = 100
"""Largest number that is indexed as words."""
_ONE_I = str.maketrans("ıİ", "ii")


def fold_case(text: str) -> str:
    """Return a text for comparisons that ignore case; the dotless i of Turkish is an i, as when hassil matches."""
    return text.translate(_ONE_I).casefold()


@cache
def number_words(language: str) -> frozenset[str]:
    """Return the words of all numbers up to MAX_NUMBER and of their halves; empty for languages without number rules."""
    from hassil.numbers import get_rbnf_engine

    try:
        engine = get_rbnf_engine(language)
        texts = [
            text
            for number in range(MAX_NUMBER + 1)
            for form in (number, number + 0.5)
            for text in engine.format_number(form).text_by_ruleset.values()
        ]
    except ValueError:  # the library has no number rules for this language
        return frozenset()
    return frozenset(word for text in texts for word in re.split(r"[\s_-]+", text.casefold()) if word)
