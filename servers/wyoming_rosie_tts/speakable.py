"""Text as a synthesiser can take it: nothing in it that would end, break or swallow the rest."""

import re

LONGEST_WORD = 60
"""Characters; engines drop the rest of words that are much longer."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]+")
_PICTURE = "[\u2190-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff]"
_MODIFIER = "[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_EMOJI = re.compile(
    rf"(?>([\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}{_MODIFIER}*(?:\u200d{_PICTURE}{_MODIFIER}*)*))(?=\S)"
)
_LONG_WORD = re.compile(rf"(\S{{{LONGEST_WORD}}})(?=\S)")


def speakable(text: str) -> str:
    """Return the text without control characters and halves of characters, long words cut, emoji as words apart."""
    # Two halves of one character may have come in two events; one half alone is nothing.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _LONG_WORD.sub(r"\1 ", _EMOJI.sub(r"\1 ", _CONTROL.sub(" ", whole)))
