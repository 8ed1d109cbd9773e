"""The scripts of languages, so that no voice spells out letters that it cannot read."""

import unicodedata

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


def is_readable(text: str, language: str) -> bool:
    """Return whether a voice of the language (BCP 47) can read at least one letter. Every voice reads Latin letters."""
    letters = [unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha()]
    known = _OTHERS.get(language.partition("-")[0], set()) | {LATIN}
    return not letters or any(script in known or script not in _SCRIPTS for script in letters)
