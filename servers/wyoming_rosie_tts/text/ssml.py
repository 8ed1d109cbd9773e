"""SSML, and the dialects of it that people have, read as words, pauses and marks."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.text import say_as
from wyoming_rosie_tts.text.prosody import break_milliseconds, combined, emphasis_of, prosody_of
from wyoming_rosie_tts.text.script import Manner, Script, language_of
from wyoming_rosie_tts.text.segments import Piece, Wish
from wyoming_rosie_tts.text.ssml_tokenizer import End, Markup, Start, Token

MOST_TAGS = 5000
MOST_DEPTH = 100
MOST_WORDS_CHARACTERS = 1000
"""Of the text in a say-as or phoneme; a longer one is said as it is."""
PARAGRAPH_MILLISECONDS = 400
"""Of silence between paragraphs, beside that between sentences."""

_SPACES = re.compile(r"[^\S ]")
_SILENT = frozenset({"metadata", "meta", "desc", "title", "lexicon", "lexeme"})
_REWRITTEN = frozenset({"say-as", "phoneme"})
_PARAGRAPHS = frozenset({"p", "paragraph"})
_SENTENCES = frozenset({"s", "sentence", *_PARAGRAPHS})

_Attributes: TypeAlias = Mapping[str, str]


def read(document: str) -> list[Piece]:
    """Return what a whole document says. Raises BadEventError."""
    reader = Reader()
    return reader.feed(document) + reader.finish()


@dataclass
class _Element:
    """An open element: how its words are said, and where they are collected if they are not said as they come."""

    name: str
    attributes: _Attributes
    manner: Manner
    words: list[str] | None = None
    owns_words: bool = False
    is_silent: bool = False


class Reader:
    """Reads a document that arrives in any pieces; unknown tags keep their text, slips in the markup cost no words.

    The language that <speak> names chooses the voice, unless the peer has named one.
    """

    def __init__(self, wish: Wish | None = None) -> None:
        wish = wish or Wish()
        self._markup = Markup()
        self._script = Script()
        self._has_voice = wish.name is not None
        self._open = [_Element("", {}, Manner(language=language_of(wish)))]
        self._tags = 0

    def feed(self, text: str) -> list[Piece]:
        for token in self._markup.feed(text):
            self._read(token)
        return self._script.take()

    def finish(self) -> list[Piece]:
        for token in self._markup.finish():
            self._read(token)
        while len(self._open) > 1:
            self._leave()
        return self._script.finish()

    def _read(self, token: Token) -> None:
        match token:
            case str():
                self._say(_SPACES.sub(" ", token))
            case Start():
                self._count()
                self._enter(token)
                if token.is_empty:
                    self._leave()
            case End():
                self._count()
                self._close(token.name)

    def _count(self) -> None:
        self._tags += 1
        if self._tags > MOST_TAGS or len(self._open) > MOST_DEPTH:
            raise BadEventError(
                f"SSML may have {MOST_TAGS} tags, {MOST_DEPTH} in each other; this has more", "ssml-too-large"
            )

    def _say(self, text: str) -> None:
        element = self._open[-1]
        if element.is_silent:
            return
        if element.words is None:
            self._script.say(text, element.manner)
        else:
            element.words.append(text)

    def _enter(self, tag: Start) -> None:
        outer = self._open[-1]
        manner = self._manner(outer.manner, tag)
        element = _Element(tag.name, tag.attributes, manner, outer.words, is_silent=outer.is_silent)
        self._open.append(element)
        if not element.is_silent:
            self._begin(element)

    def _manner(self, outer: Manner, tag: Start) -> Manner:
        change = _MANNERS.get(tag.name)
        inner = change(outer, tag.attributes) if change else outer
        return replace(inner, wish=outer.wish) if tag.name == "speak" and self._has_voice else inner

    def _begin(self, element: _Element) -> None:
        match element.name:
            case "break":
                self._script.pause(break_milliseconds(element.attributes))
            case "mark" | "bookmark":
                self._mark(element.attributes)
            case "sub":
                self._substitute(element)
            case name if name in _REWRITTEN and element.words is None:
                element.words, element.owns_words = [], True
            case name if name in _SENTENCES:
                self._begin_sentence(is_paragraph=name in _PARAGRAPHS)
            case name:
                element.is_silent = name in _SILENT

    def _mark(self, attributes: _Attributes) -> None:
        if name := attributes.get("name") or attributes.get("mark"):
            self._script.mark(name)

    def _substitute(self, element: _Element) -> None:
        if alias := element.attributes.get("alias"):
            self._say(alias)
            element.is_silent = True

    def _begin_sentence(self, *, is_paragraph: bool) -> None:
        self._script.end_sentence()
        if is_paragraph and self._script.has_words:
            self._script.pause(PARAGRAPH_MILLISECONDS)

    def _close(self, name: str) -> None:
        """Close the innermost element of that name and all in it; there may be none."""
        if any(element.name == name for element in self._open[1:]):
            while self._leave() != name:
                pass

    def _leave(self) -> str:
        element = self._open.pop()
        if element.owns_words and element.words is not None:
            self._rewrite(element, "".join(element.words))
        elif element.name in _SENTENCES and not element.is_silent:
            self._script.end_sentence()
        return element.name

    def _rewrite(self, element: _Element, text: str) -> None:
        """Say the words of an element that says how."""
        attributes = element.attributes
        if len(text) > MOST_WORDS_CHARACTERS:
            self._script.say(text, element.manner)
        elif element.name == "say-as":
            said = say_as.spoken(
                text, attributes.get("interpret-as", ""), attributes.get("format", ""), element.manner.language
            )
            self._script.say(said, element.manner)
        elif attributes.get("ph") and attributes.get("alphabet", "ipa").lower() == "ipa":
            self._script.pronounce(text, attributes["ph"], element.manner)
        else:
            self._script.say(text, element.manner)


def _in_prosody(manner: Manner, attributes: _Attributes) -> Manner:
    return replace(manner, prosody=combined(manner.prosody, prosody_of(attributes)))


def _with_emphasis(manner: Manner, attributes: _Attributes) -> Manner:
    return replace(manner, prosody=combined(manner.prosody, emphasis_of(attributes)))


def _in_language(manner: Manner, attributes: _Attributes) -> Manner:
    language = attributes.get("xml:lang", "").strip()
    if not language or language.lower() == manner.language.lower():
        return manner
    return replace(manner, wish=Wish(language=language), language=language)


def _with_voice(manner: Manner, attributes: _Attributes) -> Manner:
    """Turn to the first voice that is named; its language is for engines that do not have it."""
    language = _first(attributes, "xml:lang") or _first(attributes, "language") or _first(attributes, "languages")
    name = _first(attributes, "name")
    if not name:
        return _in_language(manner, {"xml:lang": language})
    wish = Wish(name=name, language=language or language_of(Wish(name=name)) or manner.language or None)
    return replace(manner, wish=wish, language=wish.language or "")


def _first(attributes: _Attributes, name: str) -> str:
    return next(iter(attributes.get(name, "").split()), "")


_MANNERS: Mapping[str, Callable[[Manner, _Attributes], Manner]] = {
    "prosody": _in_prosody,
    "emphasis": _with_emphasis,
    "voice": _with_voice,
    **dict.fromkeys(("speak", "lang", "w", "token", *_SENTENCES), _in_language),
}
