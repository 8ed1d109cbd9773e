"""Builds the segments of a text as it arrives."""

import re
from dataclasses import dataclass, field, replace
from typing import Protocol

from wyoming_rosie.text.normalize import is_speakable, normalize, strip_emoji
from wyoming_rosie_tts.text.segments import MarkSegment, PauseSegment, Prosody, Segment, TextSegment, VoiceRequest
from wyoming_rosie_tts.text.sentence_splitter import SentenceSplitter, ends_sentence

MAX_PAUSE_MILLISECONDS = 300_000
"""Limit for all pauses of one text together; the rest is left out."""

_LANGUAGE = re.compile(r"(?:[a-z]{2,3}[-_][A-Z]{2}|[a-z]{2})(?![A-Za-z0-9])")


class SegmentParser(Protocol):
    """Incremental parser of one text. The segments do not depend on how the text is split into chunks."""

    def feed(self, text: str) -> list[Segment]:
        """Return the segments that are complete. Raises BadEventError, after which it must not be used."""

    def finish(self) -> list[Segment]:
        """Return the remaining segments. Raises BadEventError."""


def requested_language(request: VoiceRequest) -> str:
    """Return the requested language, or the one that the voice's name starts with (en-US-Jenny, de_DE-thorsten)."""
    if request.language or not request.name:
        return request.language or ""
    found = _LANGUAGE.match(request.name)
    return found[0].replace("_", "-") if found else ""


def is_english(language: str) -> bool:
    """Return whether a language tag is English. An empty tag is."""
    return re.split("[-_]", language.lower())[0] in ("", "en")


@dataclass(frozen=True)
class SpeechStyle:
    """Prosody, voice and language (BCP 47; empty if unknown) of a stretch of text."""

    prosody: Prosody = field(default_factory=Prosody)
    voice_request: VoiceRequest | None = None
    language: str = ""


class SegmentBuilder:
    """Splits text into sentences and clauses, with pauses and marks between them.

    Emoji are left out unless the text consists of nothing else.
    """

    def __init__(self) -> None:
        self._splitter = SentenceSplitter()
        self._style = SpeechStyle()
        self._segments: list[Segment] = []
        self._silent_text = ""
        self._has_text = False
        self._pause_left = MAX_PAUSE_MILLISECONDS

    @property
    def has_text(self) -> bool:
        return self._has_text

    def add_text(self, text: str, style: SpeechStyle) -> None:
        sign = self._set_style(style)
        self._add_sentences(self._splitter.feed(sign + text))

    def add_phonemes(self, text: str, phonemes: str, style: SpeechStyle) -> None:
        """Add phonemes in IPA; engines without phonemes speak the text."""
        text = self._set_style(style) + text
        self._flush(joins_next=True)
        self._has_text = True
        self._segments.append(TextSegment(_clean(text), style.prosody, phonemes, style.voice_request, joins_next=True))

    def end_sentence(self) -> None:
        self._add_sentences(self._splitter.flush())
        self._separate()

    def add_pause(self, milliseconds: int) -> None:
        """Add a pause, which replaces the silence between sentences."""
        self._flush(joins_next=True)
        if pause := min(milliseconds, self._pause_left):
            self._pause_left -= pause
            self._segments.append(PauseSegment(pause))

    def add_mark(self, name: str) -> None:
        self._flush()
        self._segments.append(MarkSegment(name))

    def take_ready(self) -> list[Segment]:
        """Remove and return the segments that are final. One that joins the next is not: a full stop may follow it."""
        count = len(self._segments) - (self._joining_segment() is not None)
        ready, self._segments = self._segments[:count], self._segments[count:]
        return ready

    def finish(self) -> list[Segment]:
        """Remove and return the remaining segments."""
        self.end_sentence()
        if not self._has_text and (text := _join_whitespace(normalize(self._silent_text))):
            self._segments.append(TextSegment(text))
        remaining, self._segments = self._segments, []
        return remaining

    def _set_style(self, style: SpeechStyle) -> str:
        """Set the style of the text that follows, and return the sign before it that belongs to it."""
        if style == self._style:
            return ""
        sign = self._splitter.take_sign()
        self._flush()
        self._style = style
        return sign

    def _flush(self, *, joins_next: bool = False) -> None:
        """Add the pending text, joined to what follows if `joins_next` or if it does not end a sentence."""
        *others, last = self._splitter.flush() or [""]
        self._add_sentences(others)
        self._add_sentence(last, joins_next=joins_next or not ends_sentence(last))

    def _add_sentences(self, texts: list[str]) -> None:
        for text in texts:
            self._add_sentence(text, joins_next=False)

    def _add_sentence(self, text: str, *, joins_next: bool) -> None:
        plain = _clean(text)
        if is_speakable(plain):
            self._has_text = True
            self._segments.append(
                TextSegment(plain, self._style.prosody, voice_request=self._style.voice_request, joins_next=joins_next)
            )
            return
        self._silent_text = self._silent_text or text
        if ends_sentence(text) and not joins_next:
            self._separate()

    def _separate(self) -> None:
        """Let silence follow the last segment, even if it was to join the next."""
        if joined := self._joining_segment():
            self._segments[-1] = replace(joined, joins_next=False)

    def _joining_segment(self) -> TextSegment | None:
        """Return the last segment if it joins the next."""
        last = self._segments[-1] if self._segments else None
        return last if isinstance(last, TextSegment) and last.joins_next else None


def _clean(text: str) -> str:
    return _join_whitespace(normalize(strip_emoji(text)))


def _join_whitespace(text: str) -> str:
    return " ".join(text.split())
