"""Splits streamed text into sentences, and long sentences into clauses.

The boundaries do not depend on how the text is split into chunks. A doubtful boundary is not taken: engines pause at
full stops by themselves, so a long piece only delays the first audio, while a short one breaks the intonation.
"""

# ruff: noqa: RUF001 - the punctuation of many scripts is intended

import re

from wyoming_rosie.text.abbreviations import ends_with_abbreviation, ends_with_number_abbreviation

MIN_FIRST_CLAUSE = 40
"""Length from which the first piece may end at a comma, so that the first audio comes early."""
MIN_CLAUSE = 150
"""Length from which any piece may end at a comma."""
MAX_CHARACTERS = 220
"""Limit for every piece."""

_STOPS = ".!?…؟۔।։።"
_CLOSERS = r"[\"'”’»)\]」』）】]*"
_ENDS = re.compile(
    rf"(?P<stop>[{_STOPS}]+{_CLOSERS}\s+)|(?P<wide>[。！？｡．]+{_CLOSERS}\s*)|(?P<line>(?<!\s)\s*\n\s*)|(?P<clause>[,;:—–،]\s+|[，、；：]\s*)"
)
_LAST_SIGN = re.compile(r"(?<!\S)[-\u2212–±~$€£]\Z")
_SPACE = re.compile(r"\s*")
_SENTENCE = re.compile(rf"[{_STOPS}。！？｡．]{_CLOSERS}\s*\Z")


class SentenceSplitter:
    """Buffers text and returns the sentences and clauses that are complete."""

    def __init__(self) -> None:
        self._text = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        """Return the complete pieces. The last words always wait for what follows them."""
        self._text += text
        return self._split(at_end=False)

    def take_sign(self) -> str:
        """Remove and return a sign at the end that belongs to a number after it, such as a minus."""
        sign = _LAST_SIGN.search(self._text)
        self._text = self._text[: sign.start()] if sign else self._text
        return sign[0] if sign else ""

    def flush(self) -> list[str]:
        """Return the remaining pieces; the reply goes on after something else, such as a pause."""
        return self._split(at_end=True)

    def finish(self) -> list[str]:
        """Return the remaining pieces of the text, and start a new text."""
        pieces = self._split(at_end=True)
        self._is_first = True
        return pieces

    def _split(self, *, at_end: bool) -> list[str]:
        pieces = []
        start = self._skip_whitespace(0)
        while (end := self._find_end(start, at_end=at_end)) is not None:
            pieces.append(self._text[start:end].rstrip())
            self._is_first = False
            start = self._skip_whitespace(end)
        self._text = self._text[start:]
        return pieces

    def _skip_whitespace(self, start: int) -> int:
        space = _SPACE.match(self._text, start)
        return space.end() if space else start

    def _find_end(self, start: int, *, at_end: bool) -> int | None:
        """Return the end of the piece that begins at `start`, or None if it is not known yet."""
        text = self._text
        # Text beyond the longest possible piece must not matter: it may not have arrived yet.
        limit = min(len(text), start + MAX_CHARACTERS + 1)
        for found in _ENDS.finditer(text, start, limit):
            if found.end() < limit and self._is_end(found, start):
                return found.end()
        if len(text) - start > MAX_CHARACTERS:
            return _find_last_space(text, start + 1, start + MAX_CHARACTERS) + 1 or start + MAX_CHARACTERS
        return len(text) if at_end and start < len(text) else None

    def _is_end(self, found: re.Match[str], start: int) -> bool:
        if found[0].count("\n") > 1:
            return True
        following = found.string[found.end()]
        goes_on = following.islower() or following in _STOPS
        match found.lastgroup:
            case "clause":
                least = MIN_FIRST_CLAUSE if self._is_first else MIN_CLAUSE
                return found.start() - start >= least and not _is_range(found)
            case "line":
                return not goes_on
            case "stop":
                return not goes_on and not _is_abbreviation(found, start)
            case _:
                return True


def ends_sentence(text: str) -> bool:
    """Return whether the text ends with the punctuation of a sentence."""
    return _SENTENCE.search(text) is not None


def _is_abbreviation(found: re.Match[str], start: int) -> bool:
    """Return whether the full stop belongs to an abbreviation."""
    if found[0].rstrip() != ".":
        return False
    before = found.string[max(start, found.start() - 20) : found.start()]
    is_before_number = found.string[found.end()].isdecimal() and ends_with_number_abbreviation(before)
    return is_before_number or ends_with_abbreviation(before)


def _is_range(found: re.Match[str]) -> bool:
    """Return whether the clause's sign is a dash between two numbers."""
    before = found.string[max(0, found.start() - 2) : found.start()].rstrip()
    return found[0][0] in "—–" and before[-1:].isdecimal() and found.string[found.end()].isdecimal()


def _find_last_space(text: str, start: int, end: int) -> int:
    """Return the last space that is not beside a digit, else the last one; -1 without any."""
    position = end
    while (position := text.rfind(" ", start, position)) >= 0:
        if not (text[position - 1].isdecimal() or text[position + 1].isdecimal()):
            return position
    return text.rfind(" ", start, end)
