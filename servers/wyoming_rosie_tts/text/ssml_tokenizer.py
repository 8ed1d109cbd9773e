"""Incremental SSML tokenizer: texts and tags.

An XML parser stops at the first error, but a language model's `Tom & Jerry` must not cost the rest of the document. This
tokenizer takes everything that is not a tag as text. It supports no declarations, so nothing is ever fetched, and an
entity stands for at most one character.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.entities import html5
from typing import TypeAlias

from wyoming_rosie.errors import BadEventError

MAX_TAG_CHARACTERS = 4000
"""Limit for a tag, comment, processing instruction or CDATA section."""

_NAME = r"[A-Za-z_][\w:.-]*+"
_TAG = re.compile(rf"<(/?)({_NAME})((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_MALFORMED_TAG = re.compile(rf"<(/?)({_NAME})([^<>]*+)>")
_TAG_PREFIX = re.compile(r"</?(?:[A-Za-z_]|\Z)")
_TEXT = re.compile(r"(?:[^<&]++|<(?![A-Za-z_/!?]|\Z)|&(?![#A-Za-z]|\Z))++")
_ATTRIBUTE = re.compile(r"([^\s=/\"']++)(?:\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s/\"']++)))?|.", re.DOTALL)
_ENTITY = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_ENTITY_PREFIX = re.compile(r"&#?\w{0,31}\Z")
_DECLARATION = re.compile(r"<![A-Za-z]")
_BLOCKS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}


@dataclass(frozen=True)
class StartTag:
    """A start tag. Names are in lower case and include their prefix."""

    name: str
    attributes: dict[str, str]
    is_empty: bool


@dataclass(frozen=True)
class EndTag:
    name: str


Token: TypeAlias = str | StartTag | EndTag
_Step: TypeAlias = tuple[Token | None, int]


class SsmlTokenizer:
    """Splits a document into texts and tags. The tokens do not depend on how the document is split into chunks."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, text: str) -> Iterator[Token]:
        """Yield the complete tokens. Raises BadEventError."""
        self._text += text
        return self._tokenize(at_end=False)

    def finish(self) -> Iterator[Token]:
        """Yield the remaining tokens; an incomplete tag is text. Raises BadEventError."""
        return self._tokenize(at_end=True)

    def _tokenize(self, *, at_end: bool) -> Iterator[Token]:
        at = 0
        texts: list[str] = []
        while at < len(self._text) and (step := self._next_token(at, at_end=at_end)) is not None:
            token, at = step
            if isinstance(token, str):
                texts.append(token)
                continue
            if texts:
                yield "".join(texts)
                texts.clear()
            if token is not None:
                yield token
        self._text = self._text[at:]
        if texts:
            yield "".join(texts)

    def _next_token(self, at: int, *, at_end: bool) -> _Step | None:
        """Return the token at a position and its end, or None if it is not complete yet."""
        if text := _TEXT.match(self._text, at):
            return text[0], text.end()
        return self._read_entity(at, at_end=at_end) if self._text[at] == "&" else self._read_markup(at, at_end=at_end)

    def _read_entity(self, at: int, *, at_end: bool) -> _Step | None:
        if found := _ENTITY.match(self._text, at):
            return _decode_entity(found), found.end()
        if _ENTITY_PREFIX.match(self._text, at) and not at_end:
            return None
        return "&", at + 1

    def _read_markup(self, at: int, *, at_end: bool) -> _Step | None:
        if _TAG_PREFIX.match(self._text, at):
            return self._read_tag(at, at_end=at_end)
        if _DECLARATION.match(self._text, at):
            raise BadEventError("SSML with a DOCTYPE or an ENTITY is refused; send it without", "forbidden-ssml")
        for start, end in _BLOCKS.items():
            if self._text.startswith(start, at):
                return self._read_block(at, start, end, at_end=at_end)
        may_begin = any(start.startswith(self._text[at:]) for start in _BLOCKS)
        return None if may_begin and not at_end else ("<", at + 1)

    def _read_block(self, at: int, start: str, end: str, *, at_end: bool) -> _Step | None:
        close = self._text.find(end, at + len(start), at + MAX_TAG_CHARACTERS)
        if close >= 0:
            return self._text[at + len(start) : close] if start == "<![CDATA[" else None, close + len(end)
        self._check_length(at)
        return ("<", at + 1) if at_end else None

    def _read_tag(self, at: int, *, at_end: bool) -> _Step | None:
        limit = at + MAX_TAG_CHARACTERS
        if found := _TAG.match(self._text, at, limit):
            return _parse_tag(found), found.end()
        following = self._text.find("<", at + 1, limit)
        if following < 0 and not at_end and len(self._text) < limit:
            return None
        if found := _MALFORMED_TAG.match(self._text, at, limit):
            return _parse_tag(found), found.end()
        if following < 0:
            self._check_length(at)
        return "<", at + 1

    def _check_length(self, at: int) -> None:
        if len(self._text) >= at + MAX_TAG_CHARACTERS:
            raise BadEventError(
                f"a tag or comment in SSML may have {MAX_TAG_CHARACTERS} characters, this one has more",
                "ssml-too-large",
            )


def _parse_tag(found: re.Match[str]) -> Token:
    name = found[2].lower()
    if found[1]:
        return EndTag(name)
    return StartTag(name, _parse_attributes(found[3]), found[3].endswith("/"))


def _parse_attributes(text: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(text)
    return {name.lower(): html.unescape(double or single or bare) for name, double, single, bare in found if name}


def _decode_entity(entity: re.Match[str]) -> str:
    """Return the character of a reference. An unknown reference stays as it is."""
    return html.unescape(entity[0]) if entity[1].startswith("#") else html5.get(f"{entity[1]};", entity[0])
