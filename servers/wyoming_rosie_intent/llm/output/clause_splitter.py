"""Clause splitter: splits streamed model output into clauses to speak, without Markdown."""

# ruff: noqa: RUF001 - the punctuation of many scripts is meant as it looks

import re

from wyoming_rosie.text.abbreviations import ends_with_abbreviation
from wyoming_rosie.text.markdown import MarkdownStripper
from wyoming_rosie.text.normalize import is_speakable, strip_emoji

MIN_WORDS = 3
"""A shorter clause is joined with the next one."""
MAX_CHARACTERS = 300
"""A longer clause is cut at its last space."""

_END = re.compile(r"(?P<stop>[.!?…]+)[\"'”’»)]*\s|[,;:][\"'”’»)]*\s|\s[–—-]\s|\n|[。！？；，、：]")
_WORD = re.compile(r"\w+")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_EMPTY_LINES = re.compile(r"\s*\n\s*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_DOTTED = re.compile(r"\w\.\w+$")


class SpeechSplitter:
    """Splits streamed text into clauses to speak."""

    def __init__(self) -> None:
        self._prose = MarkdownStripper("")
        self._clauses = ClauseSplitter()

    def feed(self, text: str) -> list[str]:
        return _strip_unspoken(self._clauses.feed(self._prose.feed(text)))

    def flush(self) -> list[str]:
        """Return the rest of the text."""
        return _strip_unspoken([*self._clauses.feed(self._prose.finish()), *self._clauses.flush()])


class ClauseSplitter:
    """Splits streamed text into clauses; joined, they are the text."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, text: str) -> list[str]:
        """Return the clauses that are complete now; a split depends on the text alone, not on its chunks."""
        self._text += text
        clauses = []
        while end := self._find_end():
            clauses.append(self._text[:end])
            self._text = self._text[end:]
        return clauses

    def flush(self) -> list[str]:
        """Return the rest of the text."""
        remaining, self._text = self._text, ""
        return [remaining] if remaining else []

    def _find_end(self) -> int:
        """Return the end of the first clause, or 0 if it is not known yet."""
        for found in _END.finditer(self._text, 0, MAX_CHARACTERS):
            if _has_min_words(self._text[: found.end()]) and not self._is_abbreviation(found):
                return found.end()
        if len(self._text) < MAX_CHARACTERS:
            return 0
        return self._text.rfind(" ", 0, MAX_CHARACTERS) + 1 or MAX_CHARACTERS

    def _is_abbreviation(self, found: re.Match[str]) -> bool:
        before = self._text[: found.start()]
        return found["stop"] == "." and (ends_with_abbreviation(before) or _DOTTED.search(before) is not None)


def _has_min_words(clause: str) -> bool:
    return len(_WORD.findall(clause)) + len(_WIDE.findall(clause)) >= MIN_WORDS


def _strip_unspoken(clauses: list[str]) -> list[str]:
    """Remove emoji, control characters, empty lines, and clauses without words."""
    plain = (_EMPTY_LINES.sub("\n", strip_emoji(_CONTROL.sub("", clause))) for clause in clauses)
    return [clause for clause in plain if is_speakable(clause)]
