"""Normalization of text for speech synthesis: removes what would end, break or swallow the rest of a text."""

import re
import unicodedata

MAX_WORD_CHARACTERS = 60
"""Longer words are split, because engines drop the rest of very long ones."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]+")
_EMOJI_BASE = "[\u2190-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
_MODIFIER = "[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_EMOJI = re.compile(
    rf"(?>([\U0001f1e6-\U0001f1ff]{{2}}|{_EMOJI_BASE}{_MODIFIER}*(?:\u200d{_EMOJI_BASE}{_MODIFIER}*)*))(?=\S)"
)
_LONG_WORD = re.compile(rf"(\S{{{MAX_WORD_CHARACTERS}}})(?=\S)")
# Arrows, mathematical and musical symbols carry meaning in a sentence; these characters only decorate it.
_DECORATION = "[\u231a\u231b\u23e9-\u23fa\u2500-\u266c\u2670-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
_DECORATIONS = re.compile(rf"\s*(?:{_DECORATION}(?:{_MODIFIER}|\u200d|{_DECORATION})*|[\ufe0f\u20e3]+)(?=(\w)?)")
_RUN = re.compile(r"(?P<stop>[!?,;:])(?P=stop)+|(?P<dots>\.{4,})|(?P<line>[-=_*~#|<>])(?P=line){2,}")


def normalize(text: str) -> str:
    """Return the text without control characters and lone surrogates, with long words split and emoji apart."""
    if _is_plain(text):
        return _LONG_WORD.sub(r"\1 ", text)
    return _LONG_WORD.sub(r"\1 ", _EMOJI.sub(r"\1 ", _CONTROL.sub(" ", _join_surrogates(text))))


def strip_emoji(text: str) -> str:
    """Return the text without emoji and other decoration, and with repeated punctuation reduced to one character."""
    if not _is_plain(text):
        text = _DECORATIONS.sub(lambda found: " " if found[1] else "", _join_surrogates(text))
    return _RUN.sub(_shorten_run, text)


def is_speakable(text: str) -> bool:
    """Return whether the text contains more than punctuation."""
    return any(character.isalnum() or unicodedata.category(character)[0] == "S" for character in text)


def _shorten_run(run: re.Match[str]) -> str:
    return run["stop"] or ("..." if run["dots"] else " ")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _join_surrogates(text: str) -> str:
    """Join surrogates that came in two events; a lone one becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
