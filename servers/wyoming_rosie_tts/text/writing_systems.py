"""The scripts of languages, so that no voice spells out letters that it cannot read, and names are read in their language."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

LATIN = "LATIN"
_SCRIPTS = {
    "CYRILLIC": "be bg kk ky mk mn ru sr tg uk",
    "GREEK": "el",
    "ARABIC": "ar fa ur ps",
    "HEBREW": "he",
    "DEVANAGARI": "hi mr ne",
    "BENGALI": "bn as",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am ti",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "ja zh yue cmn",
}
_OTHERS = {language: set[str]() for languages in _SCRIPTS.values() for language in languages.split()}
for _script, _languages in _SCRIPTS.items():
    for _language in _languages.split():
        _OTHERS[_language].add(_script)

_LANGUAGE_OF_SCRIPT = {
    **{script: languages.split()[0] for script, languages in _SCRIPTS.items()},
    "CYRILLIC": "ru",
    "CJK": "cmn",
}
"""The language with most speakers among those of a script."""
_LANGUAGE_OF_LETTER = {
    **dict.fromkeys("ß", "de"), **dict.fromkeys("ñ", "es"), **dict.fromkeys("łąę", "pl"), **dict.fromkeys("őű", "hu"),
    **dict.fromkeys("ğı", "tr"), **dict.fromkeys("ãõ", "pt"), **dict.fromkeys("řů", "cs"), **dict.fromkeys("țș", "ro"),
}  # fmt: skip
"""Latin letters that, among the languages with voices, only one uses; ä, é or ç are in many."""
_IDEOGRAPHIC = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})
_MIN_LETTERS = 2
"""Letters of another alphabet that a word needs: a single one, as in "5 Ω", is a sign."""
_WORDS = re.compile(r"\s*\S+\s*")


def split_by_language(text: str, language: str) -> Iterator[tuple[str, str | None]]:
    """Yield the parts of a text that words of other languages divide it into, each with its language; None for `language`.

    A word is of another language if it is in a script, or has a letter, that its own language does not use.
    """
    own = language.partition("-")[0]
    words = [(word, _language_of(word, own) if own else None) for word in _WORDS.findall(text) or [text]]
    for other, group in groupby(words, key=lambda pair: pair[1]):
        yield "".join(word for word, _ in group), other


def _language_of(word: str, own: str) -> str | None:
    letters = [letter for letter in word.lower() if letter.isalpha()]
    scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    for script, count in scripts.most_common():
        is_foreign = script in _SCRIPTS and script not in _OTHERS.get(own, set())
        if is_foreign and (count >= _MIN_LETTERS or script in _IDEOGRAPHIC):
            return _LANGUAGE_OF_SCRIPT[script]
    found = {_LANGUAGE_OF_LETTER[letter] for letter in letters if letter in _LANGUAGE_OF_LETTER}
    return found.pop() if len(found) == 1 and own not in found else None


def is_readable(text: str, language: str) -> bool:
    """Return whether a voice of the language (BCP 47) can read at least one letter. Every voice reads Latin letters."""
    letters = [unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha()]
    known = _OTHERS.get(language.partition("-")[0], set()) | {LATIN}
    return not letters or any(script in known or script not in _SCRIPTS for script in letters)
