"""Parser of SSML and its dialects (Azure, Google, Amazon Polly)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.text import say_as
from wyoming_rosie_tts.text.prosody import combine, parse_break, parse_emphasis, parse_prosody
from wyoming_rosie_tts.text.segment_builder import SegmentBuilder, SpeechStyle, requested_language
from wyoming_rosie_tts.text.segments import Segment, VoiceRequest
from wyoming_rosie_tts.text.ssml_tokenizer import EndTag, SsmlTokenizer, StartTag, Token

MAX_TAGS = 5000
MAX_DEPTH = 100
MAX_REWRITTEN_CHARACTERS = 1000
"""Limit for the text in a say-as or phoneme; a longer one is spoken as it is."""
PARAGRAPH_MILLISECONDS = 400
"""Silence between paragraphs, in addition to that between sentences."""

_SPACES = re.compile(r"[^\S ]")
_SILENT = frozenset({"metadata", "meta", "desc", "title", "lexicon", "lexeme"})
_REWRITTEN = frozenset({"say-as", "phoneme"})
_PARAGRAPHS = frozenset({"p", "paragraph"})
_SENTENCES = frozenset({"s", "sentence", *_PARAGRAPHS})

_Attributes: TypeAlias = Mapping[str, str]


def parse(document: str) -> list[Segment]:
    """Return the segments of a whole document. Raises BadEventError."""
    parser = SsmlParser()
    return parser.feed(document) + parser.finish()


@dataclass
class _Element:
    """An open element. `captured` holds its text if the text is spoken only at the end tag."""

    name: str
    attributes: _Attributes
    style: SpeechStyle
    captured: list[str] | None = None
    is_capturing: bool = False
    is_silent: bool = False


class SsmlParser:
    """Parses a document as it arrives. Unknown tags keep their text, and malformed markup loses no words.

    The language that <speak> names chooses the voice, unless the peer has named one.
    """

    def __init__(self, request: VoiceRequest | None = None) -> None:
        request = request or VoiceRequest()
        self._tokenizer = SsmlTokenizer()
        self._builder = SegmentBuilder()
        self._has_voice = request.name is not None
        self._elements = [_Element("", {}, SpeechStyle(language=requested_language(request)))]
        self._tags = 0

    def feed(self, text: str) -> list[Segment]:
        for token in self._tokenizer.feed(text):
            self._process_token(token)
        return self._builder.take_ready()

    def finish(self) -> list[Segment]:
        for token in self._tokenizer.finish():
            self._process_token(token)
        while len(self._elements) > 1:
            self._close_element()
        return self._builder.finish()

    def _process_token(self, token: Token) -> None:
        match token:
            case str():
                self._add_text(_SPACES.sub(" ", token))
            case StartTag():
                self._count_tag()
                self._open_element(token)
                if token.is_empty:
                    self._close_element()
            case EndTag():
                self._count_tag()
                self._close_tag(token.name)

    def _count_tag(self) -> None:
        self._tags += 1
        if self._tags > MAX_TAGS or len(self._elements) > MAX_DEPTH:
            raise BadEventError(
                f"SSML may have {MAX_TAGS} tags, nested {MAX_DEPTH} deep; this has more", "ssml-too-large"
            )

    def _add_text(self, text: str) -> None:
        element = self._elements[-1]
        if element.is_silent:
            return
        if element.captured is None:
            self._builder.add_text(text, element.style)
        else:
            element.captured.append(text)

    def _open_element(self, tag: StartTag) -> None:
        outer = self._elements[-1]
        style = self._apply_style(outer.style, tag)
        element = _Element(tag.name, tag.attributes, style, outer.captured, is_silent=outer.is_silent)
        self._elements.append(element)
        if not element.is_silent:
            self._start_element(element)

    def _apply_style(self, outer: SpeechStyle, tag: StartTag) -> SpeechStyle:
        change = _STYLE_CHANGES.get(tag.name)
        style = change(outer, tag.attributes) if change else outer
        return replace(style, voice_request=outer.voice_request) if tag.name == "speak" and self._has_voice else style

    def _start_element(self, element: _Element) -> None:
        match element.name:
            case "break":
                self._builder.add_pause(parse_break(element.attributes))
            case "mark" | "bookmark":
                self._add_mark(element.attributes)
            case "sub":
                self._substitute(element)
            case name if name in _REWRITTEN and element.captured is None:
                element.captured, element.is_capturing = [], True
            case name if name in _SENTENCES:
                self._start_sentence(is_paragraph=name in _PARAGRAPHS)
            case name:
                element.is_silent = name in _SILENT

    def _add_mark(self, attributes: _Attributes) -> None:
        if name := attributes.get("name") or attributes.get("mark"):
            self._builder.add_mark(name)

    def _substitute(self, element: _Element) -> None:
        if alias := element.attributes.get("alias"):
            self._add_text(alias)
            element.is_silent = True

    def _start_sentence(self, *, is_paragraph: bool) -> None:
        self._builder.end_sentence()
        if is_paragraph and self._builder.has_text:
            self._builder.add_pause(PARAGRAPH_MILLISECONDS)

    def _close_tag(self, name: str) -> None:
        """Close the innermost element of that name, if there is one, and all elements inside it."""
        if any(element.name == name for element in self._elements[1:]):
            while self._close_element() != name:
                pass

    def _close_element(self) -> str:
        element = self._elements.pop()
        if element.is_capturing and element.captured is not None:
            self._add_captured(element, "".join(element.captured))
        elif element.name in _SENTENCES and not element.is_silent:
            self._builder.end_sentence()
        return element.name

    def _add_captured(self, element: _Element, text: str) -> None:
        """Add the text of a say-as or phoneme element."""
        attributes = element.attributes
        if len(text) > MAX_REWRITTEN_CHARACTERS:
            self._builder.add_text(text, element.style)
        elif element.name == "say-as":
            expanded = say_as.expand(
                text, attributes.get("interpret-as", ""), attributes.get("format", ""), element.style.language
            )
            self._builder.add_text(expanded, element.style)
        elif attributes.get("ph") and attributes.get("alphabet", "ipa").lower() == "ipa":
            self._builder.add_phonemes(text, attributes["ph"], element.style)
        else:
            self._builder.add_text(text, element.style)


def _apply_prosody(style: SpeechStyle, attributes: _Attributes) -> SpeechStyle:
    return replace(style, prosody=combine(style.prosody, parse_prosody(attributes)))


def _apply_emphasis(style: SpeechStyle, attributes: _Attributes) -> SpeechStyle:
    return replace(style, prosody=combine(style.prosody, parse_emphasis(attributes)))


def _apply_language(style: SpeechStyle, attributes: _Attributes) -> SpeechStyle:
    language = attributes.get("xml:lang", "").strip()
    if not language or language.lower() == style.language.lower():
        return style
    return replace(style, voice_request=VoiceRequest(language=language), language=language)


def _apply_voice(style: SpeechStyle, attributes: _Attributes) -> SpeechStyle:
    """Select the first voice that is named, with a language for engines that do not have it."""
    language = (
        _first_value(attributes, "xml:lang")
        or _first_value(attributes, "language")
        or _first_value(attributes, "languages")
    )
    name = _first_value(attributes, "name")
    if not name:
        return _apply_language(style, {"xml:lang": language})
    request = VoiceRequest(
        name=name, language=language or requested_language(VoiceRequest(name=name)) or style.language or None
    )
    return replace(style, voice_request=request, language=request.language or "")


def _first_value(attributes: _Attributes, name: str) -> str:
    return next(iter(attributes.get(name, "").split()), "")


_STYLE_CHANGES: Mapping[str, Callable[[SpeechStyle, _Attributes], SpeechStyle]] = {
    "prosody": _apply_prosody,
    "emphasis": _apply_emphasis,
    "voice": _apply_voice,
    **dict.fromkeys(("speak", "lang", "w", "token", *_SENTENCES), _apply_language),
}
